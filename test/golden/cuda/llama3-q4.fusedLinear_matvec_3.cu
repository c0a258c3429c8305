// fusedLinear.matvec { lanes: 32, columns: 4, threads: 64, stages: 2 }
extern "C" __global__ void __launch_bounds__(64) fusedLinear_matvec_3(const float4* x, const float* residual, float* out, const uint4* __restrict__ weight, const unsigned* __restrict__ weightWords) {
  weft_await_launches();
  const unsigned laneOfTeam = threadIdx.x & 31u;
  const unsigned first = (blockIdx.x * 2u + (threadIdx.x >> 5u)) * 4u;
  const unsigned col = first + 1u;
  const unsigned col_1 = first + 2u;
  const unsigned col_2 = first + 3u;
  float acc = 0.0f;
  float acc_1 = 0.0f;
  float acc_2 = 0.0f;
  float acc_3 = 0.0f;
  if (laneOfTeam < 8u) {
    uint4 ahead = weft_stream(&weight[first * 8u + laneOfTeam]);
    unsigned ahead_1 = unsigned(__ldg(&((const unsigned short*)weightWords)[first * 8u + laneOfTeam + 8192u]));
    unsigned ahead_2 = unsigned(__ldg(&((const unsigned short*)weightWords)[first * 8u + laneOfTeam + 9216u]));
    uint4 ahead_3 = weft_stream(&weight[col * 8u + laneOfTeam]);
    unsigned ahead_4 = unsigned(__ldg(&((const unsigned short*)weightWords)[col * 8u + laneOfTeam + 8192u]));
    unsigned ahead_5 = unsigned(__ldg(&((const unsigned short*)weightWords)[col * 8u + laneOfTeam + 9216u]));
    uint4 ahead_6 = weft_stream(&weight[col_1 * 8u + laneOfTeam]);
    unsigned ahead_7 = unsigned(__ldg(&((const unsigned short*)weightWords)[col_1 * 8u + laneOfTeam + 8192u]));
    unsigned ahead_8 = unsigned(__ldg(&((const unsigned short*)weightWords)[col_1 * 8u + laneOfTeam + 9216u]));
    uint4 ahead_9 = weft_stream(&weight[col_2 * 8u + laneOfTeam]);
    unsigned ahead_10 = unsigned(__ldg(&((const unsigned short*)weightWords)[col_2 * 8u + laneOfTeam + 8192u]));
    unsigned ahead_11 = unsigned(__ldg(&((const unsigned short*)weightWords)[col_2 * 8u + laneOfTeam + 9216u]));
#pragma unroll 1
    for (unsigned i = laneOfTeam; i < 8u; i += 32u) {
      const uint4 now = ahead;
      const unsigned now_1 = ahead_1;
      const unsigned now_2 = ahead_2;
      const uint4 now_3 = ahead_3;
      const unsigned now_4 = ahead_4;
      const unsigned now_5 = ahead_5;
      const uint4 now_6 = ahead_6;
      const unsigned now_7 = ahead_7;
      const unsigned now_8 = ahead_8;
      const uint4 now_9 = ahead_9;
      const unsigned now_10 = ahead_10;
      const unsigned now_11 = ahead_11;
      const unsigned next = i + 32u;
      if (next < 8u) {
        ahead = weft_stream(&weight[first * 8u + next]);
        ahead_1 = unsigned(__ldg(&((const unsigned short*)weightWords)[first * 8u + next + 8192u]));
        ahead_2 = unsigned(__ldg(&((const unsigned short*)weightWords)[first * 8u + next + 9216u]));
        ahead_3 = weft_stream(&weight[col * 8u + next]);
        ahead_4 = unsigned(__ldg(&((const unsigned short*)weightWords)[col * 8u + next + 8192u]));
        ahead_5 = unsigned(__ldg(&((const unsigned short*)weightWords)[col * 8u + next + 9216u]));
        ahead_6 = weft_stream(&weight[col_1 * 8u + next]);
        ahead_7 = unsigned(__ldg(&((const unsigned short*)weightWords)[col_1 * 8u + next + 8192u]));
        ahead_8 = unsigned(__ldg(&((const unsigned short*)weightWords)[col_1 * 8u + next + 9216u]));
        ahead_9 = weft_stream(&weight[col_2 * 8u + next]);
        ahead_10 = unsigned(__ldg(&((const unsigned short*)weightWords)[col_2 * 8u + next + 8192u]));
        ahead_11 = unsigned(__ldg(&((const unsigned short*)weightWords)[col_2 * 8u + next + 9216u]));
      }
      const unsigned xAt = i * 8u;
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
    out[first] = residual[first] + sum_4;
    out[col] = residual[col] + sum_9;
    out[col_1] = residual[col_1] + sum_14;
    out[col_2] = residual[col_2] + sum_19;
  }
}
