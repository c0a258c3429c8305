// attention.matrix { queryTile: 64, keyTile: 64, patchCols: 128, stages: 2 }
extern "C" __global__ void __launch_bounds__(256) attention_matrix(const weft_float4* q, const weft_uint4* k, const weft_uint4* v, float* out, const unsigned* state) {
  __shared__ __attribute__((aligned(32))) _Float16 queries[2560];
  __shared__ __attribute__((aligned(32))) _Float16 heldKeys[2560];
  __shared__ __attribute__((aligned(32))) _Float16 heldValues[2560];
  __shared__ __attribute__((aligned(32))) _Float16 weights[4608];
  __shared__ __attribute__((aligned(32))) float patch[4608];
  if (__builtin_amdgcn_workgroup_id_x() < ((state[0u] + 63u) >> 6u) * 4u) {
    const unsigned rows = state[0u];
    const unsigned ofGroup = (__builtin_amdgcn_workitem_id_x() / WEFT_LANES) & 3u;
    const unsigned head = __builtin_amdgcn_workgroup_id_x() & 3u;
    const unsigned kvHead = head >> 1u;
    const unsigned rowTiles = (rows + 63u) >> 6u;
    const unsigned firstRow = ((rowTiles - 1u) - (__builtin_amdgcn_workgroup_id_x() >> 2u)) * 64u;
#pragma unroll 4
    for (unsigned i = __builtin_amdgcn_workitem_id_x(); i < 512u; i += 256u) {
      const unsigned qRow = i >> 3u;
      const unsigned qd = i & 7u;
      const weft_float4 query = weft_max(weft_min(q[(weft_min(firstRow + qRow, rows - 1u) * 4u + head) * 8u + qd] * weft_float4(0.1767766922712326f), weft_float4(65504.0f)), weft_float4(-65504.0f));
      const unsigned queryAt = qRow * 40u + qd * 4u;
      queries[queryAt] = _Float16(query.x);
      queries[queryAt + 1u] = _Float16(query.y);
      queries[queryAt + 2u] = _Float16(query.z);
      queries[queryAt + 3u] = _Float16(query.w);
    }
    const unsigned first16 = ofGroup * 16u;
    const unsigned inTeam = __builtin_amdgcn_workitem_id_x() & 7u;
    const unsigned mine = first16 + ((__builtin_amdgcn_workitem_id_x() & 63u) >> 3u);
    const unsigned position = state[weft_min(firstRow + mine, rows - 1u) + 320u];
    const unsigned ofRow = state[weft_min(firstRow + mine, rows - 1u) + 576u];
    const unsigned patchAt = mine * 72u + inTeam;
    const unsigned weightAt = mine * 72u + inTeam;
    float top = -1.0000000150474662e+30f;
    float sum = 0.0f;
    float acc = 0.0f;
    float acc_1 = 0.0f;
    float acc_2 = 0.0f;
    float acc_3 = 0.0f;
    const unsigned mine_1 = first16 + ((__builtin_amdgcn_workitem_id_x() & 63u) >> 3u) + 8u;
    const unsigned position_1 = state[weft_min(firstRow + mine_1, rows - 1u) + 320u];
    const unsigned ofRow_1 = state[weft_min(firstRow + mine_1, rows - 1u) + 576u];
    const unsigned patchAt_1 = mine_1 * 72u + inTeam;
    const unsigned weightAt_1 = mine_1 * 72u + inTeam;
    float top_1 = -1.0000000150474662e+30f;
    float sum_1 = 0.0f;
    float acc_4 = 0.0f;
    float acc_5 = 0.0f;
    float acc_6 = 0.0f;
    float acc_7 = 0.0f;
    const unsigned copyTo = (__builtin_amdgcn_workitem_id_x() >> 2u) * 40u + (__builtin_amdgcn_workitem_id_x() & 3u) * 8u;
    const unsigned copyFrom = (__builtin_amdgcn_workitem_id_x() >> 2u) * 8u + (__builtin_amdgcn_workitem_id_x() & 3u);
    unsigned lowSequence = 4294967295u;
    unsigned highSequence = 0u;
#pragma unroll 16
    for (unsigned i_1 = 0u; i_1 < 64u; i_1 += 1u) {
      const unsigned row = weft_min(firstRow + i_1, rows - 1u);
      const unsigned sequenceHere = state[row + 576u];
      lowSequence = weft_min(lowSequence, sequenceHere);
      highSequence = weft_max(highSequence, sequenceHere);
    }
#pragma unroll 1
    for (unsigned sequence = lowSequence; sequence < highSequence + 1u; sequence += 1u) {
      unsigned last = 0u;
      unsigned start = 4294967295u;
#pragma unroll 16
      for (unsigned i_2 = 0u; i_2 < 64u; i_2 += 1u) {
        const unsigned row_1 = weft_min(firstRow + i_2, rows - 1u);
        const unsigned positionHere = state[row_1 + 320u];
        const bool own = state[row_1 + 576u] == sequence;
        last = own ? weft_max(last, positionHere) : last;
        start = own ? weft_min(start, 0u) : start;
      }
      const unsigned fromBlock = start >> 6u;
      const unsigned toBlock = (last >> 6u) + 1u;
      const unsigned seen = (ofRow == sequence) ? (position + 1u) : 0u;
      const unsigned seen_1 = (ofRow_1 == sequence) ? (position_1 + 1u) : 0u;
      if (fromBlock < toBlock) {
        const unsigned blockAt = fromBlock * 64u;
        const unsigned slot = state[sequence * 16u + (blockAt >> 8u) + 5440u] * 256u + (blockAt & 255u);
        const unsigned base = (slot * 2u + kvHead) * 4u;
        __builtin_memcpy(&heldKeys[copyTo], &k[base + copyFrom], 16);
      }
#pragma unroll 1
      for (unsigned block = fromBlock; block < toBlock; block += 1u) {
        const unsigned first = block * 64u;
        weft_barrier();
        const unsigned blockAt_1 = block * 64u;
        const unsigned slot_1 = state[sequence * 16u + (blockAt_1 >> 8u) + 5440u] * 256u + (blockAt_1 & 255u);
        const unsigned base_1 = (slot_1 * 2u + kvHead) * 4u;
        __builtin_memcpy(&heldValues[copyTo], &v[base_1 + copyFrom], 16);
        weft_matrix_c score = weft_matrix_zero();
        weft_matrix_c score_1 = weft_matrix_zero();
        weft_matrix_c score_2 = weft_matrix_zero();
        weft_matrix_c score_3 = weft_matrix_zero();
        const weft_matrix_a a = weft_load_a_row(&queries[first16 * 40u], 40u);
        const weft_matrix_b b = weft_load_b_col(&heldKeys[0u], 40u);
        const weft_matrix_b b_1 = weft_load_b_col(&heldKeys[640u], 40u);
        const weft_matrix_b b_2 = weft_load_b_col(&heldKeys[1280u], 40u);
        const weft_matrix_b b_3 = weft_load_b_col(&heldKeys[1920u], 40u);
        weft_multiply(score, a, b);
        weft_multiply(score_1, a, b_1);
        weft_multiply(score_2, a, b_2);
        weft_multiply(score_3, a, b_3);
        const weft_matrix_a a_1 = weft_load_a_row(&queries[first16 * 40u + 16u], 40u);
        const weft_matrix_b b_4 = weft_load_b_col(&heldKeys[16u], 40u);
        const weft_matrix_b b_5 = weft_load_b_col(&heldKeys[656u], 40u);
        const weft_matrix_b b_6 = weft_load_b_col(&heldKeys[1296u], 40u);
        const weft_matrix_b b_7 = weft_load_b_col(&heldKeys[1936u], 40u);
        weft_multiply(score, a_1, b_4);
        weft_multiply(score_1, a_1, b_5);
        weft_multiply(score_2, a_1, b_6);
        weft_multiply(score_3, a_1, b_7);
        weft_store_c(&patch[first16 * 72u], 72u, score);
        weft_store_c(&patch[first16 * 72u + 16u], 72u, score_1);
        weft_store_c(&patch[first16 * 72u + 32u], 72u, score_2);
        weft_store_c(&patch[first16 * 72u + 48u], 72u, score_3);
        weft_barrier();
        const unsigned next = block + 1u;
        if (next < toBlock) {
          const unsigned blockAt_2 = next * 64u;
          const unsigned slot_2 = state[sequence * 16u + (blockAt_2 >> 8u) + 5440u] * 256u + (blockAt_2 & 255u);
          const unsigned base_2 = (slot_2 * 2u + kvHead) * 4u;
          __builtin_memcpy(&heldKeys[copyTo], &k[base_2 + copyFrom], 16);
        }
        const unsigned key = first + inTeam;
        const float raw = (key < seen) ? patch[patchAt] : (-3.4028234663852886e+38f);
        const float raw_1 = (key + 8u < seen) ? patch[patchAt + 8u] : (-3.4028234663852886e+38f);
        const float raw_2 = (key + 16u < seen) ? patch[patchAt + 16u] : (-3.4028234663852886e+38f);
        const float raw_3 = (key + 24u < seen) ? patch[patchAt + 24u] : (-3.4028234663852886e+38f);
        const float raw_4 = (key + 32u < seen) ? patch[patchAt + 32u] : (-3.4028234663852886e+38f);
        const float raw_5 = (key + 40u < seen) ? patch[patchAt + 40u] : (-3.4028234663852886e+38f);
        const float raw_6 = (key + 48u < seen) ? patch[patchAt + 48u] : (-3.4028234663852886e+38f);
        const float raw_7 = (key + 56u < seen) ? patch[patchAt + 56u] : (-3.4028234663852886e+38f);
        const float most = weft_max(weft_max(weft_max(weft_max(weft_max(weft_max(weft_max(weft_max(raw, raw_1), raw_2), raw_3), raw_4), raw_5), raw_6), raw_7), top);
        const float most_1 = weft_max(most, weft_shuffle_xor(most, 4u));
        const float most_2 = weft_max(most_1, weft_shuffle_xor(most_1, 2u));
        const float most_3 = weft_max(most_2, weft_shuffle_xor(most_2, 1u));
        const float fade = weft_exp(top - most_3);
        top = most_3;
        const float weight = weft_exp(raw - most_3);
        const float weight_1 = weft_exp(raw_1 - most_3);
        const float weight_2 = weft_exp(raw_2 - most_3);
        const float weight_3 = weft_exp(raw_3 - most_3);
        const float weight_4 = weft_exp(raw_4 - most_3);
        const float weight_5 = weft_exp(raw_5 - most_3);
        const float weight_6 = weft_exp(raw_6 - most_3);
        const float weight_7 = weft_exp(raw_7 - most_3);
        weights[weightAt] = _Float16(weight);
        weights[weightAt + 8u] = _Float16(weight_1);
        weights[weightAt + 16u] = _Float16(weight_2);
        weights[weightAt + 24u] = _Float16(weight_3);
        weights[weightAt + 32u] = _Float16(weight_4);
        weights[weightAt + 40u] = _Float16(weight_5);
        weights[weightAt + 48u] = _Float16(weight_6);
        weights[weightAt + 56u] = _Float16(weight_7);
        sum = sum * fade + (weight + weight_1 + weight_2 + weight_3 + weight_4 + weight_5 + weight_6 + weight_7);
        acc = acc * fade;
        acc_1 = acc_1 * fade;
        acc_2 = acc_2 * fade;
        acc_3 = acc_3 * fade;
        const unsigned key_1 = first + inTeam;
        const float raw_8 = (key_1 < seen_1) ? patch[patchAt_1] : (-3.4028234663852886e+38f);
        const float raw_9 = (key_1 + 8u < seen_1) ? patch[patchAt_1 + 8u] : (-3.4028234663852886e+38f);
        const float raw_10 = (key_1 + 16u < seen_1) ? patch[patchAt_1 + 16u] : (-3.4028234663852886e+38f);
        const float raw_11 = (key_1 + 24u < seen_1) ? patch[patchAt_1 + 24u] : (-3.4028234663852886e+38f);
        const float raw_12 = (key_1 + 32u < seen_1) ? patch[patchAt_1 + 32u] : (-3.4028234663852886e+38f);
        const float raw_13 = (key_1 + 40u < seen_1) ? patch[patchAt_1 + 40u] : (-3.4028234663852886e+38f);
        const float raw_14 = (key_1 + 48u < seen_1) ? patch[patchAt_1 + 48u] : (-3.4028234663852886e+38f);
        const float raw_15 = (key_1 + 56u < seen_1) ? patch[patchAt_1 + 56u] : (-3.4028234663852886e+38f);
        const float most_4 = weft_max(weft_max(weft_max(weft_max(weft_max(weft_max(weft_max(weft_max(raw_8, raw_9), raw_10), raw_11), raw_12), raw_13), raw_14), raw_15), top_1);
        const float most_5 = weft_max(most_4, weft_shuffle_xor(most_4, 4u));
        const float most_6 = weft_max(most_5, weft_shuffle_xor(most_5, 2u));
        const float most_7 = weft_max(most_6, weft_shuffle_xor(most_6, 1u));
        const float fade_1 = weft_exp(top_1 - most_7);
        top_1 = most_7;
        const float weight_8 = weft_exp(raw_8 - most_7);
        const float weight_9 = weft_exp(raw_9 - most_7);
        const float weight_10 = weft_exp(raw_10 - most_7);
        const float weight_11 = weft_exp(raw_11 - most_7);
        const float weight_12 = weft_exp(raw_12 - most_7);
        const float weight_13 = weft_exp(raw_13 - most_7);
        const float weight_14 = weft_exp(raw_14 - most_7);
        const float weight_15 = weft_exp(raw_15 - most_7);
        weights[weightAt_1] = _Float16(weight_8);
        weights[weightAt_1 + 8u] = _Float16(weight_9);
        weights[weightAt_1 + 16u] = _Float16(weight_10);
        weights[weightAt_1 + 24u] = _Float16(weight_11);
        weights[weightAt_1 + 32u] = _Float16(weight_12);
        weights[weightAt_1 + 40u] = _Float16(weight_13);
        weights[weightAt_1 + 48u] = _Float16(weight_14);
        weights[weightAt_1 + 56u] = _Float16(weight_15);
        sum_1 = sum_1 * fade_1 + (weight_8 + weight_9 + weight_10 + weight_11 + weight_12 + weight_13 + weight_14 + weight_15);
        acc_4 = acc_4 * fade_1;
        acc_5 = acc_5 * fade_1;
        acc_6 = acc_6 * fade_1;
        acc_7 = acc_7 * fade_1;
        weft_barrier();
        const weft_matrix_a p = weft_load_a_row(&weights[first16 * 72u], 72u);
        const weft_matrix_a p_1 = weft_load_a_row(&weights[first16 * 72u + 16u], 72u);
        const weft_matrix_a p_2 = weft_load_a_row(&weights[first16 * 72u + 32u], 72u);
        const weft_matrix_a p_3 = weft_load_a_row(&weights[first16 * 72u + 48u], 72u);
        weft_matrix_c part = weft_matrix_zero();
        weft_matrix_c part_1 = weft_matrix_zero();
        const weft_matrix_b b_8 = weft_load_b_row(&heldValues[0u], 40u);
        const weft_matrix_b b_9 = weft_load_b_row(&heldValues[16u], 40u);
        weft_multiply(part, p, b_8);
        weft_multiply(part_1, p, b_9);
        const weft_matrix_b b_10 = weft_load_b_row(&heldValues[640u], 40u);
        const weft_matrix_b b_11 = weft_load_b_row(&heldValues[656u], 40u);
        weft_multiply(part, p_1, b_10);
        weft_multiply(part_1, p_1, b_11);
        const weft_matrix_b b_12 = weft_load_b_row(&heldValues[1280u], 40u);
        const weft_matrix_b b_13 = weft_load_b_row(&heldValues[1296u], 40u);
        weft_multiply(part, p_2, b_12);
        weft_multiply(part_1, p_2, b_13);
        const weft_matrix_b b_14 = weft_load_b_row(&heldValues[1920u], 40u);
        const weft_matrix_b b_15 = weft_load_b_row(&heldValues[1936u], 40u);
        weft_multiply(part, p_3, b_14);
        weft_multiply(part_1, p_3, b_15);
        weft_store_c(&patch[first16 * 72u], 72u, part);
        weft_store_c(&patch[first16 * 72u + 16u], 72u, part_1);
        weft_barrier();
        acc = acc + patch[patchAt];
        acc_1 = acc_1 + patch[patchAt + 8u];
        acc_2 = acc_2 + patch[patchAt + 16u];
        acc_3 = acc_3 + patch[patchAt + 24u];
        acc_4 = acc_4 + patch[patchAt_1];
        acc_5 = acc_5 + patch[patchAt_1 + 8u];
        acc_6 = acc_6 + patch[patchAt_1 + 16u];
        acc_7 = acc_7 + patch[patchAt_1 + 24u];
      }
    }
    const float total = sum + weft_shuffle_xor(sum, 4u);
    const float total_1 = total + weft_shuffle_xor(total, 2u);
    const float total_2 = total_1 + weft_shuffle_xor(total_1, 1u);
    const float factor = 1.0f / total_2;
    const unsigned outRow = firstRow + mine;
    if (outRow < rows) {
      const unsigned to = (outRow * 4u + head) * 32u + inTeam;
      out[to] = acc * factor;
      out[to + 8u] = acc_1 * factor;
      out[to + 16u] = acc_2 * factor;
      out[to + 24u] = acc_3 * factor;
    }
    const float total_3 = sum_1 + weft_shuffle_xor(sum_1, 4u);
    const float total_4 = total_3 + weft_shuffle_xor(total_3, 2u);
    const float total_5 = total_4 + weft_shuffle_xor(total_4, 1u);
    const float factor_1 = 1.0f / total_5;
    const unsigned outRow_1 = firstRow + mine_1;
    if (outRow_1 < rows) {
      const unsigned to_1 = (outRow_1 * 4u + head) * 32u + inTeam;
      out[to_1] = acc_4 * factor_1;
      out[to_1 + 8u] = acc_5 * factor_1;
      out[to_1 + 16u] = acc_6 * factor_1;
      out[to_1 + 24u] = acc_7 * factor_1;
    }
  }
}
