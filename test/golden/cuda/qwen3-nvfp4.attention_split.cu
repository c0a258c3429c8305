// attention.split { threads: 128, splits: 16 }
extern "C" __global__ void __launch_bounds__(128) attention_split(const float4* q, const uint2* k, const uint2* v, float4* part, const unsigned* state) {
  __shared__ __align__(32) float4 query[8];
  __shared__ __align__(32) float weights[256];
  __shared__ __align__(32) float4 partial[128];
  __shared__ __align__(32) float parts[4];
  __shared__ __align__(32) float parts_1[4];
  const unsigned rowHead = blockIdx.x >> 4u;
  const unsigned row = rowHead >> 2u;
  const unsigned head = rowHead & 3u;
  const unsigned position = state[row + 320u];
  if (threadIdx.x < 8u) {
    query[threadIdx.x] = q[rowHead * 8u + threadIdx.x] * weft_splat(0.1767766922712326f);
  }
#pragma unroll 1
  for (unsigned page = blockIdx.x & 15u; page < (position >> 8u) + 1u; page += 16u) {
    const unsigned first = page * 256u;
    const unsigned slot = state[state[row + 576u] * 16u + page + 5440u] * 256u;
    const unsigned partAt = (rowHead * 16u + page) * 9u;
    __syncthreads();
    float most = -3.4028234663852886e+38f;
    const unsigned kvHead = head >> 1u;
#pragma unroll 1
    for (unsigned j = threadIdx.x; j < 256u; j += 128u) {
      float score = -3.4028234663852886e+38f;
      const unsigned at = first + j;
      if (at <= position && at >= 0u) {
        const unsigned from = ((slot + j) * 2u + kvHead) * 8u;
        float dot = 0.0f;
#pragma unroll 8
        for (unsigned d = 0u; d < 8u; d += 1u) {
          dot = dot + weft_dot4(query[d], weft_f16x4(k[from + d]));
        }
        score = dot;
      }
      weights[j] = score;
      most = weft_max(most, score);
    }
    const float own = weft_subgroup_max(most);
    if ((threadIdx.x & 31u) == 0u) {
      parts[threadIdx.x >> 5u] = own;
    }
    __syncthreads();
    const float total = weft_max(weft_max(weft_max(parts[0u], parts[1u]), parts[2u]), parts[3u]);
    __syncthreads();
    float own_1 = 0.0f;
#pragma unroll 1
    for (unsigned j_1 = threadIdx.x; j_1 < 256u; j_1 += 128u) {
      const float s = weights[j_1];
      const float weight = (s > (-3.4028234663852886e+38f)) ? expf(s - total) : 0.0f;
      weights[j_1] = weight;
      own_1 = own_1 + weight;
    }
    const float own_2 = weft_subgroup_add(own_1);
    if ((threadIdx.x & 31u) == 0u) {
      parts_1[threadIdx.x >> 5u] = own_2;
    }
    __syncthreads();
    const float total_1 = parts_1[0u] + parts_1[1u] + parts_1[2u] + parts_1[3u];
    const unsigned team = threadIdx.x >> 3u;
    const unsigned d_1 = threadIdx.x & 7u;
    float4 acc = weft_splat(0.0f);
    const unsigned fromJ = (0u > first) ? (0u - first) : 0u;
    const unsigned toJ = weft_min(position + 1u - first, 256u);
#pragma unroll 4
    for (unsigned j_2 = fromJ + team; j_2 < toJ; j_2 += 16u) {
      acc = acc + weft_f16x4(v[((slot + j_2) * 2u + kvHead) * 8u + d_1]) * weft_splat(weights[j_2]);
    }
    partial[threadIdx.x] = acc;
    __syncthreads();
    if (team == 0u) {
      float4 all = acc;
      all = all + partial[threadIdx.x + 8u];
      all = all + partial[threadIdx.x + 16u];
      all = all + partial[threadIdx.x + 24u];
      all = all + partial[threadIdx.x + 32u];
      all = all + partial[threadIdx.x + 40u];
      all = all + partial[threadIdx.x + 48u];
      all = all + partial[threadIdx.x + 56u];
      all = all + partial[threadIdx.x + 64u];
      all = all + partial[threadIdx.x + 72u];
      all = all + partial[threadIdx.x + 80u];
      all = all + partial[threadIdx.x + 88u];
      all = all + partial[threadIdx.x + 96u];
      all = all + partial[threadIdx.x + 104u];
      all = all + partial[threadIdx.x + 112u];
      all = all + partial[threadIdx.x + 120u];
      part[partAt + d_1] = all;
    }
    if (threadIdx.x == 0u) {
      part[partAt + 8u] = make_float4(total, total_1, 0.0f, 0.0f);
    }
  }
}
