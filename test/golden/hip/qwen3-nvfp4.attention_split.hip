// attention.split { threads: 128, splits: 16 }
extern "C" __global__ void __launch_bounds__(128) attention_split(const weft_float4* q, const weft_half4* k, const weft_half4* v, weft_float4* part, const unsigned* state) {
  __shared__ __attribute__((aligned(32))) weft_float4 query[8];
  __shared__ __attribute__((aligned(32))) float weights[256];
  __shared__ __attribute__((aligned(32))) weft_float4 partial[128];
  __shared__ __attribute__((aligned(32))) float parts[2];
  __shared__ __attribute__((aligned(32))) float parts_1[2];
  const unsigned rowHead = __builtin_amdgcn_workgroup_id_x() >> 4u;
  const unsigned row = rowHead >> 2u;
  const unsigned head = rowHead & 3u;
  const unsigned position = state[row + 320u];
  if (__builtin_amdgcn_workitem_id_x() < 8u) {
    query[__builtin_amdgcn_workitem_id_x()] = q[rowHead * 8u + __builtin_amdgcn_workitem_id_x()] * weft_float4(0.1767766922712326f);
  }
#pragma unroll 1
  for (unsigned page = __builtin_amdgcn_workgroup_id_x() & 15u; page < (position >> 8u) + 1u; page += 16u) {
    const unsigned first = page * 256u;
    const unsigned slot = state[state[row + 576u] * 16u + page + 5440u] * 256u;
    const unsigned partAt = (rowHead * 16u + page) * 9u;
    weft_barrier();
    float most = -3.4028234663852886e+38f;
    const unsigned kvHead = head >> 1u;
#pragma unroll 1
    for (unsigned j = __builtin_amdgcn_workitem_id_x(); j < 256u; j += 128u) {
      float score = -3.4028234663852886e+38f;
      const unsigned at = first + j;
      if (at <= position && at >= 0u) {
        const unsigned from = ((slot + j) * 2u + kvHead) * 8u;
        float dot = 0.0f;
#pragma unroll 8
        for (unsigned d = 0u; d < 8u; d += 1u) {
          dot = dot + weft_dot4(query[d], __builtin_convertvector(k[from + d], weft_float4));
        }
        score = dot;
      }
      weights[j] = score;
      most = weft_max(most, score);
    }
    const float own = weft_subgroup_max(most);
    if ((__builtin_amdgcn_workitem_id_x() & 63u) == 0u) {
      parts[__builtin_amdgcn_workitem_id_x() >> 6u] = own;
    }
    weft_barrier();
    const float total = weft_max(parts[0u], parts[1u]);
    weft_barrier();
    float own_1 = 0.0f;
#pragma unroll 1
    for (unsigned j_1 = __builtin_amdgcn_workitem_id_x(); j_1 < 256u; j_1 += 128u) {
      const float s = weights[j_1];
      const float weight = (s > (-3.4028234663852886e+38f)) ? weft_exp(s - total) : 0.0f;
      weights[j_1] = weight;
      own_1 = own_1 + weight;
    }
    const float own_2 = weft_subgroup_add(own_1);
    if ((__builtin_amdgcn_workitem_id_x() & 63u) == 0u) {
      parts_1[__builtin_amdgcn_workitem_id_x() >> 6u] = own_2;
    }
    weft_barrier();
    const float total_1 = parts_1[0u] + parts_1[1u];
    const unsigned team = __builtin_amdgcn_workitem_id_x() >> 3u;
    const unsigned d_1 = __builtin_amdgcn_workitem_id_x() & 7u;
    weft_float4 acc = weft_float4(0.0f);
    const unsigned fromJ = (0u > first) ? (0u - first) : 0u;
    const unsigned toJ = weft_min(position + 1u - first, 256u);
#pragma unroll 4
    for (unsigned j_2 = fromJ + team; j_2 < toJ; j_2 += 16u) {
      acc = acc + __builtin_convertvector(v[((slot + j_2) * 2u + kvHead) * 8u + d_1], weft_float4) * weft_float4(weights[j_2]);
    }
    partial[__builtin_amdgcn_workitem_id_x()] = acc;
    weft_barrier();
    if (team == 0u) {
      weft_float4 all = acc;
      all = all + partial[__builtin_amdgcn_workitem_id_x() + 8u];
      all = all + partial[__builtin_amdgcn_workitem_id_x() + 16u];
      all = all + partial[__builtin_amdgcn_workitem_id_x() + 24u];
      all = all + partial[__builtin_amdgcn_workitem_id_x() + 32u];
      all = all + partial[__builtin_amdgcn_workitem_id_x() + 40u];
      all = all + partial[__builtin_amdgcn_workitem_id_x() + 48u];
      all = all + partial[__builtin_amdgcn_workitem_id_x() + 56u];
      all = all + partial[__builtin_amdgcn_workitem_id_x() + 64u];
      all = all + partial[__builtin_amdgcn_workitem_id_x() + 72u];
      all = all + partial[__builtin_amdgcn_workitem_id_x() + 80u];
      all = all + partial[__builtin_amdgcn_workitem_id_x() + 88u];
      all = all + partial[__builtin_amdgcn_workitem_id_x() + 96u];
      all = all + partial[__builtin_amdgcn_workitem_id_x() + 104u];
      all = all + partial[__builtin_amdgcn_workitem_id_x() + 112u];
      all = all + partial[__builtin_amdgcn_workitem_id_x() + 120u];
      part[partAt + d_1] = all;
    }
    if (__builtin_amdgcn_workitem_id_x() == 0u) {
      part[partAt + 8u] = weft_float4{total, total_1, 0.0f, 0.0f};
    }
  }
}
