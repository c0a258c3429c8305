enable f16;
enable subgroups;
// fusedLinear.matvec: lanes 32, columns 4, threads 64, stages 2
@group(0) @binding(0) var<storage, read_write> x: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read> norm: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> out: array<f32>;
@group(0) @binding(3) var<storage, read> weight: array<vec4<u32>>;
@group(0) @binding(4) var<storage, read> weightWords: array<u32>;
override tiles: u32 = 4294967295u;

fn weightWords_bits8(index: u32) -> u32 {
  return (weightWords[index >> 2u] >> ((index & 3u) << 3u)) & 0xffu;
}

fn f16x1(code: u32) -> f32 {
  return f32(bitcast<vec2<f16>>(code).x);
}

fn i8x4(codes: u32) -> vec4<f32> {
  return vec4<f32>((bitcast<vec4<i32>>(vec4<u32>(codes)) << vec4<u32>(24u, 16u, 8u, 0u)) >> vec4<u32>(24u));
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
  var squares: f32 = 0f;
  if (laneOfTeam < 8u) {
    var ahead: vec4<u32> = weight[(first * 8u) + laneOfTeam];
    var ahead_1: u32 = weightWords[(((first * 8u) + laneOfTeam) >> 3u) + 8960u];
    var ahead_2: u32 = weightWords_bits8(((first * 8u) + laneOfTeam) + 32768u);
    var ahead_3: u32 = weightWords_bits8((((first * 8u) + laneOfTeam) >> 1u) + 34816u);
    var ahead_4: u32 = ((first * 8u) + laneOfTeam) & 7u;
    var ahead_5: vec4<u32> = weight[(col * 8u) + laneOfTeam];
    var ahead_6: u32 = weightWords[(((col * 8u) + laneOfTeam) >> 3u) + 8960u];
    var ahead_7: u32 = weightWords_bits8(((col * 8u) + laneOfTeam) + 32768u);
    var ahead_8: u32 = weightWords_bits8((((col * 8u) + laneOfTeam) >> 1u) + 34816u);
    var ahead_9: u32 = ((col * 8u) + laneOfTeam) & 7u;
    var ahead_10: vec4<u32> = weight[(col_1 * 8u) + laneOfTeam];
    var ahead_11: u32 = weightWords[(((col_1 * 8u) + laneOfTeam) >> 3u) + 8960u];
    var ahead_12: u32 = weightWords_bits8(((col_1 * 8u) + laneOfTeam) + 32768u);
    var ahead_13: u32 = weightWords_bits8((((col_1 * 8u) + laneOfTeam) >> 1u) + 34816u);
    var ahead_14: u32 = ((col_1 * 8u) + laneOfTeam) & 7u;
    var ahead_15: vec4<u32> = weight[(col_2 * 8u) + laneOfTeam];
    var ahead_16: u32 = weightWords[(((col_2 * 8u) + laneOfTeam) >> 3u) + 8960u];
    var ahead_17: u32 = weightWords_bits8(((col_2 * 8u) + laneOfTeam) + 32768u);
    var ahead_18: u32 = weightWords_bits8((((col_2 * 8u) + laneOfTeam) >> 1u) + 34816u);
    var ahead_19: u32 = ((col_2 * 8u) + laneOfTeam) & 7u;
    for (var i = laneOfTeam; i < 8u; i += 32u) {
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
      let now_16 = ahead_16;
      let now_17 = ahead_17;
      let now_18 = ahead_18;
      let now_19 = ahead_19;
      let next = i + 32u;
      if (next < 8u) {
        ahead = weight[(first * 8u) + next];
        ahead_1 = weightWords[(((first * 8u) + next) >> 3u) + 8960u];
        ahead_2 = weightWords_bits8(((first * 8u) + next) + 32768u);
        ahead_3 = weightWords_bits8((((first * 8u) + next) >> 1u) + 34816u);
        ahead_4 = ((first * 8u) + next) & 7u;
        ahead_5 = weight[(col * 8u) + next];
        ahead_6 = weightWords[(((col * 8u) + next) >> 3u) + 8960u];
        ahead_7 = weightWords_bits8(((col * 8u) + next) + 32768u);
        ahead_8 = weightWords_bits8((((col * 8u) + next) >> 1u) + 34816u);
        ahead_9 = ((col * 8u) + next) & 7u;
        ahead_10 = weight[(col_1 * 8u) + next];
        ahead_11 = weightWords[(((col_1 * 8u) + next) >> 3u) + 8960u];
        ahead_12 = weightWords_bits8(((col_1 * 8u) + next) + 32768u);
        ahead_13 = weightWords_bits8((((col_1 * 8u) + next) >> 1u) + 34816u);
        ahead_14 = ((col_1 * 8u) + next) & 7u;
        ahead_15 = weight[(col_2 * 8u) + next];
        ahead_16 = weightWords[(((col_2 * 8u) + next) >> 3u) + 8960u];
        ahead_17 = weightWords_bits8(((col_2 * 8u) + next) + 32768u);
        ahead_18 = weightWords_bits8((((col_2 * 8u) + next) >> 1u) + 34816u);
        ahead_19 = ((col_2 * 8u) + next) & 7u;
      }
      let xAt = i * 8u;
      let scale = f16x1(now_1) * f32((now_2 & 15u) | ((((now_3 >> ((now_4 & 1u) * 4u)) & 15u) & 3u) << 4u));
      let least = f16x1(now_1 >> 16u) * f32((now_2 >> 4u) | ((((now_3 >> ((now_4 & 1u) * 4u)) & 15u) & 12u) << 2u));
      let scale_1 = f16x1(now_6) * f32((now_7 & 15u) | ((((now_8 >> ((now_9 & 1u) * 4u)) & 15u) & 3u) << 4u));
      let least_1 = f16x1(now_6 >> 16u) * f32((now_7 >> 4u) | ((((now_8 >> ((now_9 & 1u) * 4u)) & 15u) & 12u) << 2u));
      let scale_2 = f16x1(now_11) * f32((now_12 & 15u) | ((((now_13 >> ((now_14 & 1u) * 4u)) & 15u) & 3u) << 4u));
      let least_2 = f16x1(now_11 >> 16u) * f32((now_12 >> 4u) | ((((now_13 >> ((now_14 & 1u) * 4u)) & 15u) & 12u) << 2u));
      let scale_3 = f16x1(now_16) * f32((now_17 & 15u) | ((((now_18 >> ((now_19 & 1u) * 4u)) & 15u) & 3u) << 4u));
      let least_3 = f16x1(now_16 >> 16u) * f32((now_17 >> 4u) | ((((now_18 >> ((now_19 & 1u) * 4u)) & 15u) & 12u) << 2u));
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
      let products = ((dot(i8x4(now.x & 252645135u), xn) + dot(i8x4((now.x >> 4u) & 252645135u), xn_1)) + (dot(i8x4(now.y & 252645135u), xn_2) + dot(i8x4((now.y >> 4u) & 252645135u), xn_3))) + ((dot(i8x4(now.z & 252645135u), xn_4) + dot(i8x4((now.z >> 4u) & 252645135u), xn_5)) + (dot(i8x4(now.w & 252645135u), xn_6) + dot(i8x4((now.w >> 4u) & 252645135u), xn_7)));
      acc = fma(products, scale, acc);
      acc = acc - (least * (((sum4(xn) + sum4(xn_1)) + (sum4(xn_2) + sum4(xn_3))) + ((sum4(xn_4) + sum4(xn_5)) + (sum4(xn_6) + sum4(xn_7)))));
      let products_1 = ((dot(i8x4(now_5.x & 252645135u), xn) + dot(i8x4((now_5.x >> 4u) & 252645135u), xn_1)) + (dot(i8x4(now_5.y & 252645135u), xn_2) + dot(i8x4((now_5.y >> 4u) & 252645135u), xn_3))) + ((dot(i8x4(now_5.z & 252645135u), xn_4) + dot(i8x4((now_5.z >> 4u) & 252645135u), xn_5)) + (dot(i8x4(now_5.w & 252645135u), xn_6) + dot(i8x4((now_5.w >> 4u) & 252645135u), xn_7)));
      acc_1 = fma(products_1, scale_1, acc_1);
      acc_1 = acc_1 - (least_1 * (((sum4(xn) + sum4(xn_1)) + (sum4(xn_2) + sum4(xn_3))) + ((sum4(xn_4) + sum4(xn_5)) + (sum4(xn_6) + sum4(xn_7)))));
      let products_2 = ((dot(i8x4(now_10.x & 252645135u), xn) + dot(i8x4((now_10.x >> 4u) & 252645135u), xn_1)) + (dot(i8x4(now_10.y & 252645135u), xn_2) + dot(i8x4((now_10.y >> 4u) & 252645135u), xn_3))) + ((dot(i8x4(now_10.z & 252645135u), xn_4) + dot(i8x4((now_10.z >> 4u) & 252645135u), xn_5)) + (dot(i8x4(now_10.w & 252645135u), xn_6) + dot(i8x4((now_10.w >> 4u) & 252645135u), xn_7)));
      acc_2 = fma(products_2, scale_2, acc_2);
      acc_2 = acc_2 - (least_2 * (((sum4(xn) + sum4(xn_1)) + (sum4(xn_2) + sum4(xn_3))) + ((sum4(xn_4) + sum4(xn_5)) + (sum4(xn_6) + sum4(xn_7)))));
      let products_3 = ((dot(i8x4(now_15.x & 252645135u), xn) + dot(i8x4((now_15.x >> 4u) & 252645135u), xn_1)) + (dot(i8x4(now_15.y & 252645135u), xn_2) + dot(i8x4((now_15.y >> 4u) & 252645135u), xn_3))) + ((dot(i8x4(now_15.z & 252645135u), xn_4) + dot(i8x4((now_15.z >> 4u) & 252645135u), xn_5)) + (dot(i8x4(now_15.w & 252645135u), xn_6) + dot(i8x4((now_15.w >> 4u) & 252645135u), xn_7)));
      acc_3 = fma(products_3, scale_3, acc_3);
      acc_3 = acc_3 - (least_3 * (((sum4(xn) + sum4(xn_1)) + (sum4(xn_2) + sum4(xn_3))) + ((sum4(xn_4) + sum4(xn_5)) + (sum4(xn_6) + sum4(xn_7)))));
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
  let sum_20 = squares + subgroupShuffleXor(squares, 16u);
  let sum_21 = sum_20 + subgroupShuffleXor(sum_20, 8u);
  let sum_22 = sum_21 + subgroupShuffleXor(sum_21, 4u);
  let sum_23 = sum_22 + subgroupShuffleXor(sum_22, 2u);
  let sum_24 = sum_23 + subgroupShuffleXor(sum_23, 1u);
  if (laneOfTeam == 0u) {
    let factor = inverseSqrt((sum_24 * 0.00390625f) + 0.000001f);
    out[first] = sum_4 * factor;
    out[col] = sum_9 * factor;
    out[col_1] = sum_14 * factor;
    out[col_2] = sum_19 * factor;
  }
}
