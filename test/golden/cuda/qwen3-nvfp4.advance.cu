// advance
extern "C" __global__ void __launch_bounds__(1) advance(unsigned* state, const unsigned* next) {
  weft_await_launches();
  const unsigned step = state[2u];
#pragma unroll 1
  for (unsigned row = 0u; row < 1u; row += 1u) {
    const unsigned id = next[row];
    const unsigned position = state[row + 320u] + 1u;
    const unsigned sequence = state[row + 576u];
    const unsigned page = weft_min(position >> 8u, 15u);
    state[((step + row) & 4095u) + 1344u] = id;
    state[row + 64u] = id;
    state[row + 320u] = position;
    state[row + 832u] = state[sequence * 16u + page + 5440u] * 256u + (position & 255u);
  }
  state[2u] = step + 1u;
}
