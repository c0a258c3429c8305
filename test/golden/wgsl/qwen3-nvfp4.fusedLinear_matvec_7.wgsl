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

fn e4m3(code: u32) -> f32 {
  let magnitude = code & 0x7fu;
  let value = select(bitcast<f32>((magnitude << 20u) + 0x3c000000u), f32(magnitude) * 0.001953125, magnitude < 8u);
  return bitcast<f32>(bitcast<u32>(value) | ((code & 0x80u) << 24u));
}

fn e2m1x4(codes: u32) -> vec4<f32> {
  let spread = (codes & 0xffffu) | (codes << 12u);
  let low = ((spread & 0x00070007u) << 9u) | ((spread & 0x00080008u) << 12u);
  let high = ((spread & 0x07000700u) << 1u) | ((spread & 0x08000800u) << 4u);
  return vec4<f32>(bitcast<vec4<f16>>(vec2<u32>(low, high))) * 16384.0;
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
  if (laneOfTeam < 4u) {
    var ahead: vec4<u32> = weight[(first * 4u) + laneOfTeam];
    var ahead_1: u32 = weightWords_bits16(((first * 4u) + laneOfTeam) + 4096u);
    var ahead_2: vec4<u32> = weight[(col * 4u) + laneOfTeam];
    var ahead_3: u32 = weightWords_bits16(((col * 4u) + laneOfTeam) + 4096u);
    for (var i = laneOfTeam; i < 4u; i += 32u) {
      let now = ahead;
      let now_1 = ahead_1;
      let now_2 = ahead_2;
      let now_3 = ahead_3;
      let next = i + 32u;
      if (next < 4u) {
        ahead = weight[(first * 4u) + next];
        ahead_1 = weightWords_bits16(((first * 4u) + next) + 4096u);
        ahead_2 = weight[(col * 4u) + next];
        ahead_3 = weightWords_bits16(((col * 4u) + next) + 4096u);
      }
      let xAt = i * 8u;
      let scale = e4m3(now_1 & 255u);
      let scale_1 = e4m3(now_1 >> 8u);
      let scale_2 = e4m3(now_3 & 255u);
      let scale_3 = e4m3(now_3 >> 8u);
      let xv = x[xAt];
      let xv_1 = x[xAt + 1u];
      let xv_2 = x[xAt + 2u];
      let xv_3 = x[xAt + 3u];
      let xv_4 = x[xAt + 4u];
      let xv_5 = x[xAt + 5u];
      let xv_6 = x[xAt + 6u];
      let xv_7 = x[xAt + 7u];
      let products = (dot(e2m1x4(now.x & 65535u), xv) + dot(e2m1x4(now.x >> 16u), xv_1)) + (dot(e2m1x4(now.y & 65535u), xv_2) + dot(e2m1x4(now.y >> 16u), xv_3));
      acc = fma(products, scale, acc);
      let products_1 = (dot(e2m1x4(now.z & 65535u), xv_4) + dot(e2m1x4(now.z >> 16u), xv_5)) + (dot(e2m1x4(now.w & 65535u), xv_6) + dot(e2m1x4(now.w >> 16u), xv_7));
      acc = fma(products_1, scale_1, acc);
      let products_2 = (dot(e2m1x4(now_2.x & 65535u), xv) + dot(e2m1x4(now_2.x >> 16u), xv_1)) + (dot(e2m1x4(now_2.y & 65535u), xv_2) + dot(e2m1x4(now_2.y >> 16u), xv_3));
      acc_8 = fma(products_2, scale_2, acc_8);
      let products_3 = (dot(e2m1x4(now_2.z & 65535u), xv_4) + dot(e2m1x4(now_2.z >> 16u), xv_5)) + (dot(e2m1x4(now_2.w & 65535u), xv_6) + dot(e2m1x4(now_2.w >> 16u), xv_7));
      acc_8 = fma(products_3, scale_3, acc_8);
      let xv_8 = x[xAt + 32u];
      let xv_9 = x[xAt + 33u];
      let xv_10 = x[xAt + 34u];
      let xv_11 = x[xAt + 35u];
      let xv_12 = x[xAt + 36u];
      let xv_13 = x[xAt + 37u];
      let xv_14 = x[xAt + 38u];
      let xv_15 = x[xAt + 39u];
      let products_4 = (dot(e2m1x4(now.x & 65535u), xv_8) + dot(e2m1x4(now.x >> 16u), xv_9)) + (dot(e2m1x4(now.y & 65535u), xv_10) + dot(e2m1x4(now.y >> 16u), xv_11));
      acc_1 = fma(products_4, scale, acc_1);
      let products_5 = (dot(e2m1x4(now.z & 65535u), xv_12) + dot(e2m1x4(now.z >> 16u), xv_13)) + (dot(e2m1x4(now.w & 65535u), xv_14) + dot(e2m1x4(now.w >> 16u), xv_15));
      acc_1 = fma(products_5, scale_1, acc_1);
      let products_6 = (dot(e2m1x4(now_2.x & 65535u), xv_8) + dot(e2m1x4(now_2.x >> 16u), xv_9)) + (dot(e2m1x4(now_2.y & 65535u), xv_10) + dot(e2m1x4(now_2.y >> 16u), xv_11));
      acc_9 = fma(products_6, scale_2, acc_9);
      let products_7 = (dot(e2m1x4(now_2.z & 65535u), xv_12) + dot(e2m1x4(now_2.z >> 16u), xv_13)) + (dot(e2m1x4(now_2.w & 65535u), xv_14) + dot(e2m1x4(now_2.w >> 16u), xv_15));
      acc_9 = fma(products_7, scale_3, acc_9);
      let xv_16 = x[xAt + 64u];
      let xv_17 = x[xAt + 65u];
      let xv_18 = x[xAt + 66u];
      let xv_19 = x[xAt + 67u];
      let xv_20 = x[xAt + 68u];
      let xv_21 = x[xAt + 69u];
      let xv_22 = x[xAt + 70u];
      let xv_23 = x[xAt + 71u];
      let products_8 = (dot(e2m1x4(now.x & 65535u), xv_16) + dot(e2m1x4(now.x >> 16u), xv_17)) + (dot(e2m1x4(now.y & 65535u), xv_18) + dot(e2m1x4(now.y >> 16u), xv_19));
      acc_2 = fma(products_8, scale, acc_2);
      let products_9 = (dot(e2m1x4(now.z & 65535u), xv_20) + dot(e2m1x4(now.z >> 16u), xv_21)) + (dot(e2m1x4(now.w & 65535u), xv_22) + dot(e2m1x4(now.w >> 16u), xv_23));
      acc_2 = fma(products_9, scale_1, acc_2);
      let products_10 = (dot(e2m1x4(now_2.x & 65535u), xv_16) + dot(e2m1x4(now_2.x >> 16u), xv_17)) + (dot(e2m1x4(now_2.y & 65535u), xv_18) + dot(e2m1x4(now_2.y >> 16u), xv_19));
      acc_10 = fma(products_10, scale_2, acc_10);
      let products_11 = (dot(e2m1x4(now_2.z & 65535u), xv_20) + dot(e2m1x4(now_2.z >> 16u), xv_21)) + (dot(e2m1x4(now_2.w & 65535u), xv_22) + dot(e2m1x4(now_2.w >> 16u), xv_23));
      acc_10 = fma(products_11, scale_3, acc_10);
      let xv_24 = x[xAt + 96u];
      let xv_25 = x[xAt + 97u];
      let xv_26 = x[xAt + 98u];
      let xv_27 = x[xAt + 99u];
      let xv_28 = x[xAt + 100u];
      let xv_29 = x[xAt + 101u];
      let xv_30 = x[xAt + 102u];
      let xv_31 = x[xAt + 103u];
      let products_12 = (dot(e2m1x4(now.x & 65535u), xv_24) + dot(e2m1x4(now.x >> 16u), xv_25)) + (dot(e2m1x4(now.y & 65535u), xv_26) + dot(e2m1x4(now.y >> 16u), xv_27));
      acc_3 = fma(products_12, scale, acc_3);
      let products_13 = (dot(e2m1x4(now.z & 65535u), xv_28) + dot(e2m1x4(now.z >> 16u), xv_29)) + (dot(e2m1x4(now.w & 65535u), xv_30) + dot(e2m1x4(now.w >> 16u), xv_31));
      acc_3 = fma(products_13, scale_1, acc_3);
      let products_14 = (dot(e2m1x4(now_2.x & 65535u), xv_24) + dot(e2m1x4(now_2.x >> 16u), xv_25)) + (dot(e2m1x4(now_2.y & 65535u), xv_26) + dot(e2m1x4(now_2.y >> 16u), xv_27));
      acc_11 = fma(products_14, scale_2, acc_11);
      let products_15 = (dot(e2m1x4(now_2.z & 65535u), xv_28) + dot(e2m1x4(now_2.z >> 16u), xv_29)) + (dot(e2m1x4(now_2.w & 65535u), xv_30) + dot(e2m1x4(now_2.w >> 16u), xv_31));
      acc_11 = fma(products_15, scale_3, acc_11);
      let xv_32 = x[xAt + 128u];
      let xv_33 = x[xAt + 129u];
      let xv_34 = x[xAt + 130u];
      let xv_35 = x[xAt + 131u];
      let xv_36 = x[xAt + 132u];
      let xv_37 = x[xAt + 133u];
      let xv_38 = x[xAt + 134u];
      let xv_39 = x[xAt + 135u];
      let products_16 = (dot(e2m1x4(now.x & 65535u), xv_32) + dot(e2m1x4(now.x >> 16u), xv_33)) + (dot(e2m1x4(now.y & 65535u), xv_34) + dot(e2m1x4(now.y >> 16u), xv_35));
      acc_4 = fma(products_16, scale, acc_4);
      let products_17 = (dot(e2m1x4(now.z & 65535u), xv_36) + dot(e2m1x4(now.z >> 16u), xv_37)) + (dot(e2m1x4(now.w & 65535u), xv_38) + dot(e2m1x4(now.w >> 16u), xv_39));
      acc_4 = fma(products_17, scale_1, acc_4);
      let products_18 = (dot(e2m1x4(now_2.x & 65535u), xv_32) + dot(e2m1x4(now_2.x >> 16u), xv_33)) + (dot(e2m1x4(now_2.y & 65535u), xv_34) + dot(e2m1x4(now_2.y >> 16u), xv_35));
      acc_12 = fma(products_18, scale_2, acc_12);
      let products_19 = (dot(e2m1x4(now_2.z & 65535u), xv_36) + dot(e2m1x4(now_2.z >> 16u), xv_37)) + (dot(e2m1x4(now_2.w & 65535u), xv_38) + dot(e2m1x4(now_2.w >> 16u), xv_39));
      acc_12 = fma(products_19, scale_3, acc_12);
      let xv_40 = x[xAt + 160u];
      let xv_41 = x[xAt + 161u];
      let xv_42 = x[xAt + 162u];
      let xv_43 = x[xAt + 163u];
      let xv_44 = x[xAt + 164u];
      let xv_45 = x[xAt + 165u];
      let xv_46 = x[xAt + 166u];
      let xv_47 = x[xAt + 167u];
      let products_20 = (dot(e2m1x4(now.x & 65535u), xv_40) + dot(e2m1x4(now.x >> 16u), xv_41)) + (dot(e2m1x4(now.y & 65535u), xv_42) + dot(e2m1x4(now.y >> 16u), xv_43));
      acc_5 = fma(products_20, scale, acc_5);
      let products_21 = (dot(e2m1x4(now.z & 65535u), xv_44) + dot(e2m1x4(now.z >> 16u), xv_45)) + (dot(e2m1x4(now.w & 65535u), xv_46) + dot(e2m1x4(now.w >> 16u), xv_47));
      acc_5 = fma(products_21, scale_1, acc_5);
      let products_22 = (dot(e2m1x4(now_2.x & 65535u), xv_40) + dot(e2m1x4(now_2.x >> 16u), xv_41)) + (dot(e2m1x4(now_2.y & 65535u), xv_42) + dot(e2m1x4(now_2.y >> 16u), xv_43));
      acc_13 = fma(products_22, scale_2, acc_13);
      let products_23 = (dot(e2m1x4(now_2.z & 65535u), xv_44) + dot(e2m1x4(now_2.z >> 16u), xv_45)) + (dot(e2m1x4(now_2.w & 65535u), xv_46) + dot(e2m1x4(now_2.w >> 16u), xv_47));
      acc_13 = fma(products_23, scale_3, acc_13);
      let xv_48 = x[xAt + 192u];
      let xv_49 = x[xAt + 193u];
      let xv_50 = x[xAt + 194u];
      let xv_51 = x[xAt + 195u];
      let xv_52 = x[xAt + 196u];
      let xv_53 = x[xAt + 197u];
      let xv_54 = x[xAt + 198u];
      let xv_55 = x[xAt + 199u];
      let products_24 = (dot(e2m1x4(now.x & 65535u), xv_48) + dot(e2m1x4(now.x >> 16u), xv_49)) + (dot(e2m1x4(now.y & 65535u), xv_50) + dot(e2m1x4(now.y >> 16u), xv_51));
      acc_6 = fma(products_24, scale, acc_6);
      let products_25 = (dot(e2m1x4(now.z & 65535u), xv_52) + dot(e2m1x4(now.z >> 16u), xv_53)) + (dot(e2m1x4(now.w & 65535u), xv_54) + dot(e2m1x4(now.w >> 16u), xv_55));
      acc_6 = fma(products_25, scale_1, acc_6);
      let products_26 = (dot(e2m1x4(now_2.x & 65535u), xv_48) + dot(e2m1x4(now_2.x >> 16u), xv_49)) + (dot(e2m1x4(now_2.y & 65535u), xv_50) + dot(e2m1x4(now_2.y >> 16u), xv_51));
      acc_14 = fma(products_26, scale_2, acc_14);
      let products_27 = (dot(e2m1x4(now_2.z & 65535u), xv_52) + dot(e2m1x4(now_2.z >> 16u), xv_53)) + (dot(e2m1x4(now_2.w & 65535u), xv_54) + dot(e2m1x4(now_2.w >> 16u), xv_55));
      acc_14 = fma(products_27, scale_3, acc_14);
      let xv_56 = x[xAt + 224u];
      let xv_57 = x[xAt + 225u];
      let xv_58 = x[xAt + 226u];
      let xv_59 = x[xAt + 227u];
      let xv_60 = x[xAt + 228u];
      let xv_61 = x[xAt + 229u];
      let xv_62 = x[xAt + 230u];
      let xv_63 = x[xAt + 231u];
      let products_28 = (dot(e2m1x4(now.x & 65535u), xv_56) + dot(e2m1x4(now.x >> 16u), xv_57)) + (dot(e2m1x4(now.y & 65535u), xv_58) + dot(e2m1x4(now.y >> 16u), xv_59));
      acc_7 = fma(products_28, scale, acc_7);
      let products_29 = (dot(e2m1x4(now.z & 65535u), xv_60) + dot(e2m1x4(now.z >> 16u), xv_61)) + (dot(e2m1x4(now.w & 65535u), xv_62) + dot(e2m1x4(now.w >> 16u), xv_63));
      acc_7 = fma(products_29, scale_1, acc_7);
      let products_30 = (dot(e2m1x4(now_2.x & 65535u), xv_56) + dot(e2m1x4(now_2.x >> 16u), xv_57)) + (dot(e2m1x4(now_2.y & 65535u), xv_58) + dot(e2m1x4(now_2.y >> 16u), xv_59));
      acc_15 = fma(products_30, scale_2, acc_15);
      let products_31 = (dot(e2m1x4(now_2.z & 65535u), xv_60) + dot(e2m1x4(now_2.z >> 16u), xv_61)) + (dot(e2m1x4(now_2.w & 65535u), xv_62) + dot(e2m1x4(now_2.w >> 16u), xv_63));
      acc_15 = fma(products_31, scale_3, acc_15);
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
    out[first] = residual[first] + (sum_4 * bitcast<f32>(weightWords[first + 2304u]));
    out[col] = residual[col] + (sum_44 * bitcast<f32>(weightWords[col + 2304u]));
    if (state[0u] > 1u) {
      let to = 128u + first;
      out[to] = residual[to] + (sum_9 * bitcast<f32>(weightWords[first + 2304u]));
      let to_1 = 128u + col;
      out[to_1] = residual[to_1] + (sum_49 * bitcast<f32>(weightWords[col + 2304u]));
    }
    if (state[0u] > 2u) {
      let to_2 = 256u + first;
      out[to_2] = residual[to_2] + (sum_14 * bitcast<f32>(weightWords[first + 2304u]));
      let to_3 = 256u + col;
      out[to_3] = residual[to_3] + (sum_54 * bitcast<f32>(weightWords[col + 2304u]));
    }
    if (state[0u] > 3u) {
      let to_4 = 384u + first;
      out[to_4] = residual[to_4] + (sum_19 * bitcast<f32>(weightWords[first + 2304u]));
      let to_5 = 384u + col;
      out[to_5] = residual[to_5] + (sum_59 * bitcast<f32>(weightWords[col + 2304u]));
    }
    if (state[0u] > 4u) {
      let to_6 = 512u + first;
      out[to_6] = residual[to_6] + (sum_24 * bitcast<f32>(weightWords[first + 2304u]));
      let to_7 = 512u + col;
      out[to_7] = residual[to_7] + (sum_64 * bitcast<f32>(weightWords[col + 2304u]));
    }
    if (state[0u] > 5u) {
      let to_8 = 640u + first;
      out[to_8] = residual[to_8] + (sum_29 * bitcast<f32>(weightWords[first + 2304u]));
      let to_9 = 640u + col;
      out[to_9] = residual[to_9] + (sum_69 * bitcast<f32>(weightWords[col + 2304u]));
    }
    if (state[0u] > 6u) {
      let to_10 = 768u + first;
      out[to_10] = residual[to_10] + (sum_34 * bitcast<f32>(weightWords[first + 2304u]));
      let to_11 = 768u + col;
      out[to_11] = residual[to_11] + (sum_74 * bitcast<f32>(weightWords[col + 2304u]));
    }
    if (state[0u] > 7u) {
      let to_12 = 896u + first;
      out[to_12] = residual[to_12] + (sum_39 * bitcast<f32>(weightWords[first + 2304u]));
      let to_13 = 896u + col;
      out[to_13] = residual[to_13] + (sum_79 * bitcast<f32>(weightWords[col + 2304u]));
    }
  }
}
