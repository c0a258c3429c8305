// argmax.join
extern "C" __global__ void __launch_bounds__(64) argmax_join(const float* best, unsigned* out) {
  __shared__ __align__(32) float values[64];
  __shared__ __align__(32) unsigned ids[64];
  weft_await_launches();
  float top = -3.4028234663852886e+38f;
  unsigned id = 512u;
#pragma unroll 1
  for (unsigned c = threadIdx.x; c < 1u; c += 64u) {
    const unsigned at = (blockIdx.x + c) * 2u;
    const float v = best[at];
    const unsigned i = __float2uint_rz(best[at + 1u]);
    if (v > top || (v == top && i < id)) {
      top = v;
      id = i;
    }
  }
  values[threadIdx.x] = top;
  ids[threadIdx.x] = id;
  __syncthreads();
  if (threadIdx.x < 32u) {
    const float v_1 = values[threadIdx.x + 32u];
    const unsigned i_1 = ids[threadIdx.x + 32u];
    if (v_1 > values[threadIdx.x] || (v_1 == values[threadIdx.x] && i_1 < ids[threadIdx.x])) {
      values[threadIdx.x] = v_1;
      ids[threadIdx.x] = i_1;
    }
  }
  __syncthreads();
  if (threadIdx.x < 16u) {
    const float v_2 = values[threadIdx.x + 16u];
    const unsigned i_2 = ids[threadIdx.x + 16u];
    if (v_2 > values[threadIdx.x] || (v_2 == values[threadIdx.x] && i_2 < ids[threadIdx.x])) {
      values[threadIdx.x] = v_2;
      ids[threadIdx.x] = i_2;
    }
  }
  __syncthreads();
  if (threadIdx.x < 8u) {
    const float v_3 = values[threadIdx.x + 8u];
    const unsigned i_3 = ids[threadIdx.x + 8u];
    if (v_3 > values[threadIdx.x] || (v_3 == values[threadIdx.x] && i_3 < ids[threadIdx.x])) {
      values[threadIdx.x] = v_3;
      ids[threadIdx.x] = i_3;
    }
  }
  __syncthreads();
  if (threadIdx.x < 4u) {
    const float v_4 = values[threadIdx.x + 4u];
    const unsigned i_4 = ids[threadIdx.x + 4u];
    if (v_4 > values[threadIdx.x] || (v_4 == values[threadIdx.x] && i_4 < ids[threadIdx.x])) {
      values[threadIdx.x] = v_4;
      ids[threadIdx.x] = i_4;
    }
  }
  __syncthreads();
  if (threadIdx.x < 2u) {
    const float v_5 = values[threadIdx.x + 2u];
    const unsigned i_5 = ids[threadIdx.x + 2u];
    if (v_5 > values[threadIdx.x] || (v_5 == values[threadIdx.x] && i_5 < ids[threadIdx.x])) {
      values[threadIdx.x] = v_5;
      ids[threadIdx.x] = i_5;
    }
  }
  __syncthreads();
  if (threadIdx.x < 1u) {
    const float v_6 = values[threadIdx.x + 1u];
    const unsigned i_6 = ids[threadIdx.x + 1u];
    if (v_6 > values[threadIdx.x] || (v_6 == values[threadIdx.x] && i_6 < ids[threadIdx.x])) {
      values[threadIdx.x] = v_6;
      ids[threadIdx.x] = i_6;
    }
  }
  __syncthreads();
  if (threadIdx.x == 0u) {
    out[blockIdx.x] = ids[0u];
  }
}
