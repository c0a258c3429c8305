// attention.matrix { queryTile: 64, keyTile: 32, patchCols: 128, stages: 2 }
[[max_total_threads_per_threadgroup(128)]]
kernel void attention_matrix(
  device const float4* q [[buffer(0)]],
  device const uint4* k [[buffer(1)]],
  device const uint4* v [[buffer(2)]],
  device float* out [[buffer(3)]],
  device const uint* state [[buffer(4)]],
  uint weft_tile [[threadgroup_position_in_grid]],
  uint weft_local [[thread_index_in_threadgroup]],
  uint weft_subgroup [[simdgroup_index_in_threadgroup]]) {
  threadgroup half queries[2560];
  threadgroup half heldKeys[1280];
  threadgroup half heldValues[1280];
  threadgroup half weights[2560];
  threadgroup float patch_[2560];
  if (weft_tile < ((state[0u] + 63u) >> 6u) * 4u) {
    const uint rows = state[0u];
    const uint ofGroup = weft_subgroup & 3u;
    const uint head = weft_tile & 3u;
    const uint kvHead = head >> 1u;
    const uint rowTiles = (rows + 63u) >> 6u;
    const uint firstRow = ((rowTiles - 1u) - (weft_tile >> 2u)) * 64u;
#pragma unroll 4
    for (uint i = weft_local; i < 512u; i += 128u) {
      const uint qRow = i >> 3u;
      const uint qd = i & 7u;
      const float4 query = weft_max(weft_min(q[(weft_min(firstRow + qRow, rows - 1u) * 4u + head) * 8u + qd] * float4(0.1767766922712326f), float4(65504.0f)), float4(-65504.0f));
      const uint queryAt = qRow * 40u + qd * 4u;
      queries[queryAt] = half(query.x);
      queries[queryAt + 1u] = half(query.y);
      queries[queryAt + 2u] = half(query.z);
      queries[queryAt + 3u] = half(query.w);
    }
    const uint first16 = ofGroup * 16u;
    const uint inTeam = weft_local & 7u;
    const uint mine = first16 + ((weft_local & 31u) >> 3u);
    const uint position = state[weft_min(firstRow + mine, rows - 1u) + 320u];
    const uint ofRow = state[weft_min(firstRow + mine, rows - 1u) + 576u];
    const uint patchAt = mine * 40u + inTeam;
    const uint weightAt = mine * 40u + inTeam;
    float top = -1.0000000150474662e+30f;
    float sum = 0.0f;
    float acc = 0.0f;
    float acc_1 = 0.0f;
    float acc_2 = 0.0f;
    float acc_3 = 0.0f;
    const uint mine_1 = first16 + ((weft_local & 31u) >> 3u) + 4u;
    const uint position_1 = state[weft_min(firstRow + mine_1, rows - 1u) + 320u];
    const uint ofRow_1 = state[weft_min(firstRow + mine_1, rows - 1u) + 576u];
    const uint patchAt_1 = mine_1 * 40u + inTeam;
    const uint weightAt_1 = mine_1 * 40u + inTeam;
    float top_1 = -1.0000000150474662e+30f;
    float sum_1 = 0.0f;
    float acc_4 = 0.0f;
    float acc_5 = 0.0f;
    float acc_6 = 0.0f;
    float acc_7 = 0.0f;
    const uint mine_2 = first16 + ((weft_local & 31u) >> 3u) + 8u;
    const uint position_2 = state[weft_min(firstRow + mine_2, rows - 1u) + 320u];
    const uint ofRow_2 = state[weft_min(firstRow + mine_2, rows - 1u) + 576u];
    const uint patchAt_2 = mine_2 * 40u + inTeam;
    const uint weightAt_2 = mine_2 * 40u + inTeam;
    float top_2 = -1.0000000150474662e+30f;
    float sum_2 = 0.0f;
    float acc_8 = 0.0f;
    float acc_9 = 0.0f;
    float acc_10 = 0.0f;
    float acc_11 = 0.0f;
    const uint mine_3 = first16 + ((weft_local & 31u) >> 3u) + 12u;
    const uint position_3 = state[weft_min(firstRow + mine_3, rows - 1u) + 320u];
    const uint ofRow_3 = state[weft_min(firstRow + mine_3, rows - 1u) + 576u];
    const uint patchAt_3 = mine_3 * 40u + inTeam;
    const uint weightAt_3 = mine_3 * 40u + inTeam;
    float top_3 = -1.0000000150474662e+30f;
    float sum_3 = 0.0f;
    float acc_12 = 0.0f;
    float acc_13 = 0.0f;
    float acc_14 = 0.0f;
    float acc_15 = 0.0f;
    const uint copyTo = (weft_local >> 2u) * 40u + (weft_local & 3u) * 8u;
    const uint copyFrom = (weft_local >> 2u) * 8u + (weft_local & 3u);
    uint lowSequence = 4294967295u;
    uint highSequence = 0u;
#pragma unroll 16
    for (uint i_1 = 0u; i_1 < 64u; i_1 += 1u) {
      const uint row = weft_min(firstRow + i_1, rows - 1u);
      const uint sequenceHere = state[row + 576u];
      lowSequence = weft_min(lowSequence, sequenceHere);
      highSequence = weft_max(highSequence, sequenceHere);
    }
#pragma unroll 1
    for (uint sequence = lowSequence; sequence < highSequence + 1u; sequence += 1u) {
      uint last = 0u;
      uint start = 4294967295u;
#pragma unroll 16
      for (uint i_2 = 0u; i_2 < 64u; i_2 += 1u) {
        const uint row_1 = weft_min(firstRow + i_2, rows - 1u);
        const uint positionHere = state[row_1 + 320u];
        const bool own = state[row_1 + 576u] == sequence;
        last = own ? weft_max(last, positionHere) : last;
        start = own ? weft_min(start, 0u) : start;
      }
      const uint fromBlock = start >> 5u;
      const uint toBlock = (last >> 5u) + 1u;
      const uint seen = (ofRow == sequence) ? (position + 1u) : 0u;
      const uint seen_1 = (ofRow_1 == sequence) ? (position_1 + 1u) : 0u;
      const uint seen_2 = (ofRow_2 == sequence) ? (position_2 + 1u) : 0u;
      const uint seen_3 = (ofRow_3 == sequence) ? (position_3 + 1u) : 0u;
      if (fromBlock < toBlock) {
        const uint blockAt = fromBlock * 32u;
        const uint slot = state[sequence * 16u + (blockAt >> 8u) + 5440u] * 256u + (blockAt & 255u);
        const uint base = (slot * 2u + kvHead) * 4u;
        weft_copy_halves(&heldKeys[copyTo], k[base + copyFrom]);
      }
#pragma unroll 1
      for (uint block = fromBlock; block < toBlock; block += 1u) {
        const uint first = block * 32u;
        threadgroup_barrier(mem_flags::mem_threadgroup | mem_flags::mem_device);
        const uint blockAt_1 = block * 32u;
        const uint slot_1 = state[sequence * 16u + (blockAt_1 >> 8u) + 5440u] * 256u + (blockAt_1 & 255u);
        const uint base_1 = (slot_1 * 2u + kvHead) * 4u;
        weft_copy_halves(&heldValues[copyTo], v[base_1 + copyFrom]);
        weft_matrix_c score = weft_matrix_zero();
        weft_matrix_c score_1 = weft_matrix_zero();
        const weft_matrix_a a = weft_load_a_row(&queries[first16 * 40u], 40u);
        const weft_matrix_b b = weft_load_b_col(&heldKeys[0u], 40u);
        const weft_matrix_b b_1 = weft_load_b_col(&heldKeys[640u], 40u);
        weft_multiply(score, a, b);
        weft_multiply(score_1, a, b_1);
        const weft_matrix_a a_1 = weft_load_a_row(&queries[first16 * 40u + 16u], 40u);
        const weft_matrix_b b_2 = weft_load_b_col(&heldKeys[16u], 40u);
        const weft_matrix_b b_3 = weft_load_b_col(&heldKeys[656u], 40u);
        weft_multiply(score, a_1, b_2);
        weft_multiply(score_1, a_1, b_3);
        weft_store_c(&patch_[first16 * 40u], 40u, score);
        weft_store_c(&patch_[first16 * 40u + 16u], 40u, score_1);
        threadgroup_barrier(mem_flags::mem_threadgroup | mem_flags::mem_device);
        const uint next = block + 1u;
        if (next < toBlock) {
          const uint blockAt_2 = next * 32u;
          const uint slot_2 = state[sequence * 16u + (blockAt_2 >> 8u) + 5440u] * 256u + (blockAt_2 & 255u);
          const uint base_2 = (slot_2 * 2u + kvHead) * 4u;
          weft_copy_halves(&heldKeys[copyTo], k[base_2 + copyFrom]);
        }
        const uint key = first + inTeam;
        const float raw = (key < seen) ? patch_[patchAt] : (-3.4028234663852886e+38f);
        const float raw_1 = (key + 8u < seen) ? patch_[patchAt + 8u] : (-3.4028234663852886e+38f);
        const float raw_2 = (key + 16u < seen) ? patch_[patchAt + 16u] : (-3.4028234663852886e+38f);
        const float raw_3 = (key + 24u < seen) ? patch_[patchAt + 24u] : (-3.4028234663852886e+38f);
        const float most = weft_max(weft_max(weft_max(weft_max(raw, raw_1), raw_2), raw_3), top);
        const float most_1 = weft_max(most, weft_shuffle_xor(most, 4u));
        const float most_2 = weft_max(most_1, weft_shuffle_xor(most_1, 2u));
        const float most_3 = weft_max(most_2, weft_shuffle_xor(most_2, 1u));
        const float fade = weft_exp(top - most_3);
        top = most_3;
        const float weight = weft_exp(raw - most_3);
        const float weight_1 = weft_exp(raw_1 - most_3);
        const float weight_2 = weft_exp(raw_2 - most_3);
        const float weight_3 = weft_exp(raw_3 - most_3);
        weights[weightAt] = half(weight);
        weights[weightAt + 8u] = half(weight_1);
        weights[weightAt + 16u] = half(weight_2);
        weights[weightAt + 24u] = half(weight_3);
        sum = sum * fade + (weight + weight_1 + weight_2 + weight_3);
        acc = acc * fade;
        acc_1 = acc_1 * fade;
        acc_2 = acc_2 * fade;
        acc_3 = acc_3 * fade;
        const uint key_1 = first + inTeam;
        const float raw_4 = (key_1 < seen_1) ? patch_[patchAt_1] : (-3.4028234663852886e+38f);
        const float raw_5 = (key_1 + 8u < seen_1) ? patch_[patchAt_1 + 8u] : (-3.4028234663852886e+38f);
        const float raw_6 = (key_1 + 16u < seen_1) ? patch_[patchAt_1 + 16u] : (-3.4028234663852886e+38f);
        const float raw_7 = (key_1 + 24u < seen_1) ? patch_[patchAt_1 + 24u] : (-3.4028234663852886e+38f);
        const float most_4 = weft_max(weft_max(weft_max(weft_max(raw_4, raw_5), raw_6), raw_7), top_1);
        const float most_5 = weft_max(most_4, weft_shuffle_xor(most_4, 4u));
        const float most_6 = weft_max(most_5, weft_shuffle_xor(most_5, 2u));
        const float most_7 = weft_max(most_6, weft_shuffle_xor(most_6, 1u));
        const float fade_1 = weft_exp(top_1 - most_7);
        top_1 = most_7;
        const float weight_4 = weft_exp(raw_4 - most_7);
        const float weight_5 = weft_exp(raw_5 - most_7);
        const float weight_6 = weft_exp(raw_6 - most_7);
        const float weight_7 = weft_exp(raw_7 - most_7);
        weights[weightAt_1] = half(weight_4);
        weights[weightAt_1 + 8u] = half(weight_5);
        weights[weightAt_1 + 16u] = half(weight_6);
        weights[weightAt_1 + 24u] = half(weight_7);
        sum_1 = sum_1 * fade_1 + (weight_4 + weight_5 + weight_6 + weight_7);
        acc_4 = acc_4 * fade_1;
        acc_5 = acc_5 * fade_1;
        acc_6 = acc_6 * fade_1;
        acc_7 = acc_7 * fade_1;
        const uint key_2 = first + inTeam;
        const float raw_8 = (key_2 < seen_2) ? patch_[patchAt_2] : (-3.4028234663852886e+38f);
        const float raw_9 = (key_2 + 8u < seen_2) ? patch_[patchAt_2 + 8u] : (-3.4028234663852886e+38f);
        const float raw_10 = (key_2 + 16u < seen_2) ? patch_[patchAt_2 + 16u] : (-3.4028234663852886e+38f);
        const float raw_11 = (key_2 + 24u < seen_2) ? patch_[patchAt_2 + 24u] : (-3.4028234663852886e+38f);
        const float most_8 = weft_max(weft_max(weft_max(weft_max(raw_8, raw_9), raw_10), raw_11), top_2);
        const float most_9 = weft_max(most_8, weft_shuffle_xor(most_8, 4u));
        const float most_10 = weft_max(most_9, weft_shuffle_xor(most_9, 2u));
        const float most_11 = weft_max(most_10, weft_shuffle_xor(most_10, 1u));
        const float fade_2 = weft_exp(top_2 - most_11);
        top_2 = most_11;
        const float weight_8 = weft_exp(raw_8 - most_11);
        const float weight_9 = weft_exp(raw_9 - most_11);
        const float weight_10 = weft_exp(raw_10 - most_11);
        const float weight_11 = weft_exp(raw_11 - most_11);
        weights[weightAt_2] = half(weight_8);
        weights[weightAt_2 + 8u] = half(weight_9);
        weights[weightAt_2 + 16u] = half(weight_10);
        weights[weightAt_2 + 24u] = half(weight_11);
        sum_2 = sum_2 * fade_2 + (weight_8 + weight_9 + weight_10 + weight_11);
        acc_8 = acc_8 * fade_2;
        acc_9 = acc_9 * fade_2;
        acc_10 = acc_10 * fade_2;
        acc_11 = acc_11 * fade_2;
        const uint key_3 = first + inTeam;
        const float raw_12 = (key_3 < seen_3) ? patch_[patchAt_3] : (-3.4028234663852886e+38f);
        const float raw_13 = (key_3 + 8u < seen_3) ? patch_[patchAt_3 + 8u] : (-3.4028234663852886e+38f);
        const float raw_14 = (key_3 + 16u < seen_3) ? patch_[patchAt_3 + 16u] : (-3.4028234663852886e+38f);
        const float raw_15 = (key_3 + 24u < seen_3) ? patch_[patchAt_3 + 24u] : (-3.4028234663852886e+38f);
        const float most_12 = weft_max(weft_max(weft_max(weft_max(raw_12, raw_13), raw_14), raw_15), top_3);
        const float most_13 = weft_max(most_12, weft_shuffle_xor(most_12, 4u));
        const float most_14 = weft_max(most_13, weft_shuffle_xor(most_13, 2u));
        const float most_15 = weft_max(most_14, weft_shuffle_xor(most_14, 1u));
        const float fade_3 = weft_exp(top_3 - most_15);
        top_3 = most_15;
        const float weight_12 = weft_exp(raw_12 - most_15);
        const float weight_13 = weft_exp(raw_13 - most_15);
        const float weight_14 = weft_exp(raw_14 - most_15);
        const float weight_15 = weft_exp(raw_15 - most_15);
        weights[weightAt_3] = half(weight_12);
        weights[weightAt_3 + 8u] = half(weight_13);
        weights[weightAt_3 + 16u] = half(weight_14);
        weights[weightAt_3 + 24u] = half(weight_15);
        sum_3 = sum_3 * fade_3 + (weight_12 + weight_13 + weight_14 + weight_15);
        acc_12 = acc_12 * fade_3;
        acc_13 = acc_13 * fade_3;
        acc_14 = acc_14 * fade_3;
        acc_15 = acc_15 * fade_3;
        threadgroup_barrier(mem_flags::mem_threadgroup | mem_flags::mem_device);
        const weft_matrix_a p = weft_load_a_row(&weights[first16 * 40u], 40u);
        const weft_matrix_a p_1 = weft_load_a_row(&weights[first16 * 40u + 16u], 40u);
        weft_matrix_c part = weft_matrix_zero();
        weft_matrix_c part_1 = weft_matrix_zero();
        const weft_matrix_b b_4 = weft_load_b_row(&heldValues[0u], 40u);
        const weft_matrix_b b_5 = weft_load_b_row(&heldValues[16u], 40u);
        weft_multiply(part, p, b_4);
        weft_multiply(part_1, p, b_5);
        const weft_matrix_b b_6 = weft_load_b_row(&heldValues[640u], 40u);
        const weft_matrix_b b_7 = weft_load_b_row(&heldValues[656u], 40u);
        weft_multiply(part, p_1, b_6);
        weft_multiply(part_1, p_1, b_7);
        weft_store_c(&patch_[first16 * 40u], 40u, part);
        weft_store_c(&patch_[first16 * 40u + 16u], 40u, part_1);
        threadgroup_barrier(mem_flags::mem_threadgroup | mem_flags::mem_device);
        acc = acc + patch_[patchAt];
        acc_1 = acc_1 + patch_[patchAt + 8u];
        acc_2 = acc_2 + patch_[patchAt + 16u];
        acc_3 = acc_3 + patch_[patchAt + 24u];
        acc_4 = acc_4 + patch_[patchAt_1];
        acc_5 = acc_5 + patch_[patchAt_1 + 8u];
        acc_6 = acc_6 + patch_[patchAt_1 + 16u];
        acc_7 = acc_7 + patch_[patchAt_1 + 24u];
        acc_8 = acc_8 + patch_[patchAt_2];
        acc_9 = acc_9 + patch_[patchAt_2 + 8u];
        acc_10 = acc_10 + patch_[patchAt_2 + 16u];
        acc_11 = acc_11 + patch_[patchAt_2 + 24u];
        acc_12 = acc_12 + patch_[patchAt_3];
        acc_13 = acc_13 + patch_[patchAt_3 + 8u];
        acc_14 = acc_14 + patch_[patchAt_3 + 16u];
        acc_15 = acc_15 + patch_[patchAt_3 + 24u];
      }
    }
    const float total = sum + weft_shuffle_xor(sum, 4u);
    const float total_1 = total + weft_shuffle_xor(total, 2u);
    const float total_2 = total_1 + weft_shuffle_xor(total_1, 1u);
    const float factor = 1.0f / total_2;
    const uint outRow = firstRow + mine;
    if (outRow < rows) {
      const uint to = (outRow * 4u + head) * 32u + inTeam;
      out[to] = acc * factor;
      out[to + 8u] = acc_1 * factor;
      out[to + 16u] = acc_2 * factor;
      out[to + 24u] = acc_3 * factor;
    }
    const float total_3 = sum_1 + weft_shuffle_xor(sum_1, 4u);
    const float total_4 = total_3 + weft_shuffle_xor(total_3, 2u);
    const float total_5 = total_4 + weft_shuffle_xor(total_4, 1u);
    const float factor_1 = 1.0f / total_5;
    const uint outRow_1 = firstRow + mine_1;
    if (outRow_1 < rows) {
      const uint to_1 = (outRow_1 * 4u + head) * 32u + inTeam;
      out[to_1] = acc_4 * factor_1;
      out[to_1 + 8u] = acc_5 * factor_1;
      out[to_1 + 16u] = acc_6 * factor_1;
      out[to_1 + 24u] = acc_7 * factor_1;
    }
    const float total_6 = sum_2 + weft_shuffle_xor(sum_2, 4u);
    const float total_7 = total_6 + weft_shuffle_xor(total_6, 2u);
    const float total_8 = total_7 + weft_shuffle_xor(total_7, 1u);
    const float factor_2 = 1.0f / total_8;
    const uint outRow_2 = firstRow + mine_2;
    if (outRow_2 < rows) {
      const uint to_2 = (outRow_2 * 4u + head) * 32u + inTeam;
      out[to_2] = acc_8 * factor_2;
      out[to_2 + 8u] = acc_9 * factor_2;
      out[to_2 + 16u] = acc_10 * factor_2;
      out[to_2 + 24u] = acc_11 * factor_2;
    }
    const float total_9 = sum_3 + weft_shuffle_xor(sum_3, 4u);
    const float total_10 = total_9 + weft_shuffle_xor(total_9, 2u);
    const float total_11 = total_10 + weft_shuffle_xor(total_10, 1u);
    const float factor_3 = 1.0f / total_11;
    const uint outRow_3 = firstRow + mine_3;
    if (outRow_3 < rows) {
      const uint to_3 = (outRow_3 * 4u + head) * 32u + inTeam;
      out[to_3] = acc_12 * factor_3;
      out[to_3 + 8u] = acc_13 * factor_3;
      out[to_3 + 16u] = acc_14 * factor_3;
      out[to_3 + 24u] = acc_15 * factor_3;
    }
  }
}
