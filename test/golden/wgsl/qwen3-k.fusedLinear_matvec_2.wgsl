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

fn i8x4(codes: u32) -> vec4<f32> {
  return vec4<f32>((bitcast<vec4<i32>>(vec4<u32>(codes)) << vec4<u32>(24u, 16u, 8u, 0u)) >> vec4<u32>(24u));
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
  if (laneOfTeam < 4u) {
    var ahead: vec4<u32> = weight[(first * 4u) + laneOfTeam];
    var ahead_1: u32 = weightWords[((first * 4u) + laneOfTeam) + 4096u];
    var ahead_2: u32 = weightWords_bits16(((first * 4u) + laneOfTeam) + 10240u);
    var ahead_3: vec4<u32> = weight[(col * 4u) + laneOfTeam];
    var ahead_4: u32 = weightWords[((col * 4u) + laneOfTeam) + 4096u];
    var ahead_5: u32 = weightWords_bits16(((col * 4u) + laneOfTeam) + 10240u);
    var ahead_6: vec4<u32> = weight[(col_1 * 4u) + laneOfTeam];
    var ahead_7: u32 = weightWords[((col_1 * 4u) + laneOfTeam) + 4096u];
    var ahead_8: u32 = weightWords_bits16(((col_1 * 4u) + laneOfTeam) + 10240u);
    var ahead_9: vec4<u32> = weight[(col_2 * 4u) + laneOfTeam];
    var ahead_10: u32 = weightWords[((col_2 * 4u) + laneOfTeam) + 4096u];
    var ahead_11: u32 = weightWords_bits16(((col_2 * 4u) + laneOfTeam) + 10240u);
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
        ahead_1 = weightWords[((first * 4u) + next) + 4096u];
        ahead_2 = weightWords_bits16(((first * 4u) + next) + 10240u);
        ahead_3 = weight[(col * 4u) + next];
        ahead_4 = weightWords[((col * 4u) + next) + 4096u];
        ahead_5 = weightWords_bits16(((col * 4u) + next) + 10240u);
        ahead_6 = weight[(col_1 * 4u) + next];
        ahead_7 = weightWords[((col_1 * 4u) + next) + 4096u];
        ahead_8 = weightWords_bits16(((col_1 * 4u) + next) + 10240u);
        ahead_9 = weight[(col_2 * 4u) + next];
        ahead_10 = weightWords[((col_2 * 4u) + next) + 4096u];
        ahead_11 = weightWords_bits16(((col_2 * 4u) + next) + 10240u);
      }
      let xAt = i * 8u;
      let scale = f16x1(now_2);
      let scale_1 = f16x1(now_5);
      let scale_2 = f16x1(now_8);
      let scale_3 = f16x1(now_11);
      let xv = x[xAt];
      let xv_1 = x[xAt + 1u];
      let xv_2 = x[xAt + 2u];
      let xv_3 = x[xAt + 3u];
      let xv_4 = x[xAt + 4u];
      let xv_5 = x[xAt + 5u];
      let xv_6 = x[xAt + 6u];
      let xv_7 = x[xAt + 7u];
      let products = ((dot(i8x4(((((now.x & 252645135u) | ((now_1 & 16843009u) << 4u)) | 2155905152u) - 269488144u) ^ 2155905152u), xv) + dot(i8x4((((((now.x >> 4u) & 252645135u) | (((now_1 >> 1u) & 16843009u) << 4u)) | 2155905152u) - 269488144u) ^ 2155905152u), xv_1)) + (dot(i8x4(((((now.y & 252645135u) | (((now_1 >> 2u) & 16843009u) << 4u)) | 2155905152u) - 269488144u) ^ 2155905152u), xv_2) + dot(i8x4((((((now.y >> 4u) & 252645135u) | (((now_1 >> 3u) & 16843009u) << 4u)) | 2155905152u) - 269488144u) ^ 2155905152u), xv_3))) + ((dot(i8x4(((((now.z & 252645135u) | (((now_1 >> 4u) & 16843009u) << 4u)) | 2155905152u) - 269488144u) ^ 2155905152u), xv_4) + dot(i8x4((((((now.z >> 4u) & 252645135u) | (((now_1 >> 5u) & 16843009u) << 4u)) | 2155905152u) - 269488144u) ^ 2155905152u), xv_5)) + (dot(i8x4(((((now.w & 252645135u) | (((now_1 >> 6u) & 16843009u) << 4u)) | 2155905152u) - 269488144u) ^ 2155905152u), xv_6) + dot(i8x4((((((now.w >> 4u) & 252645135u) | (((now_1 >> 7u) & 16843009u) << 4u)) | 2155905152u) - 269488144u) ^ 2155905152u), xv_7)));
      acc = fma(products, scale, acc);
      let products_1 = ((dot(i8x4(((((now_3.x & 252645135u) | ((now_4 & 16843009u) << 4u)) | 2155905152u) - 269488144u) ^ 2155905152u), xv) + dot(i8x4((((((now_3.x >> 4u) & 252645135u) | (((now_4 >> 1u) & 16843009u) << 4u)) | 2155905152u) - 269488144u) ^ 2155905152u), xv_1)) + (dot(i8x4(((((now_3.y & 252645135u) | (((now_4 >> 2u) & 16843009u) << 4u)) | 2155905152u) - 269488144u) ^ 2155905152u), xv_2) + dot(i8x4((((((now_3.y >> 4u) & 252645135u) | (((now_4 >> 3u) & 16843009u) << 4u)) | 2155905152u) - 269488144u) ^ 2155905152u), xv_3))) + ((dot(i8x4(((((now_3.z & 252645135u) | (((now_4 >> 4u) & 16843009u) << 4u)) | 2155905152u) - 269488144u) ^ 2155905152u), xv_4) + dot(i8x4((((((now_3.z >> 4u) & 252645135u) | (((now_4 >> 5u) & 16843009u) << 4u)) | 2155905152u) - 269488144u) ^ 2155905152u), xv_5)) + (dot(i8x4(((((now_3.w & 252645135u) | (((now_4 >> 6u) & 16843009u) << 4u)) | 2155905152u) - 269488144u) ^ 2155905152u), xv_6) + dot(i8x4((((((now_3.w >> 4u) & 252645135u) | (((now_4 >> 7u) & 16843009u) << 4u)) | 2155905152u) - 269488144u) ^ 2155905152u), xv_7)));
      acc_1 = fma(products_1, scale_1, acc_1);
      let products_2 = ((dot(i8x4(((((now_6.x & 252645135u) | ((now_7 & 16843009u) << 4u)) | 2155905152u) - 269488144u) ^ 2155905152u), xv) + dot(i8x4((((((now_6.x >> 4u) & 252645135u) | (((now_7 >> 1u) & 16843009u) << 4u)) | 2155905152u) - 269488144u) ^ 2155905152u), xv_1)) + (dot(i8x4(((((now_6.y & 252645135u) | (((now_7 >> 2u) & 16843009u) << 4u)) | 2155905152u) - 269488144u) ^ 2155905152u), xv_2) + dot(i8x4((((((now_6.y >> 4u) & 252645135u) | (((now_7 >> 3u) & 16843009u) << 4u)) | 2155905152u) - 269488144u) ^ 2155905152u), xv_3))) + ((dot(i8x4(((((now_6.z & 252645135u) | (((now_7 >> 4u) & 16843009u) << 4u)) | 2155905152u) - 269488144u) ^ 2155905152u), xv_4) + dot(i8x4((((((now_6.z >> 4u) & 252645135u) | (((now_7 >> 5u) & 16843009u) << 4u)) | 2155905152u) - 269488144u) ^ 2155905152u), xv_5)) + (dot(i8x4(((((now_6.w & 252645135u) | (((now_7 >> 6u) & 16843009u) << 4u)) | 2155905152u) - 269488144u) ^ 2155905152u), xv_6) + dot(i8x4((((((now_6.w >> 4u) & 252645135u) | (((now_7 >> 7u) & 16843009u) << 4u)) | 2155905152u) - 269488144u) ^ 2155905152u), xv_7)));
      acc_2 = fma(products_2, scale_2, acc_2);
      let products_3 = ((dot(i8x4(((((now_9.x & 252645135u) | ((now_10 & 16843009u) << 4u)) | 2155905152u) - 269488144u) ^ 2155905152u), xv) + dot(i8x4((((((now_9.x >> 4u) & 252645135u) | (((now_10 >> 1u) & 16843009u) << 4u)) | 2155905152u) - 269488144u) ^ 2155905152u), xv_1)) + (dot(i8x4(((((now_9.y & 252645135u) | (((now_10 >> 2u) & 16843009u) << 4u)) | 2155905152u) - 269488144u) ^ 2155905152u), xv_2) + dot(i8x4((((((now_9.y >> 4u) & 252645135u) | (((now_10 >> 3u) & 16843009u) << 4u)) | 2155905152u) - 269488144u) ^ 2155905152u), xv_3))) + ((dot(i8x4(((((now_9.z & 252645135u) | (((now_10 >> 4u) & 16843009u) << 4u)) | 2155905152u) - 269488144u) ^ 2155905152u), xv_4) + dot(i8x4((((((now_9.z >> 4u) & 252645135u) | (((now_10 >> 5u) & 16843009u) << 4u)) | 2155905152u) - 269488144u) ^ 2155905152u), xv_5)) + (dot(i8x4(((((now_9.w & 252645135u) | (((now_10 >> 6u) & 16843009u) << 4u)) | 2155905152u) - 269488144u) ^ 2155905152u), xv_6) + dot(i8x4((((((now_9.w >> 4u) & 252645135u) | (((now_10 >> 7u) & 16843009u) << 4u)) | 2155905152u) - 269488144u) ^ 2155905152u), xv_7)));
      acc_3 = fma(products_3, scale_3, acc_3);
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
