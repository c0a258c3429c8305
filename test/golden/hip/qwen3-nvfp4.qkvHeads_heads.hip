// qkvHeads.heads { threads: 32 }
extern "C" __global__ void __launch_bounds__(32) qkvHeads_heads(const float* x, const float* __restrict__ table, const float* __restrict__ qNorm, const float* __restrict__ kNorm, float* out, _Float16* k, _Float16* v, const unsigned* state) {
  __shared__ __attribute__((aligned(32))) float parts[32];
  __shared__ __attribute__((aligned(32))) float parts_1[32];
  const unsigned row = __builtin_amdgcn_workgroup_id_x() >> 3u;
  const unsigned head = __builtin_amdgcn_workgroup_id_x() & 7u;
  const unsigned from = row * 256u + head * 32u;
  const unsigned position = state[row + 320u];
  const unsigned slot = state[row + 832u];
  if (head < 4u) {
    float squares = 0.0f;
#pragma unroll 1
    for (unsigned i = __builtin_amdgcn_workitem_id_x(); i < 32u; i += 32u) {
      const float v_1 = x[from + i];
      squares = weft_fma(v_1, v_1, squares);
    }
    parts[__builtin_amdgcn_workitem_id_x()] = squares;
    weft_barrier();
#pragma unroll 1
    for (unsigned level = 0u; level < 5u; level += 1u) {
      const unsigned half = 16u >> level;
      if (__builtin_amdgcn_workitem_id_x() < half) {
        parts[__builtin_amdgcn_workitem_id_x()] = parts[__builtin_amdgcn_workitem_id_x()] + parts[__builtin_amdgcn_workitem_id_x() + half];
      }
      weft_barrier();
    }
    const float total = parts[0u];
    const float factor = weft_rsqrt(total * 0.03125f + 9.999999974752427e-7f);
#pragma unroll 1
    for (unsigned i_1 = __builtin_amdgcn_workitem_id_x(); i_1 < 16u; i_1 += 32u) {
      const float value = x[from + i_1] * factor * qNorm[i_1];
      const float value_1 = x[from + (i_1 + 16u)] * factor * qNorm[i_1 + 16u];
      const unsigned low = ((position & 255u) * 16u + i_1) * 2u;
      const unsigned high = (((position >> 8u) + 256u) * 16u + i_1) * 2u;
      const float c0 = table[low];
      const float s0 = table[low + 1u];
      const float c1 = table[high];
      const float s1 = table[high + 1u];
      const float cos = c1 * c0 - s1 * s0;
      const float sin = s1 * c0 + c1 * s0;
      out[(row * 4u + head) * 32u + i_1] = value * cos - value_1 * sin;
      out[(row * 4u + head) * 32u + (i_1 + 16u)] = value_1 * cos + value * sin;
    }
  } else {
    if (head < 6u) {
      float squares_1 = 0.0f;
#pragma unroll 1
      for (unsigned i_2 = __builtin_amdgcn_workitem_id_x(); i_2 < 32u; i_2 += 32u) {
        const float v_2 = x[from + i_2];
        squares_1 = weft_fma(v_2, v_2, squares_1);
      }
      parts_1[__builtin_amdgcn_workitem_id_x()] = squares_1;
      weft_barrier();
#pragma unroll 1
      for (unsigned level_1 = 0u; level_1 < 5u; level_1 += 1u) {
        const unsigned half_1 = 16u >> level_1;
        if (__builtin_amdgcn_workitem_id_x() < half_1) {
          parts_1[__builtin_amdgcn_workitem_id_x()] = parts_1[__builtin_amdgcn_workitem_id_x()] + parts_1[__builtin_amdgcn_workitem_id_x() + half_1];
        }
        weft_barrier();
      }
      const float total_1 = parts_1[0u];
      const float factor_1 = weft_rsqrt(total_1 * 0.03125f + 9.999999974752427e-7f);
#pragma unroll 1
      for (unsigned i_3 = __builtin_amdgcn_workitem_id_x(); i_3 < 16u; i_3 += 32u) {
        const float value_2 = x[from + i_3] * factor_1 * kNorm[i_3];
        const float value_3 = x[from + (i_3 + 16u)] * factor_1 * kNorm[i_3 + 16u];
        const unsigned low_1 = ((position & 255u) * 16u + i_3) * 2u;
        const unsigned high_1 = (((position >> 8u) + 256u) * 16u + i_3) * 2u;
        const float c0_1 = table[low_1];
        const float s0_1 = table[low_1 + 1u];
        const float c1_1 = table[high_1];
        const float s1_1 = table[high_1 + 1u];
        const float cos_1 = c1_1 * c0_1 - s1_1 * s0_1;
        const float sin_1 = s1_1 * c0_1 + c1_1 * s0_1;
        k[(slot * 2u + (head - 4u)) * 32u + i_3] = _Float16(value_2 * cos_1 - value_3 * sin_1);
        k[(slot * 2u + (head - 4u)) * 32u + (i_3 + 16u)] = _Float16(value_3 * cos_1 + value_2 * sin_1);
      }
    } else {
#pragma unroll 1
      for (unsigned i_4 = __builtin_amdgcn_workitem_id_x(); i_4 < 32u; i_4 += 32u) {
        v[(slot * 2u + (head - 6u)) * 32u + i_4] = _Float16(x[from + i_4]);
      }
    }
  }
}
