enable f16;
enable subgroups;
// fusedLinear.matvec: lanes 32, columns 4, threads 64, stages 2
@group(0) @binding(0) var<storage, read_write> x: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read_write> residual: array<f32>;
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
fn fusedLinear_matvec_4(
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
  if (laneOfTeam < 8u) {
    var ahead: vec4<u32> = weight[(first * 8u) + laneOfTeam];
    var ahead_1: u32 = weightWords_bits16(((first * 8u) + laneOfTeam) + 8192u);
    var ahead_2: vec4<u32> = weight[(col * 8u) + laneOfTeam];
    var ahead_3: u32 = weightWords_bits16(((col * 8u) + laneOfTeam) + 8192u);
    var ahead_4: vec4<u32> = weight[(col_1 * 8u) + laneOfTeam];
    var ahead_5: u32 = weightWords_bits16(((col_1 * 8u) + laneOfTeam) + 8192u);
    var ahead_6: vec4<u32> = weight[(col_2 * 8u) + laneOfTeam];
    var ahead_7: u32 = weightWords_bits16(((col_2 * 8u) + laneOfTeam) + 8192u);
    for (var i = laneOfTeam; i < 8u; i += 32u) {
      let now = ahead;
      let now_1 = ahead_1;
      let now_2 = ahead_2;
      let now_3 = ahead_3;
      let now_4 = ahead_4;
      let now_5 = ahead_5;
      let now_6 = ahead_6;
      let now_7 = ahead_7;
      let next = i + 32u;
      if (next < 8u) {
        ahead = weight[(first * 8u) + next];
        ahead_1 = weightWords_bits16(((first * 8u) + next) + 8192u);
        ahead_2 = weight[(col * 8u) + next];
        ahead_3 = weightWords_bits16(((col * 8u) + next) + 8192u);
        ahead_4 = weight[(col_1 * 8u) + next];
        ahead_5 = weightWords_bits16(((col_1 * 8u) + next) + 8192u);
        ahead_6 = weight[(col_2 * 8u) + next];
        ahead_7 = weightWords_bits16(((col_2 * 8u) + next) + 8192u);
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
      acc_1 = fma(products_2, scale_2, acc_1);
      let products_3 = (dot(e2m1x4(now_2.z & 65535u), xv_4) + dot(e2m1x4(now_2.z >> 16u), xv_5)) + (dot(e2m1x4(now_2.w & 65535u), xv_6) + dot(e2m1x4(now_2.w >> 16u), xv_7));
      acc_1 = fma(products_3, scale_3, acc_1);
      let products_4 = (dot(e2m1x4(now_4.x & 65535u), xv) + dot(e2m1x4(now_4.x >> 16u), xv_1)) + (dot(e2m1x4(now_4.y & 65535u), xv_2) + dot(e2m1x4(now_4.y >> 16u), xv_3));
      acc_2 = fma(products_4, scale_4, acc_2);
      let products_5 = (dot(e2m1x4(now_4.z & 65535u), xv_4) + dot(e2m1x4(now_4.z >> 16u), xv_5)) + (dot(e2m1x4(now_4.w & 65535u), xv_6) + dot(e2m1x4(now_4.w >> 16u), xv_7));
      acc_2 = fma(products_5, scale_5, acc_2);
      let products_6 = (dot(e2m1x4(now_6.x & 65535u), xv) + dot(e2m1x4(now_6.x >> 16u), xv_1)) + (dot(e2m1x4(now_6.y & 65535u), xv_2) + dot(e2m1x4(now_6.y >> 16u), xv_3));
      acc_3 = fma(products_6, scale_6, acc_3);
      let products_7 = (dot(e2m1x4(now_6.z & 65535u), xv_4) + dot(e2m1x4(now_6.z >> 16u), xv_5)) + (dot(e2m1x4(now_6.w & 65535u), xv_6) + dot(e2m1x4(now_6.w >> 16u), xv_7));
      acc_3 = fma(products_7, scale_7, acc_3);
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
  if (laneOfTeam == 0u) {
    out[first] = residual[first] + (sum_4 * bitcast<f32>(weightWords[first + 4608u]));
    out[col] = residual[col] + (sum_9 * bitcast<f32>(weightWords[col + 4608u]));
    out[col_1] = residual[col_1] + (sum_14 * bitcast<f32>(weightWords[col_1 + 4608u]));
    out[col_2] = residual[col_2] + (sum_19 * bitcast<f32>(weightWords[col_2 + 4608u]));
  }
}
