// rmsNorm.rows { threads: 128 }
[[max_total_threads_per_threadgroup(128)]]
kernel void rmsNorm_rows(
  device const float4* x [[buffer(0)]],
  device const float4* weight [[buffer(1)]],
  device float4* out [[buffer(2)]],
  device const uint* state [[buffer(3)]],
  uint weft_tile [[threadgroup_position_in_grid]],
  uint weft_local [[thread_index_in_threadgroup]]) {
  threadgroup float parts[4];
  if (weft_tile < state[0u]) {
    const uint first = weft_tile * 32u;
    float squares = 0.0f;
#pragma unroll 1
    for (uint i = weft_local; i < 32u; i += 128u) {
      const float4 v = x[first + i];
      squares = squares + weft_dot4(v, v);
    }
    const float own = weft_subgroup_add(squares);
    if ((weft_local & 31u) == 0u) {
      parts[weft_local >> 5u] = own;
    }
    threadgroup_barrier(mem_flags::mem_threadgroup | mem_flags::mem_device);
    const float total = parts[0u] + parts[1u] + parts[2u] + parts[3u];
    const float factor = weft_rsqrt(total * 0.0078125f + 9.999999974752427e-7f);
#pragma unroll 1
    for (uint i_1 = weft_local; i_1 < 32u; i_1 += 128u) {
      const uint at = first + i_1;
      out[at] = x[at] * float4(factor) * weight[i_1];
    }
  }
}
