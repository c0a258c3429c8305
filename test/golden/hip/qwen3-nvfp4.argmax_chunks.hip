// argmax.chunks { threads: 256, perThread: 8 }
extern "C" __global__ void __launch_bounds__(256) argmax_chunks(const float* logits, float* best) {
  __shared__ __attribute__((aligned(32))) float values[256];
  __shared__ __attribute__((aligned(32))) unsigned ids[256];
  const unsigned row = __builtin_amdgcn_workgroup_id_x();
  float top = -3.4028234663852886e+38f;
  unsigned id = 0u;
#pragma unroll 1
  for (unsigned i = __builtin_amdgcn_workitem_id_x(); i < weft_min(2048u, 512u); i += 256u) {
    const float v = logits[row * 512u + i];
    if ((__builtin_bit_cast(unsigned, v) & 2147483647u) >= 2139095040u) {
      top = 3.4028234663852886e+38f;
      id = 512u;
    } else {
      if (v > top && id != 512u) {
        top = v;
        id = i;
      }
    }
  }
  values[__builtin_amdgcn_workitem_id_x()] = top;
  ids[__builtin_amdgcn_workitem_id_x()] = id;
  weft_barrier();
  if (__builtin_amdgcn_workitem_id_x() < 128u) {
    const float v_1 = values[__builtin_amdgcn_workitem_id_x() + 128u];
    const unsigned i_1 = ids[__builtin_amdgcn_workitem_id_x() + 128u];
    if (v_1 > values[__builtin_amdgcn_workitem_id_x()] || (v_1 == values[__builtin_amdgcn_workitem_id_x()] && i_1 < ids[__builtin_amdgcn_workitem_id_x()])) {
      values[__builtin_amdgcn_workitem_id_x()] = v_1;
      ids[__builtin_amdgcn_workitem_id_x()] = i_1;
    }
  }
  weft_barrier();
  if (__builtin_amdgcn_workitem_id_x() < 64u) {
    const float v_2 = values[__builtin_amdgcn_workitem_id_x() + 64u];
    const unsigned i_2 = ids[__builtin_amdgcn_workitem_id_x() + 64u];
    if (v_2 > values[__builtin_amdgcn_workitem_id_x()] || (v_2 == values[__builtin_amdgcn_workitem_id_x()] && i_2 < ids[__builtin_amdgcn_workitem_id_x()])) {
      values[__builtin_amdgcn_workitem_id_x()] = v_2;
      ids[__builtin_amdgcn_workitem_id_x()] = i_2;
    }
  }
  weft_barrier();
  if (__builtin_amdgcn_workitem_id_x() < 32u) {
    const float v_3 = values[__builtin_amdgcn_workitem_id_x() + 32u];
    const unsigned i_3 = ids[__builtin_amdgcn_workitem_id_x() + 32u];
    if (v_3 > values[__builtin_amdgcn_workitem_id_x()] || (v_3 == values[__builtin_amdgcn_workitem_id_x()] && i_3 < ids[__builtin_amdgcn_workitem_id_x()])) {
      values[__builtin_amdgcn_workitem_id_x()] = v_3;
      ids[__builtin_amdgcn_workitem_id_x()] = i_3;
    }
  }
  weft_barrier();
  if (__builtin_amdgcn_workitem_id_x() < 16u) {
    const float v_4 = values[__builtin_amdgcn_workitem_id_x() + 16u];
    const unsigned i_4 = ids[__builtin_amdgcn_workitem_id_x() + 16u];
    if (v_4 > values[__builtin_amdgcn_workitem_id_x()] || (v_4 == values[__builtin_amdgcn_workitem_id_x()] && i_4 < ids[__builtin_amdgcn_workitem_id_x()])) {
      values[__builtin_amdgcn_workitem_id_x()] = v_4;
      ids[__builtin_amdgcn_workitem_id_x()] = i_4;
    }
  }
  weft_barrier();
  if (__builtin_amdgcn_workitem_id_x() < 8u) {
    const float v_5 = values[__builtin_amdgcn_workitem_id_x() + 8u];
    const unsigned i_5 = ids[__builtin_amdgcn_workitem_id_x() + 8u];
    if (v_5 > values[__builtin_amdgcn_workitem_id_x()] || (v_5 == values[__builtin_amdgcn_workitem_id_x()] && i_5 < ids[__builtin_amdgcn_workitem_id_x()])) {
      values[__builtin_amdgcn_workitem_id_x()] = v_5;
      ids[__builtin_amdgcn_workitem_id_x()] = i_5;
    }
  }
  weft_barrier();
  if (__builtin_amdgcn_workitem_id_x() < 4u) {
    const float v_6 = values[__builtin_amdgcn_workitem_id_x() + 4u];
    const unsigned i_6 = ids[__builtin_amdgcn_workitem_id_x() + 4u];
    if (v_6 > values[__builtin_amdgcn_workitem_id_x()] || (v_6 == values[__builtin_amdgcn_workitem_id_x()] && i_6 < ids[__builtin_amdgcn_workitem_id_x()])) {
      values[__builtin_amdgcn_workitem_id_x()] = v_6;
      ids[__builtin_amdgcn_workitem_id_x()] = i_6;
    }
  }
  weft_barrier();
  if (__builtin_amdgcn_workitem_id_x() < 2u) {
    const float v_7 = values[__builtin_amdgcn_workitem_id_x() + 2u];
    const unsigned i_7 = ids[__builtin_amdgcn_workitem_id_x() + 2u];
    if (v_7 > values[__builtin_amdgcn_workitem_id_x()] || (v_7 == values[__builtin_amdgcn_workitem_id_x()] && i_7 < ids[__builtin_amdgcn_workitem_id_x()])) {
      values[__builtin_amdgcn_workitem_id_x()] = v_7;
      ids[__builtin_amdgcn_workitem_id_x()] = i_7;
    }
  }
  weft_barrier();
  if (__builtin_amdgcn_workitem_id_x() < 1u) {
    const float v_8 = values[__builtin_amdgcn_workitem_id_x() + 1u];
    const unsigned i_8 = ids[__builtin_amdgcn_workitem_id_x() + 1u];
    if (v_8 > values[__builtin_amdgcn_workitem_id_x()] || (v_8 == values[__builtin_amdgcn_workitem_id_x()] && i_8 < ids[__builtin_amdgcn_workitem_id_x()])) {
      values[__builtin_amdgcn_workitem_id_x()] = v_8;
      ids[__builtin_amdgcn_workitem_id_x()] = i_8;
    }
  }
  weft_barrier();
  if (__builtin_amdgcn_workitem_id_x() == 0u) {
    best[__builtin_amdgcn_workgroup_id_x() * 2u] = values[0u];
    best[__builtin_amdgcn_workgroup_id_x() * 2u + 1u] = float(ids[0u]);
  }
}
