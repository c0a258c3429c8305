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
fn fusedLinear_matvec_3(
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
      let scale = e4m3(now_1 & 255u);
      let scale_1 = e4m3(now_1 >> 8u);
      let scale_2 = e4m3(now_3 & 255u);
      let scale_3 = e4m3(now_3 >> 8u);
      let scale_4 = e4m3(now_5 & 255u);
      let scale_5 = e4m3(now_5 >> 8u);
      let scale_6 = e4m3(now_7 & 255u);
      let scale_7 = e4m3(now_7 >> 8u);
      let scale_8 = e4m3(now_9 & 255u);
      let scale_9 = e4m3(now_9 >> 8u);
      let scale_10 = e4m3(now_11 & 255u);
      let scale_11 = e4m3(now_11 >> 8u);
      let scale_12 = e4m3(now_13 & 255u);
      let scale_13 = e4m3(now_13 >> 8u);
      let scale_14 = e4m3(now_15 & 255u);
      let scale_15 = e4m3(now_15 >> 8u);
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
      let products = (dot(e2m1x4(now.x & 65535u), xn) + dot(e2m1x4(now.x >> 16u), xn_1)) + (dot(e2m1x4(now.y & 65535u), xn_2) + dot(e2m1x4(now.y >> 16u), xn_3));
      acc = fma(products, scale, acc);
      let products_1 = (dot(e2m1x4(now.z & 65535u), xn_4) + dot(e2m1x4(now.z >> 16u), xn_5)) + (dot(e2m1x4(now.w & 65535u), xn_6) + dot(e2m1x4(now.w >> 16u), xn_7));
      acc = fma(products_1, scale_1, acc);
      let products_2 = (dot(e2m1x4(now_2.x & 65535u), xn) + dot(e2m1x4(now_2.x >> 16u), xn_1)) + (dot(e2m1x4(now_2.y & 65535u), xn_2) + dot(e2m1x4(now_2.y >> 16u), xn_3));
      acc_1 = fma(products_2, scale_2, acc_1);
      let products_3 = (dot(e2m1x4(now_2.z & 65535u), xn_4) + dot(e2m1x4(now_2.z >> 16u), xn_5)) + (dot(e2m1x4(now_2.w & 65535u), xn_6) + dot(e2m1x4(now_2.w >> 16u), xn_7));
      acc_1 = fma(products_3, scale_3, acc_1);
      let products_4 = (dot(e2m1x4(now_4.x & 65535u), xn) + dot(e2m1x4(now_4.x >> 16u), xn_1)) + (dot(e2m1x4(now_4.y & 65535u), xn_2) + dot(e2m1x4(now_4.y >> 16u), xn_3));
      acc_2 = fma(products_4, scale_4, acc_2);
      let products_5 = (dot(e2m1x4(now_4.z & 65535u), xn_4) + dot(e2m1x4(now_4.z >> 16u), xn_5)) + (dot(e2m1x4(now_4.w & 65535u), xn_6) + dot(e2m1x4(now_4.w >> 16u), xn_7));
      acc_2 = fma(products_5, scale_5, acc_2);
      let products_6 = (dot(e2m1x4(now_6.x & 65535u), xn) + dot(e2m1x4(now_6.x >> 16u), xn_1)) + (dot(e2m1x4(now_6.y & 65535u), xn_2) + dot(e2m1x4(now_6.y >> 16u), xn_3));
      acc_3 = fma(products_6, scale_6, acc_3);
      let products_7 = (dot(e2m1x4(now_6.z & 65535u), xn_4) + dot(e2m1x4(now_6.z >> 16u), xn_5)) + (dot(e2m1x4(now_6.w & 65535u), xn_6) + dot(e2m1x4(now_6.w >> 16u), xn_7));
      acc_3 = fma(products_7, scale_7, acc_3);
      let products_8 = (dot(e2m1x4(now_8.x & 65535u), xn) + dot(e2m1x4(now_8.x >> 16u), xn_1)) + (dot(e2m1x4(now_8.y & 65535u), xn_2) + dot(e2m1x4(now_8.y >> 16u), xn_3));
      acc_4 = fma(products_8, scale_8, acc_4);
      let products_9 = (dot(e2m1x4(now_8.z & 65535u), xn_4) + dot(e2m1x4(now_8.z >> 16u), xn_5)) + (dot(e2m1x4(now_8.w & 65535u), xn_6) + dot(e2m1x4(now_8.w >> 16u), xn_7));
      acc_4 = fma(products_9, scale_9, acc_4);
      let products_10 = (dot(e2m1x4(now_10.x & 65535u), xn) + dot(e2m1x4(now_10.x >> 16u), xn_1)) + (dot(e2m1x4(now_10.y & 65535u), xn_2) + dot(e2m1x4(now_10.y >> 16u), xn_3));
      acc_5 = fma(products_10, scale_10, acc_5);
      let products_11 = (dot(e2m1x4(now_10.z & 65535u), xn_4) + dot(e2m1x4(now_10.z >> 16u), xn_5)) + (dot(e2m1x4(now_10.w & 65535u), xn_6) + dot(e2m1x4(now_10.w >> 16u), xn_7));
      acc_5 = fma(products_11, scale_11, acc_5);
      let products_12 = (dot(e2m1x4(now_12.x & 65535u), xn) + dot(e2m1x4(now_12.x >> 16u), xn_1)) + (dot(e2m1x4(now_12.y & 65535u), xn_2) + dot(e2m1x4(now_12.y >> 16u), xn_3));
      acc_6 = fma(products_12, scale_12, acc_6);
      let products_13 = (dot(e2m1x4(now_12.z & 65535u), xn_4) + dot(e2m1x4(now_12.z >> 16u), xn_5)) + (dot(e2m1x4(now_12.w & 65535u), xn_6) + dot(e2m1x4(now_12.w >> 16u), xn_7));
      acc_6 = fma(products_13, scale_13, acc_6);
      let products_14 = (dot(e2m1x4(now_14.x & 65535u), xn) + dot(e2m1x4(now_14.x >> 16u), xn_1)) + (dot(e2m1x4(now_14.y & 65535u), xn_2) + dot(e2m1x4(now_14.y >> 16u), xn_3));
      acc_7 = fma(products_14, scale_14, acc_7);
      let products_15 = (dot(e2m1x4(now_14.z & 65535u), xn_4) + dot(e2m1x4(now_14.z >> 16u), xn_5)) + (dot(e2m1x4(now_14.w & 65535u), xn_6) + dot(e2m1x4(now_14.w >> 16u), xn_7));
      acc_7 = fma(products_15, scale_15, acc_7);
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
    let gate = (sum_4 * bitcast<f32>(weightWords[first + 9216u])) * factor;
    out[first] = (gate / (1f + exp(-gate))) * ((sum_9 * bitcast<f32>(weightWords[(first + 256u) + 9216u])) * factor);
    let gate_1 = (sum_14 * bitcast<f32>(weightWords[col + 9216u])) * factor;
    out[col] = (gate_1 / (1f + exp(-gate_1))) * ((sum_19 * bitcast<f32>(weightWords[(col + 256u) + 9216u])) * factor);
    let gate_2 = (sum_24 * bitcast<f32>(weightWords[col_1 + 9216u])) * factor;
    out[col_1] = (gate_2 / (1f + exp(-gate_2))) * ((sum_29 * bitcast<f32>(weightWords[(col_1 + 256u) + 9216u])) * factor);
    let gate_3 = (sum_34 * bitcast<f32>(weightWords[col_2 + 9216u])) * factor;
    out[col_2] = (gate_3 / (1f + exp(-gate_3))) * ((sum_39 * bitcast<f32>(weightWords[(col_2 + 256u) + 9216u])) * factor);
  }
}
