// attention.join { threads: 8 }
extern "C" __global__ void __launch_bounds__(8) attention_join(const float4* part, float4* out, const unsigned* state) {
  const unsigned row = blockIdx.x >> 2u;
  const unsigned position = state[row + 320u];
  const unsigned parts = weft_min((position >> 7u) + 1u, 32u);
  const unsigned base = blockIdx.x * 32u;
  float top = -3.4028234663852886e+38f;
  float sum = 0.0f;
  float4 acc = weft_splat(0.0f);
#pragma unroll 8
  for (unsigned page = 0u; page < parts; page += 1u) {
    const unsigned at = (base + page) * 9u;
    const float4 figures = part[at + 8u];
    const float next = weft_max(top, figures.x);
    const float before = expf(top - next);
    const float now = expf(figures.x - next);
    acc = acc * weft_splat(before) + part[at + threadIdx.x] * weft_splat(now);
    sum = sum * before + figures.y * now;
    top = next;
  }
  out[blockIdx.x * 8u + threadIdx.x] = acc * weft_splat(1.0f / sum);
}
