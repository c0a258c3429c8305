// qkvHeads.heads { threads: 32 }
[[max_total_threads_per_threadgroup(32)]]
kernel void qkvHeads_heads(
  device const float* x [[buffer(0)]],
  device const float* table [[buffer(1)]],
  device const float* qNorm [[buffer(2)]],
  device const float* kNorm [[buffer(3)]],
  device float* out [[buffer(4)]],
  device half* k [[buffer(5)]],
  device half* v [[buffer(6)]],
  device const uint* state [[buffer(7)]],
  uint weft_tile [[threadgroup_position_in_grid]],
  uint weft_local [[thread_index_in_threadgroup]]) {
  const uint row = weft_tile >> 3u;
  const uint head = weft_tile & 7u;
  const uint from = row * 256u + head * 32u;
  const uint position = state[row + 320u];
  const uint slot = state[row + 832u];
  if (head < 4u) {
    float squares = 0.0f;
#pragma unroll 1
    for (uint i = weft_local; i < 32u; i += 32u) {
      const float v_1 = x[from + i];
      squares = weft_fma(v_1, v_1, squares);
    }
    const float own = weft_subgroup_add(squares);
    const float factor = weft_rsqrt(own * 0.03125f + 9.999999974752427e-7f);
#pragma unroll 1
    for (uint i_1 = weft_local; i_1 < 16u; i_1 += 32u) {
      const float value = x[from + i_1] * factor * qNorm[i_1];
      const float value_1 = x[from + (i_1 + 16u)] * factor * qNorm[i_1 + 16u];
      const uint low = ((position & 255u) * 16u + i_1) * 2u;
      const uint high = (((position >> 8u) + 256u) * 16u + i_1) * 2u;
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
      for (uint i_2 = weft_local; i_2 < 32u; i_2 += 32u) {
        const float v_2 = x[from + i_2];
        squares_1 = weft_fma(v_2, v_2, squares_1);
      }
      const float own_1 = weft_subgroup_add(squares_1);
      const float factor_1 = weft_rsqrt(own_1 * 0.03125f + 9.999999974752427e-7f);
#pragma unroll 1
      for (uint i_3 = weft_local; i_3 < 16u; i_3 += 32u) {
        const float value_2 = x[from + i_3] * factor_1 * kNorm[i_3];
        const float value_3 = x[from + (i_3 + 16u)] * factor_1 * kNorm[i_3 + 16u];
        const uint low_1 = ((position & 255u) * 16u + i_3) * 2u;
        const uint high_1 = (((position >> 8u) + 256u) * 16u + i_3) * 2u;
        const float c0_1 = table[low_1];
        const float s0_1 = table[low_1 + 1u];
        const float c1_1 = table[high_1];
        const float s1_1 = table[high_1 + 1u];
        const float cos_1 = c1_1 * c0_1 - s1_1 * s0_1;
        const float sin_1 = s1_1 * c0_1 + c1_1 * s0_1;
        k[(slot * 2u + (head - 4u)) * 32u + i_3] = half(value_2 * cos_1 - value_3 * sin_1);
        k[(slot * 2u + (head - 4u)) * 32u + (i_3 + 16u)] = half(value_3 * cos_1 + value_2 * sin_1);
      }
    } else {
#pragma unroll 1
      for (uint i_4 = weft_local; i_4 < 32u; i_4 += 32u) {
        v[(slot * 2u + (head - 6u)) * 32u + i_4] = half(x[from + i_4]);
      }
    }
  }
}
