// rope.plain { threads: 64 }
extern "C" __global__ void __launch_bounds__(64) rope_plain_3(const float* x, const float* __restrict__ table, float* out, const unsigned* state) {
  weft_await_launches();
  if (blockIdx.x < state[0u]) {
    const unsigned row = blockIdx.x;
    const unsigned col = threadIdx.x;
    const unsigned at = row * 64u + col;
    const unsigned pair = col & 15u;
    const unsigned pairAt = (row * 4u + (col >> 4u)) * 32u + pair;
    const unsigned position = state[row + 320u];
    const unsigned low = ((position & 255u) * 16u + pair) * 2u;
    const unsigned high = (((position >> 8u) + 256u) * 16u + pair) * 2u;
    const float c0 = __ldg(&table[low]);
    const float s0 = __ldg(&table[low + 1u]);
    const float c1 = __ldg(&table[high]);
    const float s1 = __ldg(&table[high + 1u]);
    const float cos = c1 * c0 - s1 * s0;
    const float sin = s1 * c0 + c1 * s0;
    const float a = x[pairAt];
    const float b = x[pairAt + 16u];
    out[pairAt] = a * cos - b * sin;
    out[pairAt + 16u] = b * cos + a * sin;
  }
}
