// rmsNorm.rows { threads: 128 }
extern "C" __global__ void __launch_bounds__(128) rmsNorm_rows_2(const float4* x, const float4* __restrict__ weight, float4* out, const unsigned* state) {
  __shared__ __align__(32) float parts[4];
  weft_await_launches();
  if (blockIdx.x < state[0u]) {
    const unsigned first = blockIdx.x * 32u;
    float squares = 0.0f;
#pragma unroll 1
    for (unsigned i = threadIdx.x; i < 32u; i += 128u) {
      const float4 v = x[first + i];
      squares = squares + weft_dot4(v, v);
    }
    const float own = weft_subgroup_add(squares);
    if ((threadIdx.x & 31u) == 0u) {
      parts[threadIdx.x >> 5u] = own;
    }
    __syncthreads();
    const float total = parts[0u] + parts[1u] + parts[2u] + parts[3u];
    const float factor = rsqrtf(total * 0.0078125f + 9.999999974752427e-7f);
#pragma unroll 1
    for (unsigned i_1 = threadIdx.x; i_1 < 32u; i_1 += 128u) {
      const unsigned at = first + i_1;
      out[at] = x[at] * weft_splat(factor) * __ldg(&weight[i_1]);
    }
  }
}
