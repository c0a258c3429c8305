// fusedLinear.matrix { rowTile: 64, colTile: 64, stages: 2 }
[[max_total_threads_per_threadgroup(256)]]
kernel void fusedLinear_matrix(
  device const float4* x [[buffer(0)]],
  device float* out [[buffer(1)]],
  device const uint* state [[buffer(2)]],
  device const uint4* weight [[buffer(3)]],
  device const uint* weightWords [[buffer(4)]],
  uint weft_tile [[threadgroup_position_in_grid]],
  uint weft_local [[thread_index_in_threadgroup]],
  uint weft_subgroup [[simdgroup_index_in_threadgroup]]) {
  threadgroup half xs[2560];
  threadgroup half ws[2560];
  threadgroup float patches[5120];
  if (weft_tile < ((state[0u] + 63u) >> 6u) * 4u) {
    const uint rows = state[0u];
    const uint rowTiles = (rows + 63u) >> 6u;
    const uint firstRow = weft_tile % rowTiles * 64u;
    const uint firstCol = weft_tile / rowTiles * 64u;
    const uint sgRow = weft_subgroup >> 1u;
    const uint sgCol = weft_subgroup & 1u;
    const uint piece = weft_local;
    const uint xRow = weft_min(firstRow + (piece >> 3u), rows - 1u);
    const uint xFrom = xRow * 32u + (piece & 7u);
    const uint xTo = (piece >> 3u) * 40u + (piece & 7u) * 4u;
    const uint piece_1 = weft_local + 256u;
    const uint xRow_1 = weft_min(firstRow + (piece_1 >> 3u), rows - 1u);
    const uint xFrom_1 = xRow_1 * 32u + (piece_1 & 7u);
    const uint xTo_1 = (piece_1 >> 3u) * 40u + (piece_1 & 7u) * 4u;
    const uint slot = weft_local & 63u;
    const uint weightRow = weft_min(firstCol + (slot & 63u), 255u) + (slot >> 6u) * 256u;
    weft_matrix_c acc = weft_matrix_zero();
    weft_matrix_c acc_1 = weft_matrix_zero();
    float4 ahead = x[xFrom];
    float4 ahead_1 = x[xFrom_1];
    uint4 ahead_2 = weight[weightRow * 4u];
    uint ahead_3 = uint(((device const ushort*)weightWords)[weightRow * 4u + 8192u]);
#pragma unroll 1
    for (uint i = 0u; i < 4u; i += 1u) {
      const float4 now = ahead;
      const float4 now_1 = ahead_1;
      const uint4 now_2 = ahead_2;
      const uint now_3 = ahead_3;
      const uint next = i + 1u;
      if (next < 4u) {
        ahead = x[xFrom + next * 8u];
        ahead_1 = x[xFrom_1 + next * 8u];
        ahead_2 = weight[weightRow * 4u + next];
        ahead_3 = uint(((device const ushort*)weightWords)[weightRow * 4u + next + 8192u]);
      }
      threadgroup_barrier(mem_flags::mem_threadgroup | mem_flags::mem_device);
      const float4 rounded = weft_max(weft_min(now, float4(65504.0f)), float4(-65504.0f));
      xs[xTo] = half(rounded.x);
      xs[xTo + 1u] = half(rounded.y);
      xs[xTo + 2u] = half(rounded.z);
      xs[xTo + 3u] = half(rounded.w);
      const float4 rounded_1 = weft_max(weft_min(now_1, float4(65504.0f)), float4(-65504.0f));
      xs[xTo_1] = half(rounded_1.x);
      xs[xTo_1 + 1u] = half(rounded_1.y);
      xs[xTo_1 + 2u] = half(rounded_1.z);
      xs[xTo_1 + 3u] = half(rounded_1.w);
      if (weft_local < 64u) {
        const float scale = weft_e4m3(now_3 & 255u);
        const float scale_1 = weft_e4m3(now_3 >> 8u);
        const uint wTo = slot * 40u;
        const float4 rounded_2 = weft_e2m1x4(now_2.x & 65535u) * float4(scale);
        ws[wTo] = half(rounded_2.x);
        ws[wTo + 1u] = half(rounded_2.y);
        ws[wTo + 2u] = half(rounded_2.z);
        ws[wTo + 3u] = half(rounded_2.w);
        const uint wTo_1 = slot * 40u + 4u;
        const float4 rounded_3 = weft_e2m1x4(now_2.x >> 16u) * float4(scale);
        ws[wTo_1] = half(rounded_3.x);
        ws[wTo_1 + 1u] = half(rounded_3.y);
        ws[wTo_1 + 2u] = half(rounded_3.z);
        ws[wTo_1 + 3u] = half(rounded_3.w);
        const uint wTo_2 = slot * 40u + 8u;
        const float4 rounded_4 = weft_e2m1x4(now_2.y & 65535u) * float4(scale);
        ws[wTo_2] = half(rounded_4.x);
        ws[wTo_2 + 1u] = half(rounded_4.y);
        ws[wTo_2 + 2u] = half(rounded_4.z);
        ws[wTo_2 + 3u] = half(rounded_4.w);
        const uint wTo_3 = slot * 40u + 12u;
        const float4 rounded_5 = weft_e2m1x4(now_2.y >> 16u) * float4(scale);
        ws[wTo_3] = half(rounded_5.x);
        ws[wTo_3 + 1u] = half(rounded_5.y);
        ws[wTo_3 + 2u] = half(rounded_5.z);
        ws[wTo_3 + 3u] = half(rounded_5.w);
        const uint wTo_4 = slot * 40u + 16u;
        const float4 rounded_6 = weft_e2m1x4(now_2.z & 65535u) * float4(scale_1);
        ws[wTo_4] = half(rounded_6.x);
        ws[wTo_4 + 1u] = half(rounded_6.y);
        ws[wTo_4 + 2u] = half(rounded_6.z);
        ws[wTo_4 + 3u] = half(rounded_6.w);
        const uint wTo_5 = slot * 40u + 20u;
        const float4 rounded_7 = weft_e2m1x4(now_2.z >> 16u) * float4(scale_1);
        ws[wTo_5] = half(rounded_7.x);
        ws[wTo_5 + 1u] = half(rounded_7.y);
        ws[wTo_5 + 2u] = half(rounded_7.z);
        ws[wTo_5 + 3u] = half(rounded_7.w);
        const uint wTo_6 = slot * 40u + 24u;
        const float4 rounded_8 = weft_e2m1x4(now_2.w & 65535u) * float4(scale_1);
        ws[wTo_6] = half(rounded_8.x);
        ws[wTo_6 + 1u] = half(rounded_8.y);
        ws[wTo_6 + 2u] = half(rounded_8.z);
        ws[wTo_6 + 3u] = half(rounded_8.w);
        const uint wTo_7 = slot * 40u + 28u;
        const float4 rounded_9 = weft_e2m1x4(now_2.w >> 16u) * float4(scale_1);
        ws[wTo_7] = half(rounded_9.x);
        ws[wTo_7 + 1u] = half(rounded_9.y);
        ws[wTo_7 + 2u] = half(rounded_9.z);
        ws[wTo_7 + 3u] = half(rounded_9.w);
      }
      threadgroup_barrier(mem_flags::mem_threadgroup | mem_flags::mem_device);
      const weft_matrix_a a = weft_load_a_row(&xs[sgRow * 16u * 40u], 40u);
      const weft_matrix_b b = weft_load_b_col(&ws[sgCol * 16u * 40u], 40u);
      weft_multiply(acc, a, b);
      const weft_matrix_b b_1 = weft_load_b_col(&ws[(sgCol * 16u + 32u) * 40u], 40u);
      weft_multiply(acc_1, a, b_1);
      const weft_matrix_a a_1 = weft_load_a_row(&xs[sgRow * 16u * 40u + 16u], 40u);
      const weft_matrix_b b_2 = weft_load_b_col(&ws[sgCol * 16u * 40u + 16u], 40u);
      weft_multiply(acc, a_1, b_2);
      const weft_matrix_b b_3 = weft_load_b_col(&ws[(sgCol * 16u + 32u) * 40u + 16u], 40u);
      weft_multiply(acc_1, a_1, b_3);
    }
    const uint patch_ = weft_subgroup * 640u;
    threadgroup_barrier(mem_flags::mem_threadgroup | mem_flags::mem_device);
    weft_store_c(&patches[patch_], 20u, acc);
    weft_store_c(&patches[patch_ + 320u], 20u, acc_1);
    threadgroup_barrier(mem_flags::mem_threadgroup | mem_flags::mem_device);
#pragma unroll 1
    for (uint e = weft_local & 31u; e < 256u; e += 32u) {
      const uint r = e >> 4u;
      const uint c = e & 15u;
      const uint row = firstRow + sgRow * 16u + r;
      const uint patchAt = patch_ + r * 20u + c;
      const float first = patches[patchAt];
      const float second = patches[patchAt + 320u];
      if (row < rows) {
        const uint own = sgCol * 16u + c;
        const uint col = firstCol + own;
        if (col < 256u) {
          const uint to = row * 256u + col;
          out[to] = first * as_type<float>(weightWords[col + 4608u]);
        }
        const uint col_1 = firstCol + own + 32u;
        if (col_1 < 256u) {
          const uint to_1 = row * 256u + col_1;
          out[to_1] = second * as_type<float>(weightWords[col_1 + 4608u]);
        }
      }
    }
  }
}
