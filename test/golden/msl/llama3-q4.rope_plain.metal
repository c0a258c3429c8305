// rope.plain { threads: 64 }
[[max_total_threads_per_threadgroup(64)]]
kernel void rope_plain(
  device const float* x [[buffer(0)]],
  device const float* table [[buffer(1)]],
  device float* out [[buffer(2)]],
  device const uint* state [[buffer(3)]],
  uint weft_tile [[threadgroup_position_in_grid]],
  uint weft_local [[thread_index_in_threadgroup]]) {
  const uint row = weft_tile;
  const uint col = weft_local;
  const uint at = row * 64u + col;
  const uint pair = col & 15u;
  const uint pairAt = (row * 4u + (col >> 4u)) * 32u + pair;
  const uint position = state[row + 320u];
  const uint low = ((position & 255u) * 16u + pair) * 2u;
  const uint high = (((position >> 8u) + 256u) * 16u + pair) * 2u;
  const float c0 = table[low];
  const float s0 = table[low + 1u];
  const float c1 = table[high];
  const float s1 = table[high + 1u];
  const float cos = c1 * c0 - s1 * s0;
  const float sin = s1 * c0 + c1 * s0;
  const float a = x[pairAt];
  const float b = x[pairAt + 16u];
  out[pairAt] = a * cos - b * sin;
  out[pairAt + 16u] = b * cos + a * sin;
}
