// attention.join { threads: 8 }
[[max_total_threads_per_threadgroup(8)]]
kernel void attention_join(
  device const float4* part [[buffer(0)]],
  device float4* out [[buffer(1)]],
  device const uint* state [[buffer(2)]],
  uint weft_tile [[threadgroup_position_in_grid]],
  uint weft_local [[thread_index_in_threadgroup]]) {
  const uint row = weft_tile >> 2u;
  const uint position = state[row + 320u];
  const uint parts = weft_min((position >> 7u) + 1u, 32u);
  const uint base = weft_tile * 32u;
  float top = -3.4028234663852886e+38f;
  float sum = 0.0f;
  float4 acc = float4(0.0f);
#pragma unroll 8
  for (uint page = 0u; page < parts; page += 1u) {
    const uint at = (base + page) * 9u;
    const float4 figures = part[at + 8u];
    const float next = weft_max(top, figures.x);
    const float before = weft_exp(top - next);
    const float now = weft_exp(figures.x - next);
    acc = acc * float4(before) + part[at + weft_local] * float4(now);
    sum = sum * before + figures.y * now;
    top = next;
  }
  out[weft_tile * 8u + weft_local] = acc * float4(1.0f / sum);
}
