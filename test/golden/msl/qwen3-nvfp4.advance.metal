// advance
[[max_total_threads_per_threadgroup(1)]]
kernel void advance(
  device uint* state [[buffer(0)]],
  device const uint* next [[buffer(1)]]) {
  const uint step = state[2u];
#pragma unroll 1
  for (uint row = 0u; row < 1u; row += 1u) {
    const uint id = next[row];
    const uint position = state[row + 320u] + 1u;
    const uint sequence = state[row + 576u];
    const uint page = weft_min(position >> 8u, 15u);
    state[((step + row) & 4095u) + 1344u] = id;
    state[row + 64u] = id;
    state[row + 320u] = position;
    state[row + 832u] = state[sequence * 16u + page + 5440u] * 256u + (position & 255u);
  }
  state[2u] = step + 1u;
}
