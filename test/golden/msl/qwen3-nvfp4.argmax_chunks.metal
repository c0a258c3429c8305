// argmax.chunks { threads: 256, perThread: 8 }
[[max_total_threads_per_threadgroup(256)]]
kernel void argmax_chunks(
  device const float* logits [[buffer(0)]],
  device float* best [[buffer(1)]],
  uint weft_tile [[threadgroup_position_in_grid]],
  uint weft_local [[thread_index_in_threadgroup]]) {
  threadgroup float values[256];
  threadgroup uint ids[256];
  const uint row = weft_tile;
  float top = -3.4028234663852886e+38f;
  uint id = 0u;
#pragma unroll 1
  for (uint i = weft_local; i < weft_min(2048u, 512u); i += 256u) {
    const float v = logits[row * 512u + i];
    if ((as_type<uint>(v) & 2147483647u) >= 2139095040u) {
      top = 3.4028234663852886e+38f;
      id = 512u;
    } else {
      if (v > top && id != 512u) {
        top = v;
        id = i;
      }
    }
  }
  values[weft_local] = top;
  ids[weft_local] = id;
  threadgroup_barrier(mem_flags::mem_threadgroup | mem_flags::mem_device);
  if (weft_local < 128u) {
    const float v_1 = values[weft_local + 128u];
    const uint i_1 = ids[weft_local + 128u];
    if (v_1 > values[weft_local] || (v_1 == values[weft_local] && i_1 < ids[weft_local])) {
      values[weft_local] = v_1;
      ids[weft_local] = i_1;
    }
  }
  threadgroup_barrier(mem_flags::mem_threadgroup | mem_flags::mem_device);
  if (weft_local < 64u) {
    const float v_2 = values[weft_local + 64u];
    const uint i_2 = ids[weft_local + 64u];
    if (v_2 > values[weft_local] || (v_2 == values[weft_local] && i_2 < ids[weft_local])) {
      values[weft_local] = v_2;
      ids[weft_local] = i_2;
    }
  }
  threadgroup_barrier(mem_flags::mem_threadgroup | mem_flags::mem_device);
  if (weft_local < 32u) {
    const float v_3 = values[weft_local + 32u];
    const uint i_3 = ids[weft_local + 32u];
    if (v_3 > values[weft_local] || (v_3 == values[weft_local] && i_3 < ids[weft_local])) {
      values[weft_local] = v_3;
      ids[weft_local] = i_3;
    }
  }
  threadgroup_barrier(mem_flags::mem_threadgroup | mem_flags::mem_device);
  if (weft_local < 16u) {
    const float v_4 = values[weft_local + 16u];
    const uint i_4 = ids[weft_local + 16u];
    if (v_4 > values[weft_local] || (v_4 == values[weft_local] && i_4 < ids[weft_local])) {
      values[weft_local] = v_4;
      ids[weft_local] = i_4;
    }
  }
  threadgroup_barrier(mem_flags::mem_threadgroup | mem_flags::mem_device);
  if (weft_local < 8u) {
    const float v_5 = values[weft_local + 8u];
    const uint i_5 = ids[weft_local + 8u];
    if (v_5 > values[weft_local] || (v_5 == values[weft_local] && i_5 < ids[weft_local])) {
      values[weft_local] = v_5;
      ids[weft_local] = i_5;
    }
  }
  threadgroup_barrier(mem_flags::mem_threadgroup | mem_flags::mem_device);
  if (weft_local < 4u) {
    const float v_6 = values[weft_local + 4u];
    const uint i_6 = ids[weft_local + 4u];
    if (v_6 > values[weft_local] || (v_6 == values[weft_local] && i_6 < ids[weft_local])) {
      values[weft_local] = v_6;
      ids[weft_local] = i_6;
    }
  }
  threadgroup_barrier(mem_flags::mem_threadgroup | mem_flags::mem_device);
  if (weft_local < 2u) {
    const float v_7 = values[weft_local + 2u];
    const uint i_7 = ids[weft_local + 2u];
    if (v_7 > values[weft_local] || (v_7 == values[weft_local] && i_7 < ids[weft_local])) {
      values[weft_local] = v_7;
      ids[weft_local] = i_7;
    }
  }
  threadgroup_barrier(mem_flags::mem_threadgroup | mem_flags::mem_device);
  if (weft_local < 1u) {
    const float v_8 = values[weft_local + 1u];
    const uint i_8 = ids[weft_local + 1u];
    if (v_8 > values[weft_local] || (v_8 == values[weft_local] && i_8 < ids[weft_local])) {
      values[weft_local] = v_8;
      ids[weft_local] = i_8;
    }
  }
  threadgroup_barrier(mem_flags::mem_threadgroup | mem_flags::mem_device);
  if (weft_local == 0u) {
    best[weft_tile * 2u] = values[0u];
    best[weft_tile * 2u + 1u] = float(ids[0u]);
  }
}
