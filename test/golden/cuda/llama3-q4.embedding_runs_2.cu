// embedding.runs { threads: 64 }
extern "C" __global__ void __launch_bounds__(64) embedding_runs_2(float4* out, const unsigned* state, const uint4* __restrict__ weight, const unsigned* __restrict__ weightWords) {
  weft_await_launches();
  if (blockIdx.x < state[0u]) {
    const unsigned token = weft_min(state[blockIdx.x + 64u], 511u);
#pragma unroll 1
    for (unsigned run = threadIdx.x; run < 4u; run += 64u) {
      const uint4 loaded = weft_stream(&weight[(token * 4u + run) * 2u]);
      const uint4 loaded_1 = weft_stream(&weight[(token * 4u + run) * 2u + 1u]);
      const unsigned loaded_2 = unsigned(__ldg(&((const unsigned short*)weightWords)[token * 4u + run + 32768u]));
      const unsigned at = (blockIdx.x * 4u + run) * 8u;
      const float scale = weft_f16_bits(loaded_2);
      out[at] = weft_i8x4(loaded.x) * weft_splat(scale);
      out[at + 1u] = weft_i8x4(loaded.y) * weft_splat(scale);
      out[at + 2u] = weft_i8x4(loaded.z) * weft_splat(scale);
      out[at + 3u] = weft_i8x4(loaded.w) * weft_splat(scale);
      out[at + 4u] = weft_i8x4(loaded_1.x) * weft_splat(scale);
      out[at + 5u] = weft_i8x4(loaded_1.y) * weft_splat(scale);
      out[at + 6u] = weft_i8x4(loaded_1.z) * weft_splat(scale);
      out[at + 7u] = weft_i8x4(loaded_1.w) * weft_splat(scale);
    }
  }
}
