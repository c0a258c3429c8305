// kvAppend.plain { threads: 128 }
extern "C" __global__ void __launch_bounds__(128) kvAppend_plain(const float* x, unsigned short* cache, const unsigned* state) {
  weft_await_launches();
  const unsigned row = blockIdx.x;
  const unsigned col = threadIdx.x;
  if (col < 64u) {
    const unsigned at = row * 64u + col;
    cache[state[row + 832u] * 64u + col] = weft_to_f16(x[at]);
  }
}
