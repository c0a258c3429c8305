// embedding.runs { threads: 64 }
[[max_total_threads_per_threadgroup(64)]]
kernel void embedding_runs(
  device float4* out [[buffer(0)]],
  device const uint* state [[buffer(1)]],
  device const uint4* weight [[buffer(2)]],
  uint weft_tile [[threadgroup_position_in_grid]],
  uint weft_local [[thread_index_in_threadgroup]]) {
  const uint token = weft_min(state[weft_tile + 64u], 511u);
#pragma unroll 1
  for (uint run = weft_local; run < 4u; run += 64u) {
    const uint4 loaded = weight[(token * 4u + run) * 4u];
    const uint4 loaded_1 = weight[(token * 4u + run) * 4u + 1u];
    const uint4 loaded_2 = weight[(token * 4u + run) * 4u + 2u];
    const uint4 loaded_3 = weight[(token * 4u + run) * 4u + 3u];
    const uint at = (weft_tile * 4u + run) * 8u;
    out[at] = weft_bf16x4(loaded.x, loaded.y);
    out[at + 1u] = weft_bf16x4(loaded.z, loaded.w);
    out[at + 2u] = weft_bf16x4(loaded_1.x, loaded_1.y);
    out[at + 3u] = weft_bf16x4(loaded_1.z, loaded_1.w);
    out[at + 4u] = weft_bf16x4(loaded_2.x, loaded_2.y);
    out[at + 5u] = weft_bf16x4(loaded_2.z, loaded_2.w);
    out[at + 6u] = weft_bf16x4(loaded_3.x, loaded_3.y);
    out[at + 7u] = weft_bf16x4(loaded_3.z, loaded_3.w);
  }
}
