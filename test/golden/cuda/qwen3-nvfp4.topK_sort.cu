// topK.sort { threads: 256 }
extern "C" __global__ void __launch_bounds__(256) topK_sort(const float* from, float* to) {
  __shared__ __align__(32) float values[1024];
  __shared__ __align__(32) unsigned ids[1024];
  weft_await_launches();
  const unsigned row = blockIdx.x;
#pragma unroll 1
  for (unsigned i = threadIdx.x; i < 1024u; i += 256u) {
    float v = -3.4028234663852886e+38f;
    unsigned id = 16777215u;
    if (i < 512u) {
      const float logit = from[row * 512u + i];
      v = ((__float_as_uint(logit) & 2147483647u) >= 2139095040u) ? 3.4028234663852886e+38f : logit;
      id = i;
    }
    values[i] = v;
    ids[i] = id;
  }
#pragma unroll 1
  for (unsigned level = 1u; level < 11u; level += 1u) {
#pragma unroll 1
    for (unsigned pass = 0u; pass < level; pass += 1u) {
      const unsigned shift = (level - 1u) - pass;
      const unsigned gap = 1u << shift;
      __syncthreads();
#pragma unroll 1
      for (unsigned n = threadIdx.x; n < 512u; n += 256u) {
        const unsigned a = ((n >> shift) << (shift + 1u)) + (n & (gap - 1u));
        const unsigned b = a + gap;
        const float va = values[a];
        const float vb = values[b];
        const unsigned ia = ids[a];
        const unsigned ib = ids[b];
        if ((((a >> level) & 1u) == 0u && (vb > va || (vb == va && ib < ia))) || (!(((a >> level) & 1u) == 0u) && (va > vb || (va == vb && ia < ib)))) {
          values[a] = vb;
          values[b] = va;
          ids[a] = ib;
          ids[b] = ia;
        }
      }
    }
  }
  __syncthreads();
#pragma unroll 1
  for (unsigned i_1 = threadIdx.x; i_1 < 256u; i_1 += 256u) {
    const unsigned to_1 = blockIdx.x * 512u + i_1;
    to[to_1] = values[i_1];
    to[to_1 + 256u] = float(ids[i_1]);
  }
}
