// topK.sort { threads: 256 }
[[max_total_threads_per_threadgroup(256)]]
kernel void topK_sort(
  device const float* from [[buffer(0)]],
  device float* to [[buffer(1)]],
  uint weft_tile [[threadgroup_position_in_grid]],
  uint weft_local [[thread_index_in_threadgroup]]) {
  threadgroup float values[1024];
  threadgroup uint ids[1024];
  const uint row = weft_tile;
#pragma unroll 1
  for (uint i = weft_local; i < 1024u; i += 256u) {
    float v = -3.4028234663852886e+38f;
    uint id = 16777215u;
    if (i < 512u) {
      const float logit = from[row * 512u + i];
      v = ((as_type<uint>(logit) & 2147483647u) >= 2139095040u) ? 3.4028234663852886e+38f : logit;
      id = i;
    }
    values[i] = v;
    ids[i] = id;
  }
#pragma unroll 1
  for (uint level = 1u; level < 11u; level += 1u) {
#pragma unroll 1
    for (uint pass = 0u; pass < level; pass += 1u) {
      const uint shift = (level - 1u) - pass;
      const uint gap = 1u << shift;
      threadgroup_barrier(mem_flags::mem_threadgroup | mem_flags::mem_device);
#pragma unroll 1
      for (uint n = weft_local; n < 512u; n += 256u) {
        const uint a = ((n >> shift) << (shift + 1u)) + (n & (gap - 1u));
        const uint b = a + gap;
        const float va = values[a];
        const float vb = values[b];
        const uint ia = ids[a];
        const uint ib = ids[b];
        if ((((a >> level) & 1u) == 0u && (vb > va || (vb == va && ib < ia))) || (!(((a >> level) & 1u) == 0u) && (va > vb || (va == vb && ia < ib)))) {
          values[a] = vb;
          values[b] = va;
          ids[a] = ib;
          ids[b] = ia;
        }
      }
    }
  }
  threadgroup_barrier(mem_flags::mem_threadgroup | mem_flags::mem_device);
#pragma unroll 1
  for (uint i_1 = weft_local; i_1 < 256u; i_1 += 256u) {
    const uint to_1 = weft_tile * 512u + i_1;
    to[to_1] = values[i_1];
    to[to_1 + 256u] = float(ids[i_1]);
  }
}
