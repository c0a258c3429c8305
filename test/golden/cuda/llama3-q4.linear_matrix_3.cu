// linear.matrix { rowTile: 64, colTile: 128, stages: 2 }
extern "C" __global__ void __launch_bounds__(256) linear_matrix_3(const float4* x, float* out, const unsigned* state, const uint4* __restrict__ weight, const unsigned* __restrict__ weightWords) {
  __shared__ __align__(32) unsigned short xs[2560];
  __shared__ __align__(32) unsigned short ws[5120];
  __shared__ __align__(32) float patches[5120];
  weft_await_launches();
  if (blockIdx.x < ((state[1u] + 63u) >> 6u) * 4u) {
    const unsigned rows = state[1u];
    const unsigned rowTiles = (rows + 63u) >> 6u;
    const unsigned firstRow = blockIdx.x % rowTiles * 64u;
    const unsigned firstCol = blockIdx.x / rowTiles * 128u;
    const unsigned sgRow = (threadIdx.x >> 5) >> 1u;
    const unsigned sgCol = (threadIdx.x >> 5) & 1u;
    const unsigned piece = threadIdx.x;
    const unsigned xRow = weft_min(firstRow + (piece >> 3u), rows - 1u);
    const unsigned xFrom = xRow * 32u + (piece & 7u);
    const unsigned xTo = (piece >> 3u) * 40u + (piece & 7u) * 4u;
    const unsigned piece_1 = threadIdx.x + 256u;
    const unsigned xRow_1 = weft_min(firstRow + (piece_1 >> 3u), rows - 1u);
    const unsigned xFrom_1 = xRow_1 * 32u + (piece_1 & 7u);
    const unsigned xTo_1 = (piece_1 >> 3u) * 40u + (piece_1 & 7u) * 4u;
    const unsigned slot = threadIdx.x & 127u;
    const unsigned weightRow = weft_min(firstCol + (slot & 127u), 511u) + (slot >> 7u) * 512u;
    auto acc = weft_matrix_zero();
    auto acc_1 = weft_matrix_zero();
    auto acc_2 = weft_matrix_zero();
    auto acc_3 = weft_matrix_zero();
    float4 ahead = x[xFrom];
    float4 ahead_1 = x[xFrom_1];
    uint4 ahead_2 = weft_stream(&weight[weightRow * 4u]);
    unsigned ahead_3 = unsigned(__ldg(&((const unsigned short*)weightWords)[weightRow * 4u + 16384u]));
    unsigned ahead_4 = unsigned(__ldg(&((const unsigned short*)weightWords)[weightRow * 4u + 18432u]));
#pragma unroll 1
    for (unsigned i = 0u; i < 4u; i += 1u) {
      const float4 now = ahead;
      const float4 now_1 = ahead_1;
      const uint4 now_2 = ahead_2;
      const unsigned now_3 = ahead_3;
      const unsigned now_4 = ahead_4;
      const unsigned next = i + 1u;
      if (next < 4u) {
        ahead = x[xFrom + next * 8u];
        ahead_1 = x[xFrom_1 + next * 8u];
        ahead_2 = weft_stream(&weight[weightRow * 4u + next]);
        ahead_3 = unsigned(__ldg(&((const unsigned short*)weightWords)[weightRow * 4u + next + 16384u]));
        ahead_4 = unsigned(__ldg(&((const unsigned short*)weightWords)[weightRow * 4u + next + 18432u]));
      }
      __syncthreads();
      const float4 rounded = weft_max(weft_min(now, weft_splat(65504.0f)), weft_splat(-65504.0f));
      xs[xTo] = weft_to_f16(rounded.x);
      xs[xTo + 1u] = weft_to_f16(rounded.y);
      xs[xTo + 2u] = weft_to_f16(rounded.z);
      xs[xTo + 3u] = weft_to_f16(rounded.w);
      const float4 rounded_1 = weft_max(weft_min(now_1, weft_splat(65504.0f)), weft_splat(-65504.0f));
      xs[xTo_1] = weft_to_f16(rounded_1.x);
      xs[xTo_1 + 1u] = weft_to_f16(rounded_1.y);
      xs[xTo_1 + 2u] = weft_to_f16(rounded_1.z);
      xs[xTo_1 + 3u] = weft_to_f16(rounded_1.w);
      if (threadIdx.x < 128u) {
        const float scale = weft_f16_bits(now_3);
        const float least = -weft_f16_bits(now_4);
        const unsigned wTo = slot * 40u;
        const float4 rounded_2 = weft_u4x4(now_2.x & 65535u) * weft_splat(scale) - weft_splat(least);
        ws[wTo] = weft_to_f16(rounded_2.x);
        ws[wTo + 1u] = weft_to_f16(rounded_2.y);
        ws[wTo + 2u] = weft_to_f16(rounded_2.z);
        ws[wTo + 3u] = weft_to_f16(rounded_2.w);
        const unsigned wTo_1 = slot * 40u + 4u;
        const float4 rounded_3 = weft_u4x4(now_2.x >> 16u) * weft_splat(scale) - weft_splat(least);
        ws[wTo_1] = weft_to_f16(rounded_3.x);
        ws[wTo_1 + 1u] = weft_to_f16(rounded_3.y);
        ws[wTo_1 + 2u] = weft_to_f16(rounded_3.z);
        ws[wTo_1 + 3u] = weft_to_f16(rounded_3.w);
        const unsigned wTo_2 = slot * 40u + 8u;
        const float4 rounded_4 = weft_u4x4(now_2.y & 65535u) * weft_splat(scale) - weft_splat(least);
        ws[wTo_2] = weft_to_f16(rounded_4.x);
        ws[wTo_2 + 1u] = weft_to_f16(rounded_4.y);
        ws[wTo_2 + 2u] = weft_to_f16(rounded_4.z);
        ws[wTo_2 + 3u] = weft_to_f16(rounded_4.w);
        const unsigned wTo_3 = slot * 40u + 12u;
        const float4 rounded_5 = weft_u4x4(now_2.y >> 16u) * weft_splat(scale) - weft_splat(least);
        ws[wTo_3] = weft_to_f16(rounded_5.x);
        ws[wTo_3 + 1u] = weft_to_f16(rounded_5.y);
        ws[wTo_3 + 2u] = weft_to_f16(rounded_5.z);
        ws[wTo_3 + 3u] = weft_to_f16(rounded_5.w);
        const unsigned wTo_4 = slot * 40u + 16u;
        const float4 rounded_6 = weft_u4x4(now_2.z & 65535u) * weft_splat(scale) - weft_splat(least);
        ws[wTo_4] = weft_to_f16(rounded_6.x);
        ws[wTo_4 + 1u] = weft_to_f16(rounded_6.y);
        ws[wTo_4 + 2u] = weft_to_f16(rounded_6.z);
        ws[wTo_4 + 3u] = weft_to_f16(rounded_6.w);
        const unsigned wTo_5 = slot * 40u + 20u;
        const float4 rounded_7 = weft_u4x4(now_2.z >> 16u) * weft_splat(scale) - weft_splat(least);
        ws[wTo_5] = weft_to_f16(rounded_7.x);
        ws[wTo_5 + 1u] = weft_to_f16(rounded_7.y);
        ws[wTo_5 + 2u] = weft_to_f16(rounded_7.z);
        ws[wTo_5 + 3u] = weft_to_f16(rounded_7.w);
        const unsigned wTo_6 = slot * 40u + 24u;
        const float4 rounded_8 = weft_u4x4(now_2.w & 65535u) * weft_splat(scale) - weft_splat(least);
        ws[wTo_6] = weft_to_f16(rounded_8.x);
        ws[wTo_6 + 1u] = weft_to_f16(rounded_8.y);
        ws[wTo_6 + 2u] = weft_to_f16(rounded_8.z);
        ws[wTo_6 + 3u] = weft_to_f16(rounded_8.w);
        const unsigned wTo_7 = slot * 40u + 28u;
        const float4 rounded_9 = weft_u4x4(now_2.w >> 16u) * weft_splat(scale) - weft_splat(least);
        ws[wTo_7] = weft_to_f16(rounded_9.x);
        ws[wTo_7 + 1u] = weft_to_f16(rounded_9.y);
        ws[wTo_7 + 2u] = weft_to_f16(rounded_9.z);
        ws[wTo_7 + 3u] = weft_to_f16(rounded_9.w);
      }
      __syncthreads();
      const auto a = weft_load_a_row(&xs[sgRow * 16u * 40u], 40u);
      const auto b = weft_load_b_col(&ws[sgCol * 32u * 40u], 40u);
      weft_multiply(acc, a, b);
      const auto b_1 = weft_load_b_col(&ws[(sgCol * 32u + 16u) * 40u], 40u);
      weft_multiply(acc_1, a, b_1);
      const auto b_2 = weft_load_b_col(&ws[(sgCol * 32u + 64u) * 40u], 40u);
      weft_multiply(acc_2, a, b_2);
      const auto b_3 = weft_load_b_col(&ws[(sgCol * 32u + 80u) * 40u], 40u);
      weft_multiply(acc_3, a, b_3);
      const auto a_1 = weft_load_a_row(&xs[sgRow * 16u * 40u + 16u], 40u);
      const auto b_4 = weft_load_b_col(&ws[sgCol * 32u * 40u + 16u], 40u);
      weft_multiply(acc, a_1, b_4);
      const auto b_5 = weft_load_b_col(&ws[(sgCol * 32u + 16u) * 40u + 16u], 40u);
      weft_multiply(acc_1, a_1, b_5);
      const auto b_6 = weft_load_b_col(&ws[(sgCol * 32u + 64u) * 40u + 16u], 40u);
      weft_multiply(acc_2, a_1, b_6);
      const auto b_7 = weft_load_b_col(&ws[(sgCol * 32u + 80u) * 40u + 16u], 40u);
      weft_multiply(acc_3, a_1, b_7);
    }
    const unsigned patch = (threadIdx.x >> 5) * 640u;
    __syncthreads();
    weft_store_c(&patches[patch], 20u, acc);
    weft_store_c(&patches[patch + 320u], 20u, acc_2);
    __syncthreads();
#pragma unroll 1
    for (unsigned e = threadIdx.x & 31u; e < 256u; e += 32u) {
      const unsigned r = e >> 4u;
      const unsigned c = e & 15u;
      const unsigned row = firstRow + sgRow * 16u + r;
      const unsigned patchAt = patch + r * 20u + c;
      const float first = patches[patchAt];
      const float second = patches[patchAt + 320u];
      if (row < rows) {
        const unsigned own = sgCol * 32u + c;
        const unsigned col = firstCol + own;
        if (col < 512u) {
          const unsigned to = row * 512u + col;
          out[to] = first;
        }
        const unsigned col_1 = firstCol + own + 64u;
        if (col_1 < 512u) {
          const unsigned to_1 = row * 512u + col_1;
          out[to_1] = second;
        }
      }
    }
    __syncthreads();
    weft_store_c(&patches[patch], 20u, acc_1);
    weft_store_c(&patches[patch + 320u], 20u, acc_3);
    __syncthreads();
#pragma unroll 1
    for (unsigned e_1 = threadIdx.x & 31u; e_1 < 256u; e_1 += 32u) {
      const unsigned r_1 = e_1 >> 4u;
      const unsigned c_1 = e_1 & 15u;
      const unsigned row_1 = firstRow + sgRow * 16u + r_1;
      const unsigned patchAt_1 = patch + r_1 * 20u + c_1;
      const float first_1 = patches[patchAt_1];
      const float second_1 = patches[patchAt_1 + 320u];
      if (row_1 < rows) {
        const unsigned own_1 = sgCol * 32u + 16u + c_1;
        const unsigned col_2 = firstCol + own_1;
        if (col_2 < 512u) {
          const unsigned to_2 = row_1 * 512u + col_2;
          out[to_2] = first_1;
        }
        const unsigned col_3 = firstCol + own_1 + 64u;
        if (col_3 < 512u) {
          const unsigned to_3 = row_1 * 512u + col_3;
          out[to_3] = second_1;
        }
      }
    }
  }
}
