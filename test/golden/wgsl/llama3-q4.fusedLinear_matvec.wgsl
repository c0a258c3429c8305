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
fn fusedLinear_matvec(
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
  if (laneOfTeam < 4u) {
    var ahead: vec4<u32> = weight[(first * 4u) + laneOfTeam];
    var ahead_1: u32 = weightWords_bits16(((first * 4u) + laneOfTeam) + 4096u);
    var ahead_2: u32 = weightWords_bits16(((first * 4u) + laneOfTeam) + 4608u);
    var ahead_3: vec4<u32> = weight[(col * 4u) + laneOfTeam];
    var ahead_4: u32 = weightWords_bits16(((col * 4u) + laneOfTeam) + 4096u);
    var ahead_5: u32 = weightWords_bits16(((col * 4u) + laneOfTeam) + 4608u);
    var ahead_6: vec4<u32> = weight[(col_1 * 4u) + laneOfTeam];
    var ahead_7: u32 = weightWords_bits16(((col_1 * 4u) + laneOfTeam) + 4096u);
    var ahead_8: u32 = weightWords_bits16(((col_1 * 4u) + laneOfTeam) + 4608u);
    var ahead_9: vec4<u32> = weight[(col_2 * 4u) + laneOfTeam];
    var ahead_10: u32 = weightWords_bits16(((col_2 * 4u) + laneOfTeam) + 4096u);
    var ahead_11: u32 = weightWords_bits16(((col_2 * 4u) + laneOfTeam) + 4608u);
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
      let next = i + 32u;
      if (next < 4u) {
        ahead = weight[(first * 4u) + next];
        ahead_1 = weightWords_bits16(((first * 4u) + next) + 4096u);
        ahead_2 = weightWords_bits16(((first * 4u) + next) + 4608u);
        ahead_3 = weight[(col * 4u) + next];
        ahead_4 = weightWords_bits16(((col * 4u) + next) + 4096u);
        ahead_5 = weightWords_bits16(((col * 4u) + next) + 4608u);
        ahead_6 = weight[(col_1 * 4u) + next];
        ahead_7 = weightWords_bits16(((col_1 * 4u) + next) + 4096u);
        ahead_8 = weightWords_bits16(((col_1 * 4u) + next) + 4608u);
        ahead_9 = weight[(col_2 * 4u) + next];
        ahead_10 = weightWords_bits16(((col_2 * 4u) + next) + 4096u);
        ahead_11 = weightWords_bits16(((col_2 * 4u) + next) + 4608u);
      }
      let xAt = i * 8u;
      let scale = f16x1(now_1);
      let least = -f16x1(now_2);
      let scale_1 = f16x1(now_4);
      let least_1 = -f16x1(now_5);
      let scale_2 = f16x1(now_7);
      let least_2 = -f16x1(now_8);
      let scale_3 = f16x1(now_10);
      let least_3 = -f16x1(now_11);
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
      acc_1 = fma(products_1, scale_1, acc_1);
      acc_1 = acc_1 - (least_1 * (((sum4(xv) + sum4(xv_1)) + (sum4(xv_2) + sum4(xv_3))) + ((sum4(xv_4) + sum4(xv_5)) + (sum4(xv_6) + sum4(xv_7)))));
      let products_2 = ((dot(u4x4(now_6.x & 65535u), xv) + dot(u4x4(now_6.x >> 16u), xv_1)) + (dot(u4x4(now_6.y & 65535u), xv_2) + dot(u4x4(now_6.y >> 16u), xv_3))) + ((dot(u4x4(now_6.z & 65535u), xv_4) + dot(u4x4(now_6.z >> 16u), xv_5)) + (dot(u4x4(now_6.w & 65535u), xv_6) + dot(u4x4(now_6.w >> 16u), xv_7)));
      acc_2 = fma(products_2, scale_2, acc_2);
      acc_2 = acc_2 - (least_2 * (((sum4(xv) + sum4(xv_1)) + (sum4(xv_2) + sum4(xv_3))) + ((sum4(xv_4) + sum4(xv_5)) + (sum4(xv_6) + sum4(xv_7)))));
      let products_3 = ((dot(u4x4(now_9.x & 65535u), xv) + dot(u4x4(now_9.x >> 16u), xv_1)) + (dot(u4x4(now_9.y & 65535u), xv_2) + dot(u4x4(now_9.y >> 16u), xv_3))) + ((dot(u4x4(now_9.z & 65535u), xv_4) + dot(u4x4(now_9.z >> 16u), xv_5)) + (dot(u4x4(now_9.w & 65535u), xv_6) + dot(u4x4(now_9.w >> 16u), xv_7)));
      acc_3 = fma(products_3, scale_3, acc_3);
      acc_3 = acc_3 - (least_3 * (((sum4(xv) + sum4(xv_1)) + (sum4(xv_2) + sum4(xv_3))) + ((sum4(xv_4) + sum4(xv_5)) + (sum4(xv_6) + sum4(xv_7)))));
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
    out[first] = residual[first] + sum_4;
    out[col] = residual[col] + sum_9;
    out[col_1] = residual[col_1] + sum_14;
    out[col_2] = residual[col_2] + sum_19;
  }
}
