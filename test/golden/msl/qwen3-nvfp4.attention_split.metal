// attention.split { threads: 128, splits: 16 }
[[max_total_threads_per_threadgroup(128)]]
kernel void attention_split(
  device const float4* q [[buffer(0)]],
  device const half4* k [[buffer(1)]],
  device const half4* v [[buffer(2)]],
  device float4* part [[buffer(3)]],
  device const uint* state [[buffer(4)]],
  uint weft_tile [[threadgroup_position_in_grid]],
  uint weft_local [[thread_index_in_threadgroup]]) {
  threadgroup float4 query[8];
  threadgroup float weights[256];
  threadgroup float4 partial[128];
  threadgroup float parts[4];
  threadgroup float parts_1[4];
  const uint rowHead = weft_tile >> 4u;
  const uint row = rowHead >> 2u;
  const uint head = rowHead & 3u;
  const uint position = state[row + 320u];
  if (weft_local < 8u) {
    query[weft_local] = q[rowHead * 8u + weft_local] * float4(0.1767766922712326f);
  }
#pragma unroll 1
  for (uint page = weft_tile & 15u; page < (position >> 8u) + 1u; page += 16u) {
    const uint first = page * 256u;
    const uint slot = state[state[row + 576u] * 16u + page + 5440u] * 256u;
    const uint partAt = (rowHead * 16u + page) * 9u;
    threadgroup_barrier(mem_flags::mem_threadgroup | mem_flags::mem_device);
    float most = -3.4028234663852886e+38f;
    const uint kvHead = head >> 1u;
#pragma unroll 1
    for (uint j = weft_local; j < 256u; j += 128u) {
      float score = -3.4028234663852886e+38f;
      const uint at = first + j;
      if (at <= position && at >= 0u) {
        const uint from = ((slot + j) * 2u + kvHead) * 8u;
        float dot = 0.0f;
#pragma unroll 8
        for (uint d = 0u; d < 8u; d += 1u) {
          dot = dot + weft_dot4(query[d], float4(k[from + d]));
        }
        score = dot;
      }
      weights[j] = score;
      most = weft_max(most, score);
    }
    const float own = weft_subgroup_max(most);
    if ((weft_local & 31u) == 0u) {
      parts[weft_local >> 5u] = own;
    }
    threadgroup_barrier(mem_flags::mem_threadgroup | mem_flags::mem_device);
    const float total = weft_max(weft_max(weft_max(parts[0u], parts[1u]), parts[2u]), parts[3u]);
    threadgroup_barrier(mem_flags::mem_threadgroup | mem_flags::mem_device);
    float own_1 = 0.0f;
#pragma unroll 1
    for (uint j_1 = weft_local; j_1 < 256u; j_1 += 128u) {
      const float s = weights[j_1];
      const float weight = (s > (-3.4028234663852886e+38f)) ? weft_exp(s - total) : 0.0f;
      weights[j_1] = weight;
      own_1 = own_1 + weight;
    }
    const float own_2 = weft_subgroup_add(own_1);
    if ((weft_local & 31u) == 0u) {
      parts_1[weft_local >> 5u] = own_2;
    }
    threadgroup_barrier(mem_flags::mem_threadgroup | mem_flags::mem_device);
    const float total_1 = parts_1[0u] + parts_1[1u] + parts_1[2u] + parts_1[3u];
    const uint team = weft_local >> 3u;
    const uint d_1 = weft_local & 7u;
    float4 acc = float4(0.0f);
    const uint fromJ = (0u > first) ? (0u - first) : 0u;
    const uint toJ = weft_min(position + 1u - first, 256u);
#pragma unroll 4
    for (uint j_2 = fromJ + team; j_2 < toJ; j_2 += 16u) {
      acc = acc + float4(v[((slot + j_2) * 2u + kvHead) * 8u + d_1]) * float4(weights[j_2]);
    }
    partial[weft_local] = acc;
    threadgroup_barrier(mem_flags::mem_threadgroup | mem_flags::mem_device);
    if (team == 0u) {
      float4 all = acc;
      all = all + partial[weft_local + 8u];
      all = all + partial[weft_local + 16u];
      all = all + partial[weft_local + 24u];
      all = all + partial[weft_local + 32u];
      all = all + partial[weft_local + 40u];
      all = all + partial[weft_local + 48u];
      all = all + partial[weft_local + 56u];
      all = all + partial[weft_local + 64u];
      all = all + partial[weft_local + 72u];
      all = all + partial[weft_local + 80u];
      all = all + partial[weft_local + 88u];
      all = all + partial[weft_local + 96u];
      all = all + partial[weft_local + 104u];
      all = all + partial[weft_local + 112u];
      all = all + partial[weft_local + 120u];
      part[partAt + d_1] = all;
    }
    if (weft_local == 0u) {
      part[partAt + 8u] = float4(total, total_1, 0.0f, 0.0f);
    }
  }
}
