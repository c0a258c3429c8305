// argmax.chunks { threads: 256, perThread: 8 }
extern "C" __global__ void __launch_bounds__(256) argmax_chunks(const float* logits, float* best) {
  __shared__ __align__(32) float values[256];
  __shared__ __align__(32) unsigned ids[256];
  weft_await_launches();
  const unsigned row = blockIdx.x;
  float top = -3.4028234663852886e+38f;
  unsigned id = 0u;
#pragma unroll 1
  for (unsigned i = threadIdx.x; i < weft_min(2048u, 512u); i += 256u) {
    const float v = logits[row * 512u + i];
    if ((__float_as_uint(v) & 2147483647u) >= 2139095040u) {
      top = 3.4028234663852886e+38f;
      id = 512u;
    } else {
      if (v > top && id != 512u) {
        top = v;
        id = i;
      }
    }
  }
  values[threadIdx.x] = top;
  ids[threadIdx.x] = id;
  __syncthreads();
  if (threadIdx.x < 128u) {
    const float v_1 = values[threadIdx.x + 128u];
    const unsigned i_1 = ids[threadIdx.x + 128u];
    if (v_1 > values[threadIdx.x] || (v_1 == values[threadIdx.x] && i_1 < ids[threadIdx.x])) {
      values[threadIdx.x] = v_1;
      ids[threadIdx.x] = i_1;
    }
  }
  __syncthreads();
  if (threadIdx.x < 64u) {
    const float v_2 = values[threadIdx.x + 64u];
    const unsigned i_2 = ids[threadIdx.x + 64u];
    if (v_2 > values[threadIdx.x] || (v_2 == values[threadIdx.x] && i_2 < ids[threadIdx.x])) {
      values[threadIdx.x] = v_2;
      ids[threadIdx.x] = i_2;
    }
  }
  __syncthreads();
  if (threadIdx.x < 32u) {
    const float v_3 = values[threadIdx.x + 32u];
    const unsigned i_3 = ids[threadIdx.x + 32u];
    if (v_3 > values[threadIdx.x] || (v_3 == values[threadIdx.x] && i_3 < ids[threadIdx.x])) {
      values[threadIdx.x] = v_3;
      ids[threadIdx.x] = i_3;
    }
  }
  __syncthreads();
  if (threadIdx.x < 16u) {
    const float v_4 = values[threadIdx.x + 16u];
    const unsigned i_4 = ids[threadIdx.x + 16u];
    if (v_4 > values[threadIdx.x] || (v_4 == values[threadIdx.x] && i_4 < ids[threadIdx.x])) {
      values[threadIdx.x] = v_4;
      ids[threadIdx.x] = i_4;
    }
  }
  __syncthreads();
  if (threadIdx.x < 8u) {
    const float v_5 = values[threadIdx.x + 8u];
    const unsigned i_5 = ids[threadIdx.x + 8u];
    if (v_5 > values[threadIdx.x] || (v_5 == values[threadIdx.x] && i_5 < ids[threadIdx.x])) {
      values[threadIdx.x] = v_5;
      ids[threadIdx.x] = i_5;
    }
  }
  __syncthreads();
  if (threadIdx.x < 4u) {
    const float v_6 = values[threadIdx.x + 4u];
    const unsigned i_6 = ids[threadIdx.x + 4u];
    if (v_6 > values[threadIdx.x] || (v_6 == values[threadIdx.x] && i_6 < ids[threadIdx.x])) {
      values[threadIdx.x] = v_6;
      ids[threadIdx.x] = i_6;
    }
  }
  __syncthreads();
  if (threadIdx.x < 2u) {
    const float v_7 = values[threadIdx.x + 2u];
    const unsigned i_7 = ids[threadIdx.x + 2u];
    if (v_7 > values[threadIdx.x] || (v_7 == values[threadIdx.x] && i_7 < ids[threadIdx.x])) {
      values[threadIdx.x] = v_7;
      ids[threadIdx.x] = i_7;
    }
  }
  __syncthreads();
  if (threadIdx.x < 1u) {
    const float v_8 = values[threadIdx.x + 1u];
    const unsigned i_8 = ids[threadIdx.x + 1u];
    if (v_8 > values[threadIdx.x] || (v_8 == values[threadIdx.x] && i_8 < ids[threadIdx.x])) {
      values[threadIdx.x] = v_8;
      ids[threadIdx.x] = i_8;
    }
  }
  __syncthreads();
  if (threadIdx.x == 0u) {
    best[blockIdx.x * 2u] = values[0u];
    best[blockIdx.x * 2u + 1u] = float(ids[0u]);
  }
}
