// qkvHeads.heads { threads: 32 }
extern "C" __global__ void __launch_bounds__(32) qkvHeads_heads(const float* x, const float* __restrict__ table, const float* __restrict__ qNorm, const float* __restrict__ kNorm, float* out, unsigned short* k, unsigned short* v, const unsigned* state) {
  weft_await_launches();
  const unsigned row = blockIdx.x >> 3u;
  const unsigned head = blockIdx.x & 7u;
  const unsigned from = row * 256u + head * 32u;
  const unsigned position = state[row + 320u];
  const unsigned slot = state[row + 832u];
  if (head < 4u) {
    float squares = 0.0f;
#pragma unroll 1
    for (unsigned i = threadIdx.x; i < 32u; i += 32u) {
      const float v_1 = x[from + i];
      squares = weft_fma(v_1, v_1, squares);
    }
    const float own = weft_subgroup_add(squares);
    const float factor = rsqrtf(own * 0.03125f + 9.999999974752427e-7f);
#pragma unroll 1
    for (unsigned i_1 = threadIdx.x; i_1 < 16u; i_1 += 32u) {
      const float value = x[from + i_1] * factor * __ldg(&qNorm[i_1]);
      const float value_1 = x[from + (i_1 + 16u)] * factor * __ldg(&qNorm[i_1 + 16u]);
      const unsigned low = ((position & 255u) * 16u + i_1) * 2u;
      const unsigned high = (((position >> 8u) + 256u) * 16u + i_1) * 2u;
      const float c0 = __ldg(&table[low]);
      const float s0 = __ldg(&table[low + 1u]);
      const float c1 = __ldg(&table[high]);
      const float s1 = __ldg(&table[high + 1u]);
      const float cos = c1 * c0 - s1 * s0;
      const float sin = s1 * c0 + c1 * s0;
      out[(row * 4u + head) * 32u + i_1] = value * cos - value_1 * sin;
      out[(row * 4u + head) * 32u + (i_1 + 16u)] = value_1 * cos + value * sin;
    }
  } else {
    if (head < 6u) {
      float squares_1 = 0.0f;
#pragma unroll 1
      for (unsigned i_2 = threadIdx.x; i_2 < 32u; i_2 += 32u) {
        const float v_2 = x[from + i_2];
        squares_1 = weft_fma(v_2, v_2, squares_1);
      }
      const float own_1 = weft_subgroup_add(squares_1);
      const float factor_1 = rsqrtf(own_1 * 0.03125f + 9.999999974752427e-7f);
#pragma unroll 1
      for (unsigned i_3 = threadIdx.x; i_3 < 16u; i_3 += 32u) {
        const float value_2 = x[from + i_3] * factor_1 * __ldg(&kNorm[i_3]);
        const float value_3 = x[from + (i_3 + 16u)] * factor_1 * __ldg(&kNorm[i_3 + 16u]);
        const unsigned low_1 = ((position & 255u) * 16u + i_3) * 2u;
        const unsigned high_1 = (((position >> 8u) + 256u) * 16u + i_3) * 2u;
        const float c0_1 = __ldg(&table[low_1]);
        const float s0_1 = __ldg(&table[low_1 + 1u]);
        const float c1_1 = __ldg(&table[high_1]);
        const float s1_1 = __ldg(&table[high_1 + 1u]);
        const float cos_1 = c1_1 * c0_1 - s1_1 * s0_1;
        const float sin_1 = s1_1 * c0_1 + c1_1 * s0_1;
        k[(slot * 2u + (head - 4u)) * 32u + i_3] = weft_to_f16(value_2 * cos_1 - value_3 * sin_1);
        k[(slot * 2u + (head - 4u)) * 32u + (i_3 + 16u)] = weft_to_f16(value_3 * cos_1 + value_2 * sin_1);
      }
    } else {
#pragma unroll 1
      for (unsigned i_4 = threadIdx.x; i_4 < 32u; i_4 += 32u) {
        v[(slot * 2u + (head - 6u)) * 32u + i_4] = weft_to_f16(x[from + i_4]);
      }
    }
  }
}
