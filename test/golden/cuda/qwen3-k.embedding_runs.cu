// embedding.runs { threads: 64 }
extern "C" __global__ void __launch_bounds__(64) embedding_runs(float4* out, const unsigned* state, const uint4* __restrict__ weight, const unsigned* __restrict__ weightWords) {
  weft_await_launches();
  const unsigned token = weft_min(state[blockIdx.x + 64u], 79u);
#pragma unroll 1
  for (unsigned run = threadIdx.x; run < 8u; run += 64u) {
    const uint4 loaded = weft_stream(&weight[token * 8u + run]);
    const unsigned loaded_1 = __ldg(&weightWords[(token * 8u + run) * 2u + 2560u]);
    const unsigned loaded_2 = __ldg(&weightWords[(token * 8u + run) * 2u + 1u + 2560u]);
    const unsigned loaded_3 = unsigned(__ldg(&((const unsigned short*)weightWords)[((token * 8u + run) >> 3u) + 8320u]));
    const unsigned loaded_4 = unsigned(__ldg(&((const unsigned short*)weightWords)[token * 8u + run + 7680u]));
    const unsigned at = (blockIdx.x * 8u + run) * 8u;
    const float scale = weft_f16_bits(loaded_3) * weft_i8x4(loaded_4).x;
    const float scale_1 = weft_f16_bits(loaded_3) * weft_i8x4(loaded_4).y;
    out[at] = weft_i8x4((((loaded.x & 252645135u) | ((loaded_1 & 50529027u) << 4u) | 2155905152u) - 538976288u) ^ 2155905152u) * weft_splat(scale);
    out[at + 1u] = weft_i8x4(((((loaded.x >> 4u) & 252645135u) | (((loaded_1 >> 2u) & 50529027u) << 4u) | 2155905152u) - 538976288u) ^ 2155905152u) * weft_splat(scale);
    out[at + 2u] = weft_i8x4((((loaded.y & 252645135u) | (((loaded_1 >> 4u) & 50529027u) << 4u) | 2155905152u) - 538976288u) ^ 2155905152u) * weft_splat(scale);
    out[at + 3u] = weft_i8x4(((((loaded.y >> 4u) & 252645135u) | (((loaded_1 >> 6u) & 50529027u) << 4u) | 2155905152u) - 538976288u) ^ 2155905152u) * weft_splat(scale);
    out[at + 4u] = weft_i8x4((((loaded.z & 252645135u) | ((loaded_2 & 50529027u) << 4u) | 2155905152u) - 538976288u) ^ 2155905152u) * weft_splat(scale_1);
    out[at + 5u] = weft_i8x4(((((loaded.z >> 4u) & 252645135u) | (((loaded_2 >> 2u) & 50529027u) << 4u) | 2155905152u) - 538976288u) ^ 2155905152u) * weft_splat(scale_1);
    out[at + 6u] = weft_i8x4((((loaded.w & 252645135u) | (((loaded_2 >> 4u) & 50529027u) << 4u) | 2155905152u) - 538976288u) ^ 2155905152u) * weft_splat(scale_1);
    out[at + 7u] = weft_i8x4(((((loaded.w >> 4u) & 252645135u) | (((loaded_2 >> 6u) & 50529027u) << 4u) | 2155905152u) - 538976288u) ^ 2155905152u) * weft_splat(scale_1);
  }
}
