// rows.plain { threads: 128 }
extern "C" __global__ void __launch_bounds__(128) rows_plain(const float* x, float* out, const unsigned* state) {
  weft_await_launches();
  const unsigned row = blockIdx.x;
  const unsigned col = threadIdx.x;
  const unsigned at = row * 128u + col;
  out[at] = x[state[row + 1088u] * 128u + col];
}
