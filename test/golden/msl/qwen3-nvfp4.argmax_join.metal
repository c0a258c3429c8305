// argmax.join
[[max_total_threads_per_threadgroup(64)]]
kernel void argmax_join(
  device const float* best [[buffer(0)]],
  device uint* out [[buffer(1)]],
  uint weft_tile [[threadgroup_position_in_grid]],
  uint weft_local [[thread_index_in_threadgroup]]) {
  threadgroup float values[64];
  threadgroup uint ids[64];
  float top = -3.4028234663852886e+38f;
  uint id = 512u;
#pragma unroll 1
  for (uint c = weft_local; c < 1u; c += 64u) {
    const uint at = (weft_tile + c) * 2u;
    const float v = best[at];
    const uint i = uint(best[at + 1u]);
    if (v > top || (v == top && i < id)) {
      top = v;
      id = i;
    }
  }
  values[weft_local] = top;
  ids[weft_local] = id;
  threadgroup_barrier(mem_flags::mem_threadgroup | mem_flags::mem_device);
  if (weft_local < 32u) {
    const float v_1 = values[weft_local + 32u];
    const uint i_1 = ids[weft_local + 32u];
    if (v_1 > values[weft_local] || (v_1 == values[weft_local] && i_1 < ids[weft_local])) {
      values[weft_local] = v_1;
      ids[weft_local] = i_1;
    }
  }
  threadgroup_barrier(mem_flags::mem_threadgroup | mem_flags::mem_device);
  if (weft_local < 16u) {
    const float v_2 = values[weft_local + 16u];
    const uint i_2 = ids[weft_local + 16u];
    if (v_2 > values[weft_local] || (v_2 == values[weft_local] && i_2 < ids[weft_local])) {
      values[weft_local] = v_2;
      ids[weft_local] = i_2;
    }
  }
  threadgroup_barrier(mem_flags::mem_threadgroup | mem_flags::mem_device);
  if (weft_local < 8u) {
    const float v_3 = values[weft_local + 8u];
    const uint i_3 = ids[weft_local + 8u];
    if (v_3 > values[weft_local] || (v_3 == values[weft_local] && i_3 < ids[weft_local])) {
      values[weft_local] = v_3;
      ids[weft_local] = i_3;
    }
  }
  threadgroup_barrier(mem_flags::mem_threadgroup | mem_flags::mem_device);
  if (weft_local < 4u) {
    const float v_4 = values[weft_local + 4u];
    const uint i_4 = ids[weft_local + 4u];
    if (v_4 > values[weft_local] || (v_4 == values[weft_local] && i_4 < ids[weft_local])) {
      values[weft_local] = v_4;
      ids[weft_local] = i_4;
    }
  }
  threadgroup_barrier(mem_flags::mem_threadgroup | mem_flags::mem_device);
  if (weft_local < 2u) {
    const float v_5 = values[weft_local + 2u];
    const uint i_5 = ids[weft_local + 2u];
    if (v_5 > values[weft_local] || (v_5 == values[weft_local] && i_5 < ids[weft_local])) {
      values[weft_local] = v_5;
      ids[weft_local] = i_5;
    }
  }
  threadgroup_barrier(mem_flags::mem_threadgroup | mem_flags::mem_device);
  if (weft_local < 1u) {
    const float v_6 = values[weft_local + 1u];
    const uint i_6 = ids[weft_local + 1u];
    if (v_6 > values[weft_local] || (v_6 == values[weft_local] && i_6 < ids[weft_local])) {
      values[weft_local] = v_6;
      ids[weft_local] = i_6;
    }
  }
  threadgroup_barrier(mem_flags::mem_threadgroup | mem_flags::mem_device);
  if (weft_local == 0u) {
    out[weft_tile] = ids[0u];
  }
}
