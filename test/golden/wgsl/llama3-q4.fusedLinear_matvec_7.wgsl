enable f16;
enable subgroups;
// fusedLinear.matvec: lanes 32, columns 2, threads 64, stages 2
@group(0) @binding(0) var<storage, read_write> x: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read_write> residual: array<f32>;
@group(0) @binding(2) var<storage, read_write> out: array<f32>;
@group(0) @binding(3) var<storage, read> weight: array<vec4<u32>>;
@group(0) @binding(4) var<storage, read> weightWords: array<u32>;
@group(0) @binding(5) var<storage, read> state: array<u32>;
override tiles: u32 = 4294967295u;

fn weightWords_bits16(index: u32) -> u32 {
  return (weightWords[index >> 1u] >> ((index & 1u) << 4u)) & 0xffffu;
}

fn f16x1(code: u32) -> f32 {
  return f32(bitcast<vec2<f16>>(code).x);
}

fn u4x4(codes: u32) -> vec4<f32> {
  return vec4<f32>(vec4<u32>(codes, codes >> 4u, codes >> 8u, codes >> 12u) & vec4<u32>(15u));
}

fn sum4(v: vec4<f32>) -> f32 {
  return (v.x + v.y) + (v.z + v.w);
}

@compute @workgroup_size(64)
fn fusedLinear_matvec_7(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) local: u32,
) {
  let tile = group.x + group.y * groups.x;
  if (tile >= tiles) { return; }
  let laneOfTeam = local & 31u;
  let first = ((tile * 2u) + (local >> 5u)) * 2u;
  let col = first + 1u;
  var acc: f32 = 0f;
  var acc_1: f32 = 0f;
  var acc_2: f32 = 0f;
  var acc_3: f32 = 0f;
  var acc_4: f32 = 0f;
  var acc_5: f32 = 0f;
  var acc_6: f32 = 0f;
  var acc_7: f32 = 0f;
  var acc_8: f32 = 0f;
  var acc_9: f32 = 0f;
  var acc_10: f32 = 0f;
  var acc_11: f32 = 0f;
  var acc_12: f32 = 0f;
  var acc_13: f32 = 0f;
  var acc_14: f32 = 0f;
  var acc_15: f32 = 0f;
  if (laneOfTeam < 8u) {
    var ahead: vec4<u32> = weight[(first * 8u) + laneOfTeam];
    var ahead_1: u32 = weightWords_bits16(((first * 8u) + laneOfTeam) + 8192u);
    var ahead_2: u32 = weightWords_bits16(((first * 8u) + laneOfTeam) + 9216u);
    var ahead_3: vec4<u32> = weight[(col * 8u) + laneOfTeam];
    var ahead_4: u32 = weightWords_bits16(((col * 8u) + laneOfTeam) + 8192u);
    var ahead_5: u32 = weightWords_bits16(((col * 8u) + laneOfTeam) + 9216u);
    for (var i = laneOfTeam; i < 8u; i += 32u) {
      let now = ahead;
      let now_1 = ahead_1;
      let now_2 = ahead_2;
      let now_3 = ahead_3;
      let now_4 = ahead_4;
      let now_5 = ahead_5;
      let next = i + 32u;
      if (next < 8u) {
        ahead = weight[(first * 8u) + next];
        ahead_1 = weightWords_bits16(((first * 8u) + next) + 8192u);
        ahead_2 = weightWords_bits16(((first * 8u) + next) + 9216u);
        ahead_3 = weight[(col * 8u) + next];
        ahead_4 = weightWords_bits16(((col * 8u) + next) + 8192u);
        ahead_5 = weightWords_bits16(((col * 8u) + next) + 9216u);
      }
      let xAt = i * 8u;
      let scale = f16x1(now_1);
      let least = -f16x1(now_2);
      let scale_1 = f16x1(now_4);
      let least_1 = -f16x1(now_5);
      let xv = x[xAt];
      let xv_1 = x[xAt + 1u];
      let xv_2 = x[xAt + 2u];
      let xv_3 = x[xAt + 3u];
      let xv_4 = x[xAt + 4u];
      let xv_5 = x[xAt + 5u];
      let xv_6 = x[xAt + 6u];
      let xv_7 = x[xAt + 7u];
      let products = ((dot(u4x4(now.x & 65535u), xv) + dot(u4x4(now.x >> 16u), xv_1)) + (dot(u4x4(now.y & 65535u), xv_2) + dot(u4x4(now.y >> 16u), xv_3))) + ((dot(u4x4(now.z & 65535u), xv_4) + dot(u4x4(now.z >> 16u), xv_5)) + (dot(u4x4(now.w & 65535u), xv_6) + dot(u4x4(now.w >> 16u), xv_7)));
      acc = fma(products, scale, acc);
      acc = acc - (least * (((sum4(xv) + sum4(xv_1)) + (sum4(xv_2) + sum4(xv_3))) + ((sum4(xv_4) + sum4(xv_5)) + (sum4(xv_6) + sum4(xv_7)))));
      let products_1 = ((dot(u4x4(now_3.x & 65535u), xv) + dot(u4x4(now_3.x >> 16u), xv_1)) + (dot(u4x4(now_3.y & 65535u), xv_2) + dot(u4x4(now_3.y >> 16u), xv_3))) + ((dot(u4x4(now_3.z & 65535u), xv_4) + dot(u4x4(now_3.z >> 16u), xv_5)) + (dot(u4x4(now_3.w & 65535u), xv_6) + dot(u4x4(now_3.w >> 16u), xv_7)));
      acc_8 = fma(products_1, scale_1, acc_8);
      acc_8 = acc_8 - (least_1 * (((sum4(xv) + sum4(xv_1)) + (sum4(xv_2) + sum4(xv_3))) + ((sum4(xv_4) + sum4(xv_5)) + (sum4(xv_6) + sum4(xv_7)))));
      let xv_8 = x[xAt + 64u];
      let xv_9 = x[xAt + 65u];
      let xv_10 = x[xAt + 66u];
      let xv_11 = x[xAt + 67u];
      let xv_12 = x[xAt + 68u];
      let xv_13 = x[xAt + 69u];
      let xv_14 = x[xAt + 70u];
      let xv_15 = x[xAt + 71u];
      let products_2 = ((dot(u4x4(now.x & 65535u), xv_8) + dot(u4x4(now.x >> 16u), xv_9)) + (dot(u4x4(now.y & 65535u), xv_10) + dot(u4x4(now.y >> 16u), xv_11))) + ((dot(u4x4(now.z & 65535u), xv_12) + dot(u4x4(now.z >> 16u), xv_13)) + (dot(u4x4(now.w & 65535u), xv_14) + dot(u4x4(now.w >> 16u), xv_15)));
      acc_1 = fma(products_2, scale, acc_1);
      acc_1 = acc_1 - (least * (((sum4(xv_8) + sum4(xv_9)) + (sum4(xv_10) + sum4(xv_11))) + ((sum4(xv_12) + sum4(xv_13)) + (sum4(xv_14) + sum4(xv_15)))));
      let products_3 = ((dot(u4x4(now_3.x & 65535u), xv_8) + dot(u4x4(now_3.x >> 16u), xv_9)) + (dot(u4x4(now_3.y & 65535u), xv_10) + dot(u4x4(now_3.y >> 16u), xv_11))) + ((dot(u4x4(now_3.z & 65535u), xv_12) + dot(u4x4(now_3.z >> 16u), xv_13)) + (dot(u4x4(now_3.w & 65535u), xv_14) + dot(u4x4(now_3.w >> 16u), xv_15)));
      acc_9 = fma(products_3, scale_1, acc_9);
      acc_9 = acc_9 - (least_1 * (((sum4(xv_8) + sum4(xv_9)) + (sum4(xv_10) + sum4(xv_11))) + ((sum4(xv_12) + sum4(xv_13)) + (sum4(xv_14) + sum4(xv_15)))));
      let xv_16 = x[xAt + 128u];
      let xv_17 = x[xAt + 129u];
      let xv_18 = x[xAt + 130u];
      let xv_19 = x[xAt + 131u];
      let xv_20 = x[xAt + 132u];
      let xv_21 = x[xAt + 133u];
      let xv_22 = x[xAt + 134u];
      let xv_23 = x[xAt + 135u];
      let products_4 = ((dot(u4x4(now.x & 65535u), xv_16) + dot(u4x4(now.x >> 16u), xv_17)) + (dot(u4x4(now.y & 65535u), xv_18) + dot(u4x4(now.y >> 16u), xv_19))) + ((dot(u4x4(now.z & 65535u), xv_20) + dot(u4x4(now.z >> 16u), xv_21)) + (dot(u4x4(now.w & 65535u), xv_22) + dot(u4x4(now.w >> 16u), xv_23)));
      acc_2 = fma(products_4, scale, acc_2);
      acc_2 = acc_2 - (least * (((sum4(xv_16) + sum4(xv_17)) + (sum4(xv_18) + sum4(xv_19))) + ((sum4(xv_20) + sum4(xv_21)) + (sum4(xv_22) + sum4(xv_23)))));
      let products_5 = ((dot(u4x4(now_3.x & 65535u), xv_16) + dot(u4x4(now_3.x >> 16u), xv_17)) + (dot(u4x4(now_3.y & 65535u), xv_18) + dot(u4x4(now_3.y >> 16u), xv_19))) + ((dot(u4x4(now_3.z & 65535u), xv_20) + dot(u4x4(now_3.z >> 16u), xv_21)) + (dot(u4x4(now_3.w & 65535u), xv_22) + dot(u4x4(now_3.w >> 16u), xv_23)));
      acc_10 = fma(products_5, scale_1, acc_10);
      acc_10 = acc_10 - (least_1 * (((sum4(xv_16) + sum4(xv_17)) + (sum4(xv_18) + sum4(xv_19))) + ((sum4(xv_20) + sum4(xv_21)) + (sum4(xv_22) + sum4(xv_23)))));
      let xv_24 = x[xAt + 192u];
      let xv_25 = x[xAt + 193u];
      let xv_26 = x[xAt + 194u];
      let xv_27 = x[xAt + 195u];
      let xv_28 = x[xAt + 196u];
      let xv_29 = x[xAt + 197u];
      let xv_30 = x[xAt + 198u];
      let xv_31 = x[xAt + 199u];
      let products_6 = ((dot(u4x4(now.x & 65535u), xv_24) + dot(u4x4(now.x >> 16u), xv_25)) + (dot(u4x4(now.y & 65535u), xv_26) + dot(u4x4(now.y >> 16u), xv_27))) + ((dot(u4x4(now.z & 65535u), xv_28) + dot(u4x4(now.z >> 16u), xv_29)) + (dot(u4x4(now.w & 65535u), xv_30) + dot(u4x4(now.w >> 16u), xv_31)));
      acc_3 = fma(products_6, scale, acc_3);
      acc_3 = acc_3 - (least * (((sum4(xv_24) + sum4(xv_25)) + (sum4(xv_26) + sum4(xv_27))) + ((sum4(xv_28) + sum4(xv_29)) + (sum4(xv_30) + sum4(xv_31)))));
      let products_7 = ((dot(u4x4(now_3.x & 65535u), xv_24) + dot(u4x4(now_3.x >> 16u), xv_25)) + (dot(u4x4(now_3.y & 65535u), xv_26) + dot(u4x4(now_3.y >> 16u), xv_27))) + ((dot(u4x4(now_3.z & 65535u), xv_28) + dot(u4x4(now_3.z >> 16u), xv_29)) + (dot(u4x4(now_3.w & 65535u), xv_30) + dot(u4x4(now_3.w >> 16u), xv_31)));
      acc_11 = fma(products_7, scale_1, acc_11);
      acc_11 = acc_11 - (least_1 * (((sum4(xv_24) + sum4(xv_25)) + (sum4(xv_26) + sum4(xv_27))) + ((sum4(xv_28) + sum4(xv_29)) + (sum4(xv_30) + sum4(xv_31)))));
      let xv_32 = x[xAt + 256u];
      let xv_33 = x[xAt + 257u];
      let xv_34 = x[xAt + 258u];
      let xv_35 = x[xAt + 259u];
      let xv_36 = x[xAt + 260u];
      let xv_37 = x[xAt + 261u];
      let xv_38 = x[xAt + 262u];
      let xv_39 = x[xAt + 263u];
      let products_8 = ((dot(u4x4(now.x & 65535u), xv_32) + dot(u4x4(now.x >> 16u), xv_33)) + (dot(u4x4(now.y & 65535u), xv_34) + dot(u4x4(now.y >> 16u), xv_35))) + ((dot(u4x4(now.z & 65535u), xv_36) + dot(u4x4(now.z >> 16u), xv_37)) + (dot(u4x4(now.w & 65535u), xv_38) + dot(u4x4(now.w >> 16u), xv_39)));
      acc_4 = fma(products_8, scale, acc_4);
      acc_4 = acc_4 - (least * (((sum4(xv_32) + sum4(xv_33)) + (sum4(xv_34) + sum4(xv_35))) + ((sum4(xv_36) + sum4(xv_37)) + (sum4(xv_38) + sum4(xv_39)))));
      let products_9 = ((dot(u4x4(now_3.x & 65535u), xv_32) + dot(u4x4(now_3.x >> 16u), xv_33)) + (dot(u4x4(now_3.y & 65535u), xv_34) + dot(u4x4(now_3.y >> 16u), xv_35))) + ((dot(u4x4(now_3.z & 65535u), xv_36) + dot(u4x4(now_3.z >> 16u), xv_37)) + (dot(u4x4(now_3.w & 65535u), xv_38) + dot(u4x4(now_3.w >> 16u), xv_39)));
      acc_12 = fma(products_9, scale_1, acc_12);
      acc_12 = acc_12 - (least_1 * (((sum4(xv_32) + sum4(xv_33)) + (sum4(xv_34) + sum4(xv_35))) + ((sum4(xv_36) + sum4(xv_37)) + (sum4(xv_38) + sum4(xv_39)))));
      let xv_40 = x[xAt + 320u];
      let xv_41 = x[xAt + 321u];
      let xv_42 = x[xAt + 322u];
      let xv_43 = x[xAt + 323u];
      let xv_44 = x[xAt + 324u];
      let xv_45 = x[xAt + 325u];
      let xv_46 = x[xAt + 326u];
      let xv_47 = x[xAt + 327u];
      let products_10 = ((dot(u4x4(now.x & 65535u), xv_40) + dot(u4x4(now.x >> 16u), xv_41)) + (dot(u4x4(now.y & 65535u), xv_42) + dot(u4x4(now.y >> 16u), xv_43))) + ((dot(u4x4(now.z & 65535u), xv_44) + dot(u4x4(now.z >> 16u), xv_45)) + (dot(u4x4(now.w & 65535u), xv_46) + dot(u4x4(now.w >> 16u), xv_47)));
      acc_5 = fma(products_10, scale, acc_5);
      acc_5 = acc_5 - (least * (((sum4(xv_40) + sum4(xv_41)) + (sum4(xv_42) + sum4(xv_43))) + ((sum4(xv_44) + sum4(xv_45)) + (sum4(xv_46) + sum4(xv_47)))));
      let products_11 = ((dot(u4x4(now_3.x & 65535u), xv_40) + dot(u4x4(now_3.x >> 16u), xv_41)) + (dot(u4x4(now_3.y & 65535u), xv_42) + dot(u4x4(now_3.y >> 16u), xv_43))) + ((dot(u4x4(now_3.z & 65535u), xv_44) + dot(u4x4(now_3.z >> 16u), xv_45)) + (dot(u4x4(now_3.w & 65535u), xv_46) + dot(u4x4(now_3.w >> 16u), xv_47)));
      acc_13 = fma(products_11, scale_1, acc_13);
      acc_13 = acc_13 - (least_1 * (((sum4(xv_40) + sum4(xv_41)) + (sum4(xv_42) + sum4(xv_43))) + ((sum4(xv_44) + sum4(xv_45)) + (sum4(xv_46) + sum4(xv_47)))));
      let xv_48 = x[xAt + 384u];
      let xv_49 = x[xAt + 385u];
      let xv_50 = x[xAt + 386u];
      let xv_51 = x[xAt + 387u];
      let xv_52 = x[xAt + 388u];
      let xv_53 = x[xAt + 389u];
      let xv_54 = x[xAt + 390u];
      let xv_55 = x[xAt + 391u];
      let products_12 = ((dot(u4x4(now.x & 65535u), xv_48) + dot(u4x4(now.x >> 16u), xv_49)) + (dot(u4x4(now.y & 65535u), xv_50) + dot(u4x4(now.y >> 16u), xv_51))) + ((dot(u4x4(now.z & 65535u), xv_52) + dot(u4x4(now.z >> 16u), xv_53)) + (dot(u4x4(now.w & 65535u), xv_54) + dot(u4x4(now.w >> 16u), xv_55)));
      acc_6 = fma(products_12, scale, acc_6);
      acc_6 = acc_6 - (least * (((sum4(xv_48) + sum4(xv_49)) + (sum4(xv_50) + sum4(xv_51))) + ((sum4(xv_52) + sum4(xv_53)) + (sum4(xv_54) + sum4(xv_55)))));
      let products_13 = ((dot(u4x4(now_3.x & 65535u), xv_48) + dot(u4x4(now_3.x >> 16u), xv_49)) + (dot(u4x4(now_3.y & 65535u), xv_50) + dot(u4x4(now_3.y >> 16u), xv_51))) + ((dot(u4x4(now_3.z & 65535u), xv_52) + dot(u4x4(now_3.z >> 16u), xv_53)) + (dot(u4x4(now_3.w & 65535u), xv_54) + dot(u4x4(now_3.w >> 16u), xv_55)));
      acc_14 = fma(products_13, scale_1, acc_14);
      acc_14 = acc_14 - (least_1 * (((sum4(xv_48) + sum4(xv_49)) + (sum4(xv_50) + sum4(xv_51))) + ((sum4(xv_52) + sum4(xv_53)) + (sum4(xv_54) + sum4(xv_55)))));
      let xv_56 = x[xAt + 448u];
      let xv_57 = x[xAt + 449u];
      let xv_58 = x[xAt + 450u];
      let xv_59 = x[xAt + 451u];
      let xv_60 = x[xAt + 452u];
      let xv_61 = x[xAt + 453u];
      let xv_62 = x[xAt + 454u];
      let xv_63 = x[xAt + 455u];
      let products_14 = ((dot(u4x4(now.x & 65535u), xv_56) + dot(u4x4(now.x >> 16u), xv_57)) + (dot(u4x4(now.y & 65535u), xv_58) + dot(u4x4(now.y >> 16u), xv_59))) + ((dot(u4x4(now.z & 65535u), xv_60) + dot(u4x4(now.z >> 16u), xv_61)) + (dot(u4x4(now.w & 65535u), xv_62) + dot(u4x4(now.w >> 16u), xv_63)));
      acc_7 = fma(products_14, scale, acc_7);
      acc_7 = acc_7 - (least * (((sum4(xv_56) + sum4(xv_57)) + (sum4(xv_58) + sum4(xv_59))) + ((sum4(xv_60) + sum4(xv_61)) + (sum4(xv_62) + sum4(xv_63)))));
      let products_15 = ((dot(u4x4(now_3.x & 65535u), xv_56) + dot(u4x4(now_3.x >> 16u), xv_57)) + (dot(u4x4(now_3.y & 65535u), xv_58) + dot(u4x4(now_3.y >> 16u), xv_59))) + ((dot(u4x4(now_3.z & 65535u), xv_60) + dot(u4x4(now_3.z >> 16u), xv_61)) + (dot(u4x4(now_3.w & 65535u), xv_62) + dot(u4x4(now_3.w >> 16u), xv_63)));
      acc_15 = fma(products_15, scale_1, acc_15);
      acc_15 = acc_15 - (least_1 * (((sum4(xv_56) + sum4(xv_57)) + (sum4(xv_58) + sum4(xv_59))) + ((sum4(xv_60) + sum4(xv_61)) + (sum4(xv_62) + sum4(xv_63)))));
    }
  }
  let sum = acc + subgroupShuffleXor(acc, 16u);
  let sum_1 = sum + subgroupShuffleXor(sum, 8u);
  let sum_2 = sum_1 + subgroupShuffleXor(sum_1, 4u);
  let sum_3 = sum_2 + subgroupShuffleXor(sum_2, 2u);
  let sum_4 = sum_3 + subgroupShuffleXor(sum_3, 1u);
  let sum_5 = acc_1 + subgroupShuffleXor(acc_1, 16u);
  let sum_6 = sum_5 + subgroupShuffleXor(sum_5, 8u);
  let sum_7 = sum_6 + subgroupShuffleXor(sum_6, 4u);
  let sum_8 = sum_7 + subgroupShuffleXor(sum_7, 2u);
  let sum_9 = sum_8 + subgroupShuffleXor(sum_8, 1u);
  let sum_10 = acc_2 + subgroupShuffleXor(acc_2, 16u);
  let sum_11 = sum_10 + subgroupShuffleXor(sum_10, 8u);
  let sum_12 = sum_11 + subgroupShuffleXor(sum_11, 4u);
  let sum_13 = sum_12 + subgroupShuffleXor(sum_12, 2u);
  let sum_14 = sum_13 + subgroupShuffleXor(sum_13, 1u);
  let sum_15 = acc_3 + subgroupShuffleXor(acc_3, 16u);
  let sum_16 = sum_15 + subgroupShuffleXor(sum_15, 8u);
  let sum_17 = sum_16 + subgroupShuffleXor(sum_16, 4u);
  let sum_18 = sum_17 + subgroupShuffleXor(sum_17, 2u);
  let sum_19 = sum_18 + subgroupShuffleXor(sum_18, 1u);
  let sum_20 = acc_4 + subgroupShuffleXor(acc_4, 16u);
  let sum_21 = sum_20 + subgroupShuffleXor(sum_20, 8u);
  let sum_22 = sum_21 + subgroupShuffleXor(sum_21, 4u);
  let sum_23 = sum_22 + subgroupShuffleXor(sum_22, 2u);
  let sum_24 = sum_23 + subgroupShuffleXor(sum_23, 1u);
  let sum_25 = acc_5 + subgroupShuffleXor(acc_5, 16u);
  let sum_26 = sum_25 + subgroupShuffleXor(sum_25, 8u);
  let sum_27 = sum_26 + subgroupShuffleXor(sum_26, 4u);
  let sum_28 = sum_27 + subgroupShuffleXor(sum_27, 2u);
  let sum_29 = sum_28 + subgroupShuffleXor(sum_28, 1u);
  let sum_30 = acc_6 + subgroupShuffleXor(acc_6, 16u);
  let sum_31 = sum_30 + subgroupShuffleXor(sum_30, 8u);
  let sum_32 = sum_31 + subgroupShuffleXor(sum_31, 4u);
  let sum_33 = sum_32 + subgroupShuffleXor(sum_32, 2u);
  let sum_34 = sum_33 + subgroupShuffleXor(sum_33, 1u);
  let sum_35 = acc_7 + subgroupShuffleXor(acc_7, 16u);
  let sum_36 = sum_35 + subgroupShuffleXor(sum_35, 8u);
  let sum_37 = sum_36 + subgroupShuffleXor(sum_36, 4u);
  let sum_38 = sum_37 + subgroupShuffleXor(sum_37, 2u);
  let sum_39 = sum_38 + subgroupShuffleXor(sum_38, 1u);
  let sum_40 = acc_8 + subgroupShuffleXor(acc_8, 16u);
  let sum_41 = sum_40 + subgroupShuffleXor(sum_40, 8u);
  let sum_42 = sum_41 + subgroupShuffleXor(sum_41, 4u);
  let sum_43 = sum_42 + subgroupShuffleXor(sum_42, 2u);
  let sum_44 = sum_43 + subgroupShuffleXor(sum_43, 1u);
  let sum_45 = acc_9 + subgroupShuffleXor(acc_9, 16u);
  let sum_46 = sum_45 + subgroupShuffleXor(sum_45, 8u);
  let sum_47 = sum_46 + subgroupShuffleXor(sum_46, 4u);
  let sum_48 = sum_47 + subgroupShuffleXor(sum_47, 2u);
  let sum_49 = sum_48 + subgroupShuffleXor(sum_48, 1u);
  let sum_50 = acc_10 + subgroupShuffleXor(acc_10, 16u);
  let sum_51 = sum_50 + subgroupShuffleXor(sum_50, 8u);
  let sum_52 = sum_51 + subgroupShuffleXor(sum_51, 4u);
  let sum_53 = sum_52 + subgroupShuffleXor(sum_52, 2u);
  let sum_54 = sum_53 + subgroupShuffleXor(sum_53, 1u);
  let sum_55 = acc_11 + subgroupShuffleXor(acc_11, 16u);
  let sum_56 = sum_55 + subgroupShuffleXor(sum_55, 8u);
  let sum_57 = sum_56 + subgroupShuffleXor(sum_56, 4u);
  let sum_58 = sum_57 + subgroupShuffleXor(sum_57, 2u);
  let sum_59 = sum_58 + subgroupShuffleXor(sum_58, 1u);
  let sum_60 = acc_12 + subgroupShuffleXor(acc_12, 16u);
  let sum_61 = sum_60 + subgroupShuffleXor(sum_60, 8u);
  let sum_62 = sum_61 + subgroupShuffleXor(sum_61, 4u);
  let sum_63 = sum_62 + subgroupShuffleXor(sum_62, 2u);
  let sum_64 = sum_63 + subgroupShuffleXor(sum_63, 1u);
  let sum_65 = acc_13 + subgroupShuffleXor(acc_13, 16u);
  let sum_66 = sum_65 + subgroupShuffleXor(sum_65, 8u);
  let sum_67 = sum_66 + subgroupShuffleXor(sum_66, 4u);
  let sum_68 = sum_67 + subgroupShuffleXor(sum_67, 2u);
  let sum_69 = sum_68 + subgroupShuffleXor(sum_68, 1u);
  let sum_70 = acc_14 + subgroupShuffleXor(acc_14, 16u);
  let sum_71 = sum_70 + subgroupShuffleXor(sum_70, 8u);
  let sum_72 = sum_71 + subgroupShuffleXor(sum_71, 4u);
  let sum_73 = sum_72 + subgroupShuffleXor(sum_72, 2u);
  let sum_74 = sum_73 + subgroupShuffleXor(sum_73, 1u);
  let sum_75 = acc_15 + subgroupShuffleXor(acc_15, 16u);
  let sum_76 = sum_75 + subgroupShuffleXor(sum_75, 8u);
  let sum_77 = sum_76 + subgroupShuffleXor(sum_76, 4u);
  let sum_78 = sum_77 + subgroupShuffleXor(sum_77, 2u);
  let sum_79 = sum_78 + subgroupShuffleXor(sum_78, 1u);
  if (laneOfTeam == 0u) {
    out[first] = residual[first] + sum_4;
    out[col] = residual[col] + sum_44;
    if (state[0u] > 1u) {
      let to = 128u + first;
      out[to] = residual[to] + sum_9;
      let to_1 = 128u + col;
      out[to_1] = residual[to_1] + sum_49;
    }
    if (state[0u] > 2u) {
      let to_2 = 256u + first;
      out[to_2] = residual[to_2] + sum_14;
      let to_3 = 256u + col;
      out[to_3] = residual[to_3] + sum_54;
    }
    if (state[0u] > 3u) {
      let to_4 = 384u + first;
      out[to_4] = residual[to_4] + sum_19;
      let to_5 = 384u + col;
      out[to_5] = residual[to_5] + sum_59;
    }
    if (state[0u] > 4u) {
      let to_6 = 512u + first;
      out[to_6] = residual[to_6] + sum_24;
      let to_7 = 512u + col;
      out[to_7] = residual[to_7] + sum_64;
    }
    if (state[0u] > 5u) {
      let to_8 = 640u + first;
      out[to_8] = residual[to_8] + sum_29;
      let to_9 = 640u + col;
      out[to_9] = residual[to_9] + sum_69;
    }
    if (state[0u] > 6u) {
      let to_10 = 768u + first;
      out[to_10] = residual[to_10] + sum_34;
      let to_11 = 768u + col;
      out[to_11] = residual[to_11] + sum_74;
    }
    if (state[0u] > 7u) {
      let to_12 = 896u + first;
      out[to_12] = residual[to_12] + sum_39;
      let to_13 = 896u + col;
      out[to_13] = residual[to_13] + sum_79;
    }
  }
}
