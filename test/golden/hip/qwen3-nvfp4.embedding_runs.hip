// embedding.runs { threads: 64 }
extern "C" __global__ void __launch_bounds__(64) embedding_runs(weft_float4* out, const unsigned* state, const weft_uint4* __restrict__ weight) {
  const unsigned token = weft_min(state[__builtin_amdgcn_workgroup_id_x() + 64u], 511u);
#pragma unroll 1
  for (unsigned run = __builtin_amdgcn_workitem_id_x(); run < 4u; run += 64u) {
    const weft_uint4 loaded = __builtin_nontemporal_load(&weight[(token * 4u + run) * 4u]);
    const weft_uint4 loaded_1 = __builtin_nontemporal_load(&weight[(token * 4u + run) * 4u + 1u]);
    const weft_uint4 loaded_2 = __builtin_nontemporal_load(&weight[(token * 4u + run) * 4u + 2u]);
    const weft_uint4 loaded_3 = __builtin_nontemporal_load(&weight[(token * 4u + run) * 4u + 3u]);
    const unsigned at = (__builtin_amdgcn_workgroup_id_x() * 4u + run) * 8u;
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
