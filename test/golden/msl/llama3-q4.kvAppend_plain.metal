// kvAppend.plain { threads: 128 }
[[max_total_threads_per_threadgroup(128)]]
kernel void kvAppend_plain(
  device const float* x [[buffer(0)]],
  device half* cache [[buffer(1)]],
  device const uint* state [[buffer(2)]],
  uint weft_tile [[threadgroup_position_in_grid]],
  uint weft_local [[thread_index_in_threadgroup]]) {
  const uint row = weft_tile;
  const uint col = weft_local;
  if (col < 64u) {
    const uint at = row * 64u + col;
    cache[state[row + 832u] * 64u + col] = half(x[at]);
  }
}
