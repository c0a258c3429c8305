enable f16;
enable subgroups;
// fusedLinear.matvec: lanes 32, columns 4, threads 64, stages 2
@group(0) @binding(0) var<storage, read_write> x: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read> norm: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> out: array<f32>;
@group(0) @binding(3) var<storage, read> weight: array<vec4<u32>>;
@group(0) @binding(4) var<storage, read> weightWords: array<u32>;
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

@compute @workgroup_size(64)
fn fusedLinear_matvec_2(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) local: u32,
) {
  let tile = group.x + group.y * groups.x;
  if (tile >= tiles) { return; }
  let laneOfTeam = local & 31u;
  let first = ((tile * 2u) + (local >> 5u)) * 4u;
  let col = first + 1u;
  let col_1 = first + 2u;
  let col_2 = first + 3u;
  var acc: f32 = 0f;
  var acc_1: f32 = 0f;
  var acc_2: f32 = 0f;
  var acc_3: f32 = 0f;
  var acc_4: f32 = 0f;
  var acc_5: f32 = 0f;
  var acc_6: f32 = 0f;
  var acc_7: f32 = 0f;
  var squares: f32 = 0f;
  if (laneOfTeam < 4u) {
    var ahead: vec4<u32> = weight[(first * 4u) + laneOfTeam];
    var ahead_1: u32 = weightWords_bits16(((first * 4u) + laneOfTeam) + 16384u);
    var ahead_2: vec4<u32> = weight[((first + 256u) * 4u) + laneOfTeam];
    var ahead_3: u32 = weightWords_bits16((((first + 256u) * 4u) + laneOfTeam) + 16384u);
    var ahead_4: vec4<u32> = weight[(col * 4u) + laneOfTeam];
    var ahead_5: u32 = weightWords_bits16(((col * 4u) + laneOfTeam) + 16384u);
    var ahead_6: vec4<u32> = weight[((col + 256u) * 4u) + laneOfTeam];
    var ahead_7: u32 = weightWords_bits16((((col + 256u) * 4u) + laneOfTeam) + 16384u);
    var ahead_8: vec4<u32> = weight[(col_1 * 4u) + laneOfTeam];
    var ahead_9: u32 = weightWords_bits16(((col_1 * 4u) + laneOfTeam) + 16384u);
    var ahead_10: vec4<u32> = weight[((col_1 + 256u) * 4u) + laneOfTeam];
    var ahead_11: u32 = weightWords_bits16((((col_1 + 256u) * 4u) + laneOfTeam) + 16384u);
    var ahead_12: vec4<u32> = weight[(col_2 * 4u) + laneOfTeam];
    var ahead_13: u32 = weightWords_bits16(((col_2 * 4u) + laneOfTeam) + 16384u);
    var ahead_14: vec4<u32> = weight[((col_2 + 256u) * 4u) + laneOfTeam];
    var ahead_15: u32 = weightWords_bits16((((col_2 + 256u) * 4u) + laneOfTeam) + 16384u);
    for (var i = laneOfTeam; i < 4u; i += 32u) {
      let now = ahead;
      let now_1 = ahead_1;
      let now_2 = ahead_2;
      let now_3 = ahead_3;
      let now_4 = ahead_4;
      let now_5 = ahead_5;
      let now_6 = ahead_6;
      let now_7 = ahead_7;
      let now_8 = ahead_8;
      let now_9 = ahead_9;
      let now_10 = ahead_10;
      let now_11 = ahead_11;
      let now_12 = ahead_12;
      let now_13 = ahead_13;
      let now_14 = ahead_14;
      let now_15 = ahead_15;
      let next = i + 32u;
      if (next < 4u) {
        ahead = weight[(first * 4u) + next];
        ahead_1 = weightWords_bits16(((first * 4u) + next) + 16384u);
        ahead_2 = weight[((first + 256u) * 4u) + next];
        ahead_3 = weightWords_bits16((((first + 256u) * 4u) + next) + 16384u);
        ahead_4 = weight[(col * 4u) + next];
        ahead_5 = weightWords_bits16(((col * 4u) + next) + 16384u);
        ahead_6 = weight[((col + 256u) * 4u) + next];
        ahead_7 = weightWords_bits16((((col + 256u) * 4u) + next) + 16384u);
        ahead_8 = weight[(col_1 * 4u) + next];
        ahead_9 = weightWords_bits16(((col_1 * 4u) + next) + 16384u);
        ahead_10 = weight[((col_1 + 256u) * 4u) + next];
        ahead_11 = weightWords_bits16((((col_1 + 256u) * 4u) + next) + 16384u);
        ahead_12 = weight[(col_2 * 4u) + next];
        ahead_13 = weightWords_bits16(((col_2 * 4u) + next) + 16384u);
        ahead_14 = weight[((col_2 + 256u) * 4u) + next];
        ahead_15 = weightWords_bits16((((col_2 + 256u) * 4u) + next) + 16384u);
      }
      let xAt = i * 8u;
      let scale = f16x1(now_1);
      let scale_1 = f16x1(now_3);
      let scale_2 = f16x1(now_5);
      let scale_3 = f16x1(now_7);
      let scale_4 = f16x1(now_9);
      let scale_5 = f16x1(now_11);
      let scale_6 = f16x1(now_13);
      let scale_7 = f16x1(now_15);
      let xv = x[xAt];
      squares = squares + dot(xv, xv);
      let xn = xv * norm[xAt];
      let xv_1 = x[xAt + 1u];
      squares = squares + dot(xv_1, xv_1);
      let xn_1 = xv_1 * norm[xAt + 1u];
      let xv_2 = x[xAt + 2u];
      squares = squares + dot(xv_2, xv_2);
      let xn_2 = xv_2 * norm[xAt + 2u];
      let xv_3 = x[xAt + 3u];
      squares = squares + dot(xv_3, xv_3);
      let xn_3 = xv_3 * norm[xAt + 3u];
      let xv_4 = x[xAt + 4u];
      squares = squares + dot(xv_4, xv_4);
      let xn_4 = xv_4 * norm[xAt + 4u];
      let xv_5 = x[xAt + 5u];
      squares = squares + dot(xv_5, xv_5);
      let xn_5 = xv_5 * norm[xAt + 5u];
      let xv_6 = x[xAt + 6u];
      squares = squares + dot(xv_6, xv_6);
      let xn_6 = xv_6 * norm[xAt + 6u];
      let xv_7 = x[xAt + 7u];
      squares = squares + dot(xv_7, xv_7);
      let xn_7 = xv_7 * norm[xAt + 7u];
      let products = ((dot(u4x4(now.x & 65535u) - vec4<f32>(8f), xn) + dot(u4x4(now.x >> 16u) - vec4<f32>(8f), xn_1)) + (dot(u4x4(now.y & 65535u) - vec4<f32>(8f), xn_2) + dot(u4x4(now.y >> 16u) - vec4<f32>(8f), xn_3))) + ((dot(u4x4(now.z & 65535u) - vec4<f32>(8f), xn_4) + dot(u4x4(now.z >> 16u) - vec4<f32>(8f), xn_5)) + (dot(u4x4(now.w & 65535u) - vec4<f32>(8f), xn_6) + dot(u4x4(now.w >> 16u) - vec4<f32>(8f), xn_7)));
      acc = fma(products, scale, acc);
      let products_1 = ((dot(u4x4(now_2.x & 65535u) - vec4<f32>(8f), xn) + dot(u4x4(now_2.x >> 16u) - vec4<f32>(8f), xn_1)) + (dot(u4x4(now_2.y & 65535u) - vec4<f32>(8f), xn_2) + dot(u4x4(now_2.y >> 16u) - vec4<f32>(8f), xn_3))) + ((dot(u4x4(now_2.z & 65535u) - vec4<f32>(8f), xn_4) + dot(u4x4(now_2.z >> 16u) - vec4<f32>(8f), xn_5)) + (dot(u4x4(now_2.w & 65535u) - vec4<f32>(8f), xn_6) + dot(u4x4(now_2.w >> 16u) - vec4<f32>(8f), xn_7)));
      acc_1 = fma(products_1, scale_1, acc_1);
      let products_2 = ((dot(u4x4(now_4.x & 65535u) - vec4<f32>(8f), xn) + dot(u4x4(now_4.x >> 16u) - vec4<f32>(8f), xn_1)) + (dot(u4x4(now_4.y & 65535u) - vec4<f32>(8f), xn_2) + dot(u4x4(now_4.y >> 16u) - vec4<f32>(8f), xn_3))) + ((dot(u4x4(now_4.z & 65535u) - vec4<f32>(8f), xn_4) + dot(u4x4(now_4.z >> 16u) - vec4<f32>(8f), xn_5)) + (dot(u4x4(now_4.w & 65535u) - vec4<f32>(8f), xn_6) + dot(u4x4(now_4.w >> 16u) - vec4<f32>(8f), xn_7)));
      acc_2 = fma(products_2, scale_2, acc_2);
      let products_3 = ((dot(u4x4(now_6.x & 65535u) - vec4<f32>(8f), xn) + dot(u4x4(now_6.x >> 16u) - vec4<f32>(8f), xn_1)) + (dot(u4x4(now_6.y & 65535u) - vec4<f32>(8f), xn_2) + dot(u4x4(now_6.y >> 16u) - vec4<f32>(8f), xn_3))) + ((dot(u4x4(now_6.z & 65535u) - vec4<f32>(8f), xn_4) + dot(u4x4(now_6.z >> 16u) - vec4<f32>(8f), xn_5)) + (dot(u4x4(now_6.w & 65535u) - vec4<f32>(8f), xn_6) + dot(u4x4(now_6.w >> 16u) - vec4<f32>(8f), xn_7)));
      acc_3 = fma(products_3, scale_3, acc_3);
      let products_4 = ((dot(u4x4(now_8.x & 65535u) - vec4<f32>(8f), xn) + dot(u4x4(now_8.x >> 16u) - vec4<f32>(8f), xn_1)) + (dot(u4x4(now_8.y & 65535u) - vec4<f32>(8f), xn_2) + dot(u4x4(now_8.y >> 16u) - vec4<f32>(8f), xn_3))) + ((dot(u4x4(now_8.z & 65535u) - vec4<f32>(8f), xn_4) + dot(u4x4(now_8.z >> 16u) - vec4<f32>(8f), xn_5)) + (dot(u4x4(now_8.w & 65535u) - vec4<f32>(8f), xn_6) + dot(u4x4(now_8.w >> 16u) - vec4<f32>(8f), xn_7)));
      acc_4 = fma(products_4, scale_4, acc_4);
      let products_5 = ((dot(u4x4(now_10.x & 65535u) - vec4<f32>(8f), xn) + dot(u4x4(now_10.x >> 16u) - vec4<f32>(8f), xn_1)) + (dot(u4x4(now_10.y & 65535u) - vec4<f32>(8f), xn_2) + dot(u4x4(now_10.y >> 16u) - vec4<f32>(8f), xn_3))) + ((dot(u4x4(now_10.z & 65535u) - vec4<f32>(8f), xn_4) + dot(u4x4(now_10.z >> 16u) - vec4<f32>(8f), xn_5)) + (dot(u4x4(now_10.w & 65535u) - vec4<f32>(8f), xn_6) + dot(u4x4(now_10.w >> 16u) - vec4<f32>(8f), xn_7)));
      acc_5 = fma(products_5, scale_5, acc_5);
      let products_6 = ((dot(u4x4(now_12.x & 65535u) - vec4<f32>(8f), xn) + dot(u4x4(now_12.x >> 16u) - vec4<f32>(8f), xn_1)) + (dot(u4x4(now_12.y & 65535u) - vec4<f32>(8f), xn_2) + dot(u4x4(now_12.y >> 16u) - vec4<f32>(8f), xn_3))) + ((dot(u4x4(now_12.z & 65535u) - vec4<f32>(8f), xn_4) + dot(u4x4(now_12.z >> 16u) - vec4<f32>(8f), xn_5)) + (dot(u4x4(now_12.w & 65535u) - vec4<f32>(8f), xn_6) + dot(u4x4(now_12.w >> 16u) - vec4<f32>(8f), xn_7)));
      acc_6 = fma(products_6, scale_6, acc_6);
      let products_7 = ((dot(u4x4(now_14.x & 65535u) - vec4<f32>(8f), xn) + dot(u4x4(now_14.x >> 16u) - vec4<f32>(8f), xn_1)) + (dot(u4x4(now_14.y & 65535u) - vec4<f32>(8f), xn_2) + dot(u4x4(now_14.y >> 16u) - vec4<f32>(8f), xn_3))) + ((dot(u4x4(now_14.z & 65535u) - vec4<f32>(8f), xn_4) + dot(u4x4(now_14.z >> 16u) - vec4<f32>(8f), xn_5)) + (dot(u4x4(now_14.w & 65535u) - vec4<f32>(8f), xn_6) + dot(u4x4(now_14.w >> 16u) - vec4<f32>(8f), xn_7)));
      acc_7 = fma(products_7, scale_7, acc_7);
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
  let sum_40 = squares + subgroupShuffleXor(squares, 16u);
  let sum_41 = sum_40 + subgroupShuffleXor(sum_40, 8u);
  let sum_42 = sum_41 + subgroupShuffleXor(sum_41, 4u);
  let sum_43 = sum_42 + subgroupShuffleXor(sum_42, 2u);
  let sum_44 = sum_43 + subgroupShuffleXor(sum_43, 1u);
  if (laneOfTeam == 0u) {
    let factor = inverseSqrt((sum_44 * 0.0078125f) + 0.000001f);
    let gate = sum_4 * factor;
    out[first] = (gate / (1f + exp(-gate))) * (sum_9 * factor);
    let gate_1 = sum_14 * factor;
    out[col] = (gate_1 / (1f + exp(-gate_1))) * (sum_19 * factor);
    let gate_2 = sum_24 * factor;
    out[col_1] = (gate_2 / (1f + exp(-gate_2))) * (sum_29 * factor);
    let gate_3 = sum_34 * factor;
    out[col_2] = (gate_3 / (1f + exp(-gate_3))) * (sum_39 * factor);
  }
}
