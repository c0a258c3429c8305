// argmax.join
extern "C" __global__ void __launch_bounds__(64) argmax_join(const float* best, unsigned* out) {
  __shared__ __attribute__((aligned(32))) float values[64];
  __shared__ __attribute__((aligned(32))) unsigned ids[64];
  float top = -3.4028234663852886e+38f;
  unsigned id = 512u;
#pragma unroll 1
  for (unsigned c = __builtin_amdgcn_workitem_id_x(); c < 1u; c += 64u) {
    const unsigned at = (__builtin_amdgcn_workgroup_id_x() + c) * 2u;
    const float v = best[at];
    const unsigned i = unsigned(best[at + 1u]);
    if (v > top || (v == top && i < id)) {
      top = v;
      id = i;
    }
  }
  values[__builtin_amdgcn_workitem_id_x()] = top;
  ids[__builtin_amdgcn_workitem_id_x()] = id;
  weft_barrier();
  if (__builtin_amdgcn_workitem_id_x() < 32u) {
    const float v_1 = values[__builtin_amdgcn_workitem_id_x() + 32u];
    const unsigned i_1 = ids[__builtin_amdgcn_workitem_id_x() + 32u];
    if (v_1 > values[__builtin_amdgcn_workitem_id_x()] || (v_1 == values[__builtin_amdgcn_workitem_id_x()] && i_1 < ids[__builtin_amdgcn_workitem_id_x()])) {
      values[__builtin_amdgcn_workitem_id_x()] = v_1;
      ids[__builtin_amdgcn_workitem_id_x()] = i_1;
    }
  }
  weft_barrier();
  if (__builtin_amdgcn_workitem_id_x() < 16u) {
    const float v_2 = values[__builtin_amdgcn_workitem_id_x() + 16u];
    const unsigned i_2 = ids[__builtin_amdgcn_workitem_id_x() + 16u];
    if (v_2 > values[__builtin_amdgcn_workitem_id_x()] || (v_2 == values[__builtin_amdgcn_workitem_id_x()] && i_2 < ids[__builtin_amdgcn_workitem_id_x()])) {
      values[__builtin_amdgcn_workitem_id_x()] = v_2;
      ids[__builtin_amdgcn_workitem_id_x()] = i_2;
    }
  }
  weft_barrier();
  if (__builtin_amdgcn_workitem_id_x() < 8u) {
    const float v_3 = values[__builtin_amdgcn_workitem_id_x() + 8u];
    const unsigned i_3 = ids[__builtin_amdgcn_workitem_id_x() + 8u];
    if (v_3 > values[__builtin_amdgcn_workitem_id_x()] || (v_3 == values[__builtin_amdgcn_workitem_id_x()] && i_3 < ids[__builtin_amdgcn_workitem_id_x()])) {
      values[__builtin_amdgcn_workitem_id_x()] = v_3;
      ids[__builtin_amdgcn_workitem_id_x()] = i_3;
    }
  }
  weft_barrier();
  if (__builtin_amdgcn_workitem_id_x() < 4u) {
    const float v_4 = values[__builtin_amdgcn_workitem_id_x() + 4u];
    const unsigned i_4 = ids[__builtin_amdgcn_workitem_id_x() + 4u];
    if (v_4 > values[__builtin_amdgcn_workitem_id_x()] || (v_4 == values[__builtin_amdgcn_workitem_id_x()] && i_4 < ids[__builtin_amdgcn_workitem_id_x()])) {
      values[__builtin_amdgcn_workitem_id_x()] = v_4;
      ids[__builtin_amdgcn_workitem_id_x()] = i_4;
    }
  }
  weft_barrier();
  if (__builtin_amdgcn_workitem_id_x() < 2u) {
    const float v_5 = values[__builtin_amdgcn_workitem_id_x() + 2u];
    const unsigned i_5 = ids[__builtin_amdgcn_workitem_id_x() + 2u];
    if (v_5 > values[__builtin_amdgcn_workitem_id_x()] || (v_5 == values[__builtin_amdgcn_workitem_id_x()] && i_5 < ids[__builtin_amdgcn_workitem_id_x()])) {
      values[__builtin_amdgcn_workitem_id_x()] = v_5;
      ids[__builtin_amdgcn_workitem_id_x()] = i_5;
    }
  }
  weft_barrier();
  if (__builtin_amdgcn_workitem_id_x() < 1u) {
    const float v_6 = values[__builtin_amdgcn_workitem_id_x() + 1u];
    const unsigned i_6 = ids[__builtin_amdgcn_workitem_id_x() + 1u];
    if (v_6 > values[__builtin_amdgcn_workitem_id_x()] || (v_6 == values[__builtin_amdgcn_workitem_id_x()] && i_6 < ids[__builtin_amdgcn_workitem_id_x()])) {
      values[__builtin_amdgcn_workitem_id_x()] = v_6;
      ids[__builtin_amdgcn_workitem_id_x()] = i_6;
    }
  }
  weft_barrier();
  if (__builtin_amdgcn_workitem_id_x() == 0u) {
    out[__builtin_amdgcn_workgroup_id_x()] = ids[0u];
  }
}
