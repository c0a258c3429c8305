// kvAppend.plain { threads: 128 }
extern "C" __global__ void __launch_bounds__(128) kvAppend_plain_2(const float* x, unsigned short* cache, const unsigned* state) {
  weft_await_launches();
  if (blockIdx.x < state[0u]) {
    const unsigned row = blockIdx.x;
    const unsigned col = threadIdx.x;
    if (col < 64u) {
      const unsigned at = row * 64u + col;
      cache[state[row + 832u] * 64u + col] = weft_to_f16(x[at]);
    }
  }
}
