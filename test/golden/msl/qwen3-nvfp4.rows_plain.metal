// rows.plain { threads: 128 }
[[max_total_threads_per_threadgroup(128)]]
kernel void rows_plain(
  device const float* x [[buffer(0)]],
  device float* out [[buffer(1)]],
  device const uint* state [[buffer(2)]],
  uint weft_tile [[threadgroup_position_in_grid]],
  uint weft_local [[thread_index_in_threadgroup]]) {
  const uint row = weft_tile;
  const uint col = weft_local;
  const uint at = row * 128u + col;
  out[at] = x[state[row + 1088u] * 128u + col];
}
