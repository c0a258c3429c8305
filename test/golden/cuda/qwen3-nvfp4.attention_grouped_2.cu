// attention.grouped { threads: 128, splits: 32, lanes: 16, positions: 4, stages: 2 }
extern "C" __global__ void __launch_bounds__(128) attention_grouped_2(const float4* q, const uint4* k, const uint4* v, float4* part, const unsigned* state) {
  __shared__ __align__(32) float tops[64];
  __shared__ __align__(32) float sums[64];
  __shared__ __align__(32) float4 partial[512];
  weft_await_launches();
  if (blockIdx.x < state[0u] * 64u) {
    const unsigned split = blockIdx.x & 31u;
    const unsigned rowHeads = blockIdx.x >> 5u;
    const unsigned row = rowHeads >> 1u;
    const unsigned kvHead = ((rowHeads & 1u) * 2u) >> 1u;
    const unsigned position = state[row + 320u];
    const unsigned sequence = state[row + 576u];
    const unsigned toBlock = (position >> 7u) + 1u;
    const unsigned inTeam = threadIdx.x & 3u;
    const unsigned ofTeam = threadIdx.x >> 2u;
    if (split < toBlock) {
      const unsigned queryAt = rowHeads * 2u * 8u;
      const float4 query = q[queryAt + inTeam * 2u] * weft_splat(0.1767766922712326f);
      const float4 query_1 = q[queryAt + (inTeam * 2u + 1u)] * weft_splat(0.1767766922712326f);
      float top = -1.0000000150474662e+30f;
      float sum = 0.0f;
      float4 acc = weft_splat(0.0f);
      float4 acc_1 = weft_splat(0.0f);
      const unsigned queryAt_1 = (rowHeads * 2u + 1u) * 8u;
      const float4 query_2 = q[queryAt_1 + inTeam * 2u] * weft_splat(0.1767766922712326f);
      const float4 query_3 = q[queryAt_1 + (inTeam * 2u + 1u)] * weft_splat(0.1767766922712326f);
      float top_1 = -1.0000000150474662e+30f;
      float sum_1 = 0.0f;
      float4 acc_2 = weft_splat(0.0f);
      float4 acc_3 = weft_splat(0.0f);
      if (split < toBlock) {
        const unsigned first = split * 128u;
        const unsigned slot = state[sequence * 16u + (first >> 8u) + 5440u] * 256u + (first & 255u);
        const unsigned lastHere = position - first;
        const unsigned rowAt = ((slot + weft_min(ofTeam, lastHere)) * 2u + kvHead) * 4u + inTeam;
        const unsigned rowAt_1 = ((slot + weft_min(ofTeam + 32u, lastHere)) * 2u + kvHead) * 4u + inTeam;
        const unsigned rowAt_2 = ((slot + weft_min(ofTeam + 64u, lastHere)) * 2u + kvHead) * 4u + inTeam;
        const unsigned rowAt_3 = ((slot + weft_min(ofTeam + 96u, lastHere)) * 2u + kvHead) * 4u + inTeam;
        uint4 ahead = k[rowAt];
        uint4 ahead_1 = k[rowAt_1];
        uint4 ahead_2 = k[rowAt_2];
        uint4 ahead_3 = k[rowAt_3];
        uint4 ahead_4 = v[rowAt];
        uint4 ahead_5 = v[rowAt_1];
        uint4 ahead_6 = v[rowAt_2];
        uint4 ahead_7 = v[rowAt_3];
#pragma unroll 1
        for (unsigned i = split; i < toBlock; i += 32u) {
          const uint4 now = ahead;
          const uint4 now_1 = ahead_1;
          const uint4 now_2 = ahead_2;
          const uint4 now_3 = ahead_3;
          const uint4 now_4 = ahead_4;
          const uint4 now_5 = ahead_5;
          const uint4 now_6 = ahead_6;
          const uint4 now_7 = ahead_7;
          const unsigned next = i + 32u;
          if (next < toBlock) {
            const unsigned first_1 = next * 128u;
            const unsigned slot_1 = state[sequence * 16u + (first_1 >> 8u) + 5440u] * 256u + (first_1 & 255u);
            const unsigned lastHere_1 = position - first_1;
            const unsigned rowAt_4 = ((slot_1 + weft_min(ofTeam, lastHere_1)) * 2u + kvHead) * 4u + inTeam;
            const unsigned rowAt_5 = ((slot_1 + weft_min(ofTeam + 32u, lastHere_1)) * 2u + kvHead) * 4u + inTeam;
            const unsigned rowAt_6 = ((slot_1 + weft_min(ofTeam + 64u, lastHere_1)) * 2u + kvHead) * 4u + inTeam;
            const unsigned rowAt_7 = ((slot_1 + weft_min(ofTeam + 96u, lastHere_1)) * 2u + kvHead) * 4u + inTeam;
            ahead = k[rowAt_4];
            ahead_1 = k[rowAt_5];
            ahead_2 = k[rowAt_6];
            ahead_3 = k[rowAt_7];
            ahead_4 = v[rowAt_4];
            ahead_5 = v[rowAt_5];
            ahead_6 = v[rowAt_6];
            ahead_7 = v[rowAt_7];
          }
          const unsigned firstHere = i * 128u;
          const float4 row_1 = weft_f16x4(now.x, now.y);
          const float4 row_2 = weft_f16x4(now.z, now.w);
          const float dot = weft_dot4(query, row_1) + weft_dot4(query_1, row_2);
          const float dot_1 = weft_dot4(query_2, row_1) + weft_dot4(query_3, row_2);
          const float4 row_3 = weft_f16x4(now_1.x, now_1.y);
          const float4 row_4 = weft_f16x4(now_1.z, now_1.w);
          const float dot_2 = weft_dot4(query, row_3) + weft_dot4(query_1, row_4);
          const float dot_3 = weft_dot4(query_2, row_3) + weft_dot4(query_3, row_4);
          const float4 row_5 = weft_f16x4(now_2.x, now_2.y);
          const float4 row_6 = weft_f16x4(now_2.z, now_2.w);
          const float dot_4 = weft_dot4(query, row_5) + weft_dot4(query_1, row_6);
          const float dot_5 = weft_dot4(query_2, row_5) + weft_dot4(query_3, row_6);
          const float4 row_7 = weft_f16x4(now_3.x, now_3.y);
          const float4 row_8 = weft_f16x4(now_3.z, now_3.w);
          const float dot_6 = weft_dot4(query, row_7) + weft_dot4(query_1, row_8);
          const float dot_7 = weft_dot4(query_2, row_7) + weft_dot4(query_3, row_8);
          const unsigned at = firstHere + ofTeam;
          const bool seen = at <= position && at >= 0u;
          const float sumOf = dot + weft_shuffle_xor(dot, 2u);
          const float sumOf_1 = sumOf + weft_shuffle_xor(sumOf, 1u);
          const float score = seen ? sumOf_1 : (-3.4028234663852886e+38f);
          const float sumOf_2 = dot_1 + weft_shuffle_xor(dot_1, 2u);
          const float sumOf_3 = sumOf_2 + weft_shuffle_xor(sumOf_2, 1u);
          const float score_1 = seen ? sumOf_3 : (-3.4028234663852886e+38f);
          const unsigned at_1 = firstHere + ofTeam + 32u;
          const bool seen_1 = at_1 <= position && at_1 >= 0u;
          const float sumOf_4 = dot_2 + weft_shuffle_xor(dot_2, 2u);
          const float sumOf_5 = sumOf_4 + weft_shuffle_xor(sumOf_4, 1u);
          const float score_2 = seen_1 ? sumOf_5 : (-3.4028234663852886e+38f);
          const float sumOf_6 = dot_3 + weft_shuffle_xor(dot_3, 2u);
          const float sumOf_7 = sumOf_6 + weft_shuffle_xor(sumOf_6, 1u);
          const float score_3 = seen_1 ? sumOf_7 : (-3.4028234663852886e+38f);
          const unsigned at_2 = firstHere + ofTeam + 64u;
          const bool seen_2 = at_2 <= position && at_2 >= 0u;
          const float sumOf_8 = dot_4 + weft_shuffle_xor(dot_4, 2u);
          const float sumOf_9 = sumOf_8 + weft_shuffle_xor(sumOf_8, 1u);
          const float score_4 = seen_2 ? sumOf_9 : (-3.4028234663852886e+38f);
          const float sumOf_10 = dot_5 + weft_shuffle_xor(dot_5, 2u);
          const float sumOf_11 = sumOf_10 + weft_shuffle_xor(sumOf_10, 1u);
          const float score_5 = seen_2 ? sumOf_11 : (-3.4028234663852886e+38f);
          const unsigned at_3 = firstHere + ofTeam + 96u;
          const bool seen_3 = at_3 <= position && at_3 >= 0u;
          const float sumOf_12 = dot_6 + weft_shuffle_xor(dot_6, 2u);
          const float sumOf_13 = sumOf_12 + weft_shuffle_xor(sumOf_12, 1u);
          const float score_6 = seen_3 ? sumOf_13 : (-3.4028234663852886e+38f);
          const float sumOf_14 = dot_7 + weft_shuffle_xor(dot_7, 2u);
          const float sumOf_15 = sumOf_14 + weft_shuffle_xor(sumOf_14, 1u);
          const float score_7 = seen_3 ? sumOf_15 : (-3.4028234663852886e+38f);
          const float most = weft_max(weft_max(weft_max(weft_max(top, score), score_2), score_4), score_6);
          const float fade = expf(top - most);
          top = most;
          const float weight = expf(score - most);
          const float weight_1 = expf(score_2 - most);
          const float weight_2 = expf(score_4 - most);
          const float weight_3 = expf(score_6 - most);
          sum = sum * fade + weight + weight_1 + weight_2 + weight_3;
          acc = acc * weft_splat(fade);
          acc_1 = acc_1 * weft_splat(fade);
          const float most_1 = weft_max(weft_max(weft_max(weft_max(top_1, score_1), score_3), score_5), score_7);
          const float fade_1 = expf(top_1 - most_1);
          top_1 = most_1;
          const float weight_4 = expf(score_1 - most_1);
          const float weight_5 = expf(score_3 - most_1);
          const float weight_6 = expf(score_5 - most_1);
          const float weight_7 = expf(score_7 - most_1);
          sum_1 = sum_1 * fade_1 + weight_4 + weight_5 + weight_6 + weight_7;
          acc_2 = acc_2 * weft_splat(fade_1);
          acc_3 = acc_3 * weft_splat(fade_1);
          const float4 row_9 = weft_f16x4(now_4.x, now_4.y);
          const float4 row_10 = weft_f16x4(now_4.z, now_4.w);
          acc = weft_fma(row_9, weft_splat(weight), acc);
          acc_1 = weft_fma(row_10, weft_splat(weight), acc_1);
          acc_2 = weft_fma(row_9, weft_splat(weight_4), acc_2);
          acc_3 = weft_fma(row_10, weft_splat(weight_4), acc_3);
          const float4 row_11 = weft_f16x4(now_5.x, now_5.y);
          const float4 row_12 = weft_f16x4(now_5.z, now_5.w);
          acc = weft_fma(row_11, weft_splat(weight_1), acc);
          acc_1 = weft_fma(row_12, weft_splat(weight_1), acc_1);
          acc_2 = weft_fma(row_11, weft_splat(weight_5), acc_2);
          acc_3 = weft_fma(row_12, weft_splat(weight_5), acc_3);
          const float4 row_13 = weft_f16x4(now_6.x, now_6.y);
          const float4 row_14 = weft_f16x4(now_6.z, now_6.w);
          acc = weft_fma(row_13, weft_splat(weight_2), acc);
          acc_1 = weft_fma(row_14, weft_splat(weight_2), acc_1);
          acc_2 = weft_fma(row_13, weft_splat(weight_6), acc_2);
          acc_3 = weft_fma(row_14, weft_splat(weight_6), acc_3);
          const float4 row_15 = weft_f16x4(now_7.x, now_7.y);
          const float4 row_16 = weft_f16x4(now_7.z, now_7.w);
          acc = weft_fma(row_15, weft_splat(weight_3), acc);
          acc_1 = weft_fma(row_16, weft_splat(weight_3), acc_1);
          acc_2 = weft_fma(row_15, weft_splat(weight_7), acc_2);
          acc_3 = weft_fma(row_16, weft_splat(weight_7), acc_3);
        }
      }
      if (inTeam == 0u) {
        tops[ofTeam] = top;
        tops[ofTeam + 32u] = top_1;
      }
      __syncthreads();
      const float fade_2 = expf(top - weft_max(weft_max(weft_max(weft_max(weft_max(weft_max(weft_max(weft_max(weft_max(weft_max(weft_max(weft_max(weft_max(weft_max(weft_max(weft_max(weft_max(weft_max(weft_max(weft_max(weft_max(weft_max(weft_max(weft_max(weft_max(weft_max(weft_max(weft_max(weft_max(weft_max(weft_max(tops[0u], tops[1u]), tops[2u]), tops[3u]), tops[4u]), tops[5u]), tops[6u]), tops[7u]), tops[8u]), tops[9u]), tops[10u]), tops[11u]), tops[12u]), tops[13u]), tops[14u]), tops[15u]), tops[16u]), tops[17u]), tops[18u]), tops[19u]), tops[20u]), tops[21u]), tops[22u]), tops[23u]), tops[24u]), tops[25u]), tops[26u]), tops[27u]), tops[28u]), tops[29u]), tops[30u]), tops[31u]));
      acc = acc * weft_splat(fade_2);
      acc_1 = acc_1 * weft_splat(fade_2);
      if (inTeam == 0u) {
        sums[ofTeam] = sum * fade_2;
      }
      const float fade_3 = expf(top_1 - weft_max(weft_max(weft_max(weft_max(weft_max(weft_max(weft_max(weft_max(weft_max(weft_max(weft_max(weft_max(weft_max(weft_max(weft_max(weft_max(weft_max(weft_max(weft_max(weft_max(weft_max(weft_max(weft_max(weft_max(weft_max(weft_max(weft_max(weft_max(weft_max(weft_max(weft_max(tops[32u], tops[33u]), tops[34u]), tops[35u]), tops[36u]), tops[37u]), tops[38u]), tops[39u]), tops[40u]), tops[41u]), tops[42u]), tops[43u]), tops[44u]), tops[45u]), tops[46u]), tops[47u]), tops[48u]), tops[49u]), tops[50u]), tops[51u]), tops[52u]), tops[53u]), tops[54u]), tops[55u]), tops[56u]), tops[57u]), tops[58u]), tops[59u]), tops[60u]), tops[61u]), tops[62u]), tops[63u]));
      acc_2 = acc_2 * weft_splat(fade_3);
      acc_3 = acc_3 * weft_splat(fade_3);
      if (inTeam == 0u) {
        sums[ofTeam + 32u] = sum_1 * fade_3;
      }
      partial[ofTeam * 8u + inTeam * 2u] = acc;
      partial[ofTeam * 8u + (inTeam * 2u + 1u)] = acc_1;
      partial[(ofTeam + 32u) * 8u + inTeam * 2u] = acc_2;
      partial[(ofTeam + 32u) * 8u + (inTeam * 2u + 1u)] = acc_3;
      __syncthreads();
#pragma unroll 1
      for (unsigned i_1 = threadIdx.x; i_1 < 16u; i_1 += 128u) {
        const unsigned h = i_1 >> 3u;
        const unsigned d = i_1 & 7u;
        part[((rowHeads * 2u + h) * 32u + split) * 9u + d] = partial[h * 32u * 8u + d] + partial[(h * 32u + 1u) * 8u + d] + partial[(h * 32u + 2u) * 8u + d] + partial[(h * 32u + 3u) * 8u + d] + partial[(h * 32u + 4u) * 8u + d] + partial[(h * 32u + 5u) * 8u + d] + partial[(h * 32u + 6u) * 8u + d] + partial[(h * 32u + 7u) * 8u + d] + partial[(h * 32u + 8u) * 8u + d] + partial[(h * 32u + 9u) * 8u + d] + partial[(h * 32u + 10u) * 8u + d] + partial[(h * 32u + 11u) * 8u + d] + partial[(h * 32u + 12u) * 8u + d] + partial[(h * 32u + 13u) * 8u + d] + partial[(h * 32u + 14u) * 8u + d] + partial[(h * 32u + 15u) * 8u + d] + partial[(h * 32u + 16u) * 8u + d] + partial[(h * 32u + 17u) * 8u + d] + partial[(h * 32u + 18u) * 8u + d] + partial[(h * 32u + 19u) * 8u + d] + partial[(h * 32u + 20u) * 8u + d] + partial[(h * 32u + 21u) * 8u + d] + partial[(h * 32u + 22u) * 8u + d] + partial[(h * 32u + 23u) * 8u + d] + partial[(h * 32u + 24u) * 8u + d] + partial[(h * 32u + 25u) * 8u + d] + partial[(h * 32u + 26u) * 8u + d] + partial[(h * 32u + 27u) * 8u + d] + partial[(h * 32u + 28u) * 8u + d] + partial[(h * 32u + 29u) * 8u + d] + partial[(h * 32u + 30u) * 8u + d] + partial[(h * 32u + 31u) * 8u + d];
      }
      if (threadIdx.x < 2u) {
        part[((rowHeads * 2u + threadIdx.x) * 32u + split) * 9u + 8u] = make_float4(weft_max(weft_max(weft_max(weft_max(weft_max(weft_max(weft_max(weft_max(weft_max(weft_max(weft_max(weft_max(weft_max(weft_max(weft_max(weft_max(weft_max(weft_max(weft_max(weft_max(weft_max(weft_max(weft_max(weft_max(weft_max(weft_max(weft_max(weft_max(weft_max(weft_max(weft_max(tops[threadIdx.x * 32u], tops[threadIdx.x * 32u + 1u]), tops[threadIdx.x * 32u + 2u]), tops[threadIdx.x * 32u + 3u]), tops[threadIdx.x * 32u + 4u]), tops[threadIdx.x * 32u + 5u]), tops[threadIdx.x * 32u + 6u]), tops[threadIdx.x * 32u + 7u]), tops[threadIdx.x * 32u + 8u]), tops[threadIdx.x * 32u + 9u]), tops[threadIdx.x * 32u + 10u]), tops[threadIdx.x * 32u + 11u]), tops[threadIdx.x * 32u + 12u]), tops[threadIdx.x * 32u + 13u]), tops[threadIdx.x * 32u + 14u]), tops[threadIdx.x * 32u + 15u]), tops[threadIdx.x * 32u + 16u]), tops[threadIdx.x * 32u + 17u]), tops[threadIdx.x * 32u + 18u]), tops[threadIdx.x * 32u + 19u]), tops[threadIdx.x * 32u + 20u]), tops[threadIdx.x * 32u + 21u]), tops[threadIdx.x * 32u + 22u]), tops[threadIdx.x * 32u + 23u]), tops[threadIdx.x * 32u + 24u]), tops[threadIdx.x * 32u + 25u]), tops[threadIdx.x * 32u + 26u]), tops[threadIdx.x * 32u + 27u]), tops[threadIdx.x * 32u + 28u]), tops[threadIdx.x * 32u + 29u]), tops[threadIdx.x * 32u + 30u]), tops[threadIdx.x * 32u + 31u]), sums[threadIdx.x * 32u] + sums[threadIdx.x * 32u + 1u] + sums[threadIdx.x * 32u + 2u] + sums[threadIdx.x * 32u + 3u] + sums[threadIdx.x * 32u + 4u] + sums[threadIdx.x * 32u + 5u] + sums[threadIdx.x * 32u + 6u] + sums[threadIdx.x * 32u + 7u] + sums[threadIdx.x * 32u + 8u] + sums[threadIdx.x * 32u + 9u] + sums[threadIdx.x * 32u + 10u] + sums[threadIdx.x * 32u + 11u] + sums[threadIdx.x * 32u + 12u] + sums[threadIdx.x * 32u + 13u] + sums[threadIdx.x * 32u + 14u] + sums[threadIdx.x * 32u + 15u] + sums[threadIdx.x * 32u + 16u] + sums[threadIdx.x * 32u + 17u] + sums[threadIdx.x * 32u + 18u] + sums[threadIdx.x * 32u + 19u] + sums[threadIdx.x * 32u + 20u] + sums[threadIdx.x * 32u + 21u] + sums[threadIdx.x * 32u + 22u] + sums[threadIdx.x * 32u + 23u] + sums[threadIdx.x * 32u + 24u] + sums[threadIdx.x * 32u + 25u] + sums[threadIdx.x * 32u + 26u] + sums[threadIdx.x * 32u + 27u] + sums[threadIdx.x * 32u + 28u] + sums[threadIdx.x * 32u + 29u] + sums[threadIdx.x * 32u + 30u] + sums[threadIdx.x * 32u + 31u], 0.0f, 0.0f);
      }
    }
  }
}
