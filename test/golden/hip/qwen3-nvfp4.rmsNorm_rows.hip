// rmsNorm.rows { threads: 128 }
extern "C" __global__ void __launch_bounds__(128) rmsNorm_rows(const weft_float4* x, const weft_float4* __restrict__ weight, weft_float4* out, const unsigned* state) {
  __shared__ __attribute__((aligned(32))) float parts[2];
  if (__builtin_amdgcn_workgroup_id_x() < state[0u]) {
    const unsigned first = __builtin_amdgcn_workgroup_id_x() * 32u;
    float squares = 0.0f;
#pragma unroll 1
    for (unsigned i = __builtin_amdgcn_workitem_id_x(); i < 32u; i += 128u) {
      const weft_float4 v = x[first + i];
      squares = squares + weft_dot4(v, v);
    }
    const float own = weft_subgroup_add(squares);
    if ((__builtin_amdgcn_workitem_id_x() & 63u) == 0u) {
      parts[__builtin_amdgcn_workitem_id_x() >> 6u] = own;
    }
    weft_barrier();
    const float total = parts[0u] + parts[1u];
    const float factor = weft_rsqrt(total * 0.0078125f + 9.999999974752427e-7f);
#pragma unroll 1
    for (unsigned i_1 = __builtin_amdgcn_workitem_id_x(); i_1 < 32u; i_1 += 128u) {
      const unsigned at = first + i_1;
      out[at] = x[at] * weft_float4(factor) * weight[i_1];
    }
  }
}
