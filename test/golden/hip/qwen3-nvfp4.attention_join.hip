// attention.join { threads: 8 }
extern "C" __global__ void __launch_bounds__(8) attention_join(const weft_float4* part, weft_float4* out, const unsigned* state) {
  const unsigned row = __builtin_amdgcn_workgroup_id_x() >> 2u;
  const unsigned position = state[row + 320u];
  const unsigned parts = weft_min((position >> 7u) + 1u, 32u);
  const unsigned base = __builtin_amdgcn_workgroup_id_x() * 32u;
  float top = -3.4028234663852886e+38f;
  float sum = 0.0f;
  weft_float4 acc = weft_float4(0.0f);
#pragma unroll 8
  for (unsigned page = 0u; page < parts; page += 1u) {
    const unsigned at = (base + page) * 9u;
    const weft_float4 figures = part[at + 8u];
    const float next = weft_max(top, figures.x);
    const float before = weft_exp(top - next);
    const float now = weft_exp(figures.x - next);
    acc = acc * weft_float4(before) + part[at + __builtin_amdgcn_workitem_id_x()] * weft_float4(now);
    sum = sum * before + figures.y * now;
    top = next;
  }
  out[__builtin_amdgcn_workgroup_id_x() * 8u + __builtin_amdgcn_workitem_id_x()] = acc * weft_float4(1.0f / sum);
}
