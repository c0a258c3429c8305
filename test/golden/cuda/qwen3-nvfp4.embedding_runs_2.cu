// embedding.runs { threads: 64 }
extern "C" __global__ void __launch_bounds__(64) embedding_runs_2(float4* out, const unsigned* state, const uint4* __restrict__ weight) {
  weft_await_launches();
  if (blockIdx.x < state[0u]) {
    const unsigned token = weft_min(state[blockIdx.x + 64u], 511u);
#pragma unroll 1
    for (unsigned run = threadIdx.x; run < 4u; run += 64u) {
      const uint4 loaded = weft_stream(&weight[(token * 4u + run) * 4u]);
      const uint4 loaded_1 = weft_stream(&weight[(token * 4u + run) * 4u + 1u]);
      const uint4 loaded_2 = weft_stream(&weight[(token * 4u + run) * 4u + 2u]);
      const uint4 loaded_3 = weft_stream(&weight[(token * 4u + run) * 4u + 3u]);
      const unsigned at = (blockIdx.x * 4u + run) * 8u;
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
}
