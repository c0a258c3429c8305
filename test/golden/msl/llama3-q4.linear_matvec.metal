// linear.matvec { lanes: 32, columns: 4, threads: 64, stages: 2 }
[[max_total_threads_per_threadgroup(64)]]
kernel void linear_matvec(
  device const float4* x [[buffer(0)]],
  device float* out [[buffer(1)]],
  device const uint4* weight [[buffer(2)]],
  device const uint* weightWords [[buffer(3)]],
  uint weft_tile [[threadgroup_position_in_grid]],
  uint weft_local [[thread_index_in_threadgroup]]) {
  const uint laneOfTeam = weft_local & 31u;
  const uint first = (weft_tile * 2u + (weft_local >> 5u)) * 4u;
  const uint col = first + 1u;
  const uint col_1 = first + 2u;
  const uint col_2 = first + 3u;
  float acc = 0.0f;
  float acc_1 = 0.0f;
  float acc_2 = 0.0f;
  float acc_3 = 0.0f;
  if (laneOfTeam < 4u) {
    uint4 ahead = weight[first * 4u + laneOfTeam];
    uint ahead_1 = uint(((device const ushort*)weightWords)[first * 4u + laneOfTeam + 4096u]);
    uint ahead_2 = uint(((device const ushort*)weightWords)[first * 4u + laneOfTeam + 4608u]);
    uint4 ahead_3 = weight[col * 4u + laneOfTeam];
    uint ahead_4 = uint(((device const ushort*)weightWords)[col * 4u + laneOfTeam + 4096u]);
    uint ahead_5 = uint(((device const ushort*)weightWords)[col * 4u + laneOfTeam + 4608u]);
    uint4 ahead_6 = weight[col_1 * 4u + laneOfTeam];
    uint ahead_7 = uint(((device const ushort*)weightWords)[col_1 * 4u + laneOfTeam + 4096u]);
    uint ahead_8 = uint(((device const ushort*)weightWords)[col_1 * 4u + laneOfTeam + 4608u]);
    uint4 ahead_9 = weight[col_2 * 4u + laneOfTeam];
    uint ahead_10 = uint(((device const ushort*)weightWords)[col_2 * 4u + laneOfTeam + 4096u]);
    uint ahead_11 = uint(((device const ushort*)weightWords)[col_2 * 4u + laneOfTeam + 4608u]);
#pragma unroll 1
    for (uint i = laneOfTeam; i < 4u; i += 32u) {
      const uint4 now = ahead;
      const uint now_1 = ahead_1;
      const uint now_2 = ahead_2;
      const uint4 now_3 = ahead_3;
      const uint now_4 = ahead_4;
      const uint now_5 = ahead_5;
      const uint4 now_6 = ahead_6;
      const uint now_7 = ahead_7;
      const uint now_8 = ahead_8;
      const uint4 now_9 = ahead_9;
      const uint now_10 = ahead_10;
      const uint now_11 = ahead_11;
      const uint next = i + 32u;
      if (next < 4u) {
        ahead = weight[first * 4u + next];
        ahead_1 = uint(((device const ushort*)weightWords)[first * 4u + next + 4096u]);
        ahead_2 = uint(((device const ushort*)weightWords)[first * 4u + next + 4608u]);
        ahead_3 = weight[col * 4u + next];
        ahead_4 = uint(((device const ushort*)weightWords)[col * 4u + next + 4096u]);
        ahead_5 = uint(((device const ushort*)weightWords)[col * 4u + next + 4608u]);
        ahead_6 = weight[col_1 * 4u + next];
        ahead_7 = uint(((device const ushort*)weightWords)[col_1 * 4u + next + 4096u]);
        ahead_8 = uint(((device const ushort*)weightWords)[col_1 * 4u + next + 4608u]);
        ahead_9 = weight[col_2 * 4u + next];
        ahead_10 = uint(((device const ushort*)weightWords)[col_2 * 4u + next + 4096u]);
        ahead_11 = uint(((device const ushort*)weightWords)[col_2 * 4u + next + 4608u]);
      }
      const uint xAt = i * 8u;
      const float scale = weft_f16_bits(now_1);
      const float least = -weft_f16_bits(now_2);
      const float scale_1 = weft_f16_bits(now_4);
      const float least_1 = -weft_f16_bits(now_5);
      const float scale_2 = weft_f16_bits(now_7);
      const float least_2 = -weft_f16_bits(now_8);
      const float scale_3 = weft_f16_bits(now_10);
      const float least_3 = -weft_f16_bits(now_11);
      const float4 xv = x[xAt];
      const float4 xv_1 = x[xAt + 1u];
      const float4 xv_2 = x[xAt + 2u];
      const float4 xv_3 = x[xAt + 3u];
      const float4 xv_4 = x[xAt + 4u];
      const float4 xv_5 = x[xAt + 5u];
      const float4 xv_6 = x[xAt + 6u];
      const float4 xv_7 = x[xAt + 7u];
      const float products = weft_dot4(weft_u4x4(now.x & 65535u), xv) + weft_dot4(weft_u4x4(now.x >> 16u), xv_1) + (weft_dot4(weft_u4x4(now.y & 65535u), xv_2) + weft_dot4(weft_u4x4(now.y >> 16u), xv_3)) + (weft_dot4(weft_u4x4(now.z & 65535u), xv_4) + weft_dot4(weft_u4x4(now.z >> 16u), xv_5) + (weft_dot4(weft_u4x4(now.w & 65535u), xv_6) + weft_dot4(weft_u4x4(now.w >> 16u), xv_7)));
      acc = weft_fma(products, scale, acc);
      acc = acc - least * (weft_sum4(xv) + weft_sum4(xv_1) + (weft_sum4(xv_2) + weft_sum4(xv_3)) + (weft_sum4(xv_4) + weft_sum4(xv_5) + (weft_sum4(xv_6) + weft_sum4(xv_7))));
      const float products_1 = weft_dot4(weft_u4x4(now_3.x & 65535u), xv) + weft_dot4(weft_u4x4(now_3.x >> 16u), xv_1) + (weft_dot4(weft_u4x4(now_3.y & 65535u), xv_2) + weft_dot4(weft_u4x4(now_3.y >> 16u), xv_3)) + (weft_dot4(weft_u4x4(now_3.z & 65535u), xv_4) + weft_dot4(weft_u4x4(now_3.z >> 16u), xv_5) + (weft_dot4(weft_u4x4(now_3.w & 65535u), xv_6) + weft_dot4(weft_u4x4(now_3.w >> 16u), xv_7)));
      acc_1 = weft_fma(products_1, scale_1, acc_1);
      acc_1 = acc_1 - least_1 * (weft_sum4(xv) + weft_sum4(xv_1) + (weft_sum4(xv_2) + weft_sum4(xv_3)) + (weft_sum4(xv_4) + weft_sum4(xv_5) + (weft_sum4(xv_6) + weft_sum4(xv_7))));
      const float products_2 = weft_dot4(weft_u4x4(now_6.x & 65535u), xv) + weft_dot4(weft_u4x4(now_6.x >> 16u), xv_1) + (weft_dot4(weft_u4x4(now_6.y & 65535u), xv_2) + weft_dot4(weft_u4x4(now_6.y >> 16u), xv_3)) + (weft_dot4(weft_u4x4(now_6.z & 65535u), xv_4) + weft_dot4(weft_u4x4(now_6.z >> 16u), xv_5) + (weft_dot4(weft_u4x4(now_6.w & 65535u), xv_6) + weft_dot4(weft_u4x4(now_6.w >> 16u), xv_7)));
      acc_2 = weft_fma(products_2, scale_2, acc_2);
      acc_2 = acc_2 - least_2 * (weft_sum4(xv) + weft_sum4(xv_1) + (weft_sum4(xv_2) + weft_sum4(xv_3)) + (weft_sum4(xv_4) + weft_sum4(xv_5) + (weft_sum4(xv_6) + weft_sum4(xv_7))));
      const float products_3 = weft_dot4(weft_u4x4(now_9.x & 65535u), xv) + weft_dot4(weft_u4x4(now_9.x >> 16u), xv_1) + (weft_dot4(weft_u4x4(now_9.y & 65535u), xv_2) + weft_dot4(weft_u4x4(now_9.y >> 16u), xv_3)) + (weft_dot4(weft_u4x4(now_9.z & 65535u), xv_4) + weft_dot4(weft_u4x4(now_9.z >> 16u), xv_5) + (weft_dot4(weft_u4x4(now_9.w & 65535u), xv_6) + weft_dot4(weft_u4x4(now_9.w >> 16u), xv_7)));
      acc_3 = weft_fma(products_3, scale_3, acc_3);
      acc_3 = acc_3 - least_3 * (weft_sum4(xv) + weft_sum4(xv_1) + (weft_sum4(xv_2) + weft_sum4(xv_3)) + (weft_sum4(xv_4) + weft_sum4(xv_5) + (weft_sum4(xv_6) + weft_sum4(xv_7))));
    }
  }
  const float sum = acc + weft_shuffle_xor(acc, 16u);
  const float sum_1 = sum + weft_shuffle_xor(sum, 8u);
  const float sum_2 = sum_1 + weft_shuffle_xor(sum_1, 4u);
  const float sum_3 = sum_2 + weft_shuffle_xor(sum_2, 2u);
  const float sum_4 = sum_3 + weft_shuffle_xor(sum_3, 1u);
  const float sum_5 = acc_1 + weft_shuffle_xor(acc_1, 16u);
  const float sum_6 = sum_5 + weft_shuffle_xor(sum_5, 8u);
  const float sum_7 = sum_6 + weft_shuffle_xor(sum_6, 4u);
  const float sum_8 = sum_7 + weft_shuffle_xor(sum_7, 2u);
  const float sum_9 = sum_8 + weft_shuffle_xor(sum_8, 1u);
  const float sum_10 = acc_2 + weft_shuffle_xor(acc_2, 16u);
  const float sum_11 = sum_10 + weft_shuffle_xor(sum_10, 8u);
  const float sum_12 = sum_11 + weft_shuffle_xor(sum_11, 4u);
  const float sum_13 = sum_12 + weft_shuffle_xor(sum_12, 2u);
  const float sum_14 = sum_13 + weft_shuffle_xor(sum_13, 1u);
  const float sum_15 = acc_3 + weft_shuffle_xor(acc_3, 16u);
  const float sum_16 = sum_15 + weft_shuffle_xor(sum_15, 8u);
  const float sum_17 = sum_16 + weft_shuffle_xor(sum_16, 4u);
  const float sum_18 = sum_17 + weft_shuffle_xor(sum_17, 2u);
  const float sum_19 = sum_18 + weft_shuffle_xor(sum_18, 1u);
  if (laneOfTeam == 0u) {
    out[first] = sum_4;
    out[col] = sum_9;
    out[col_1] = sum_14;
    out[col_2] = sum_19;
  }
}
