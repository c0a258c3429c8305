// attention.tile { queryTile: 32, threads: 128 }
[[max_total_threads_per_threadgroup(128)]]
kernel void attention_tile(
  device const float4* q [[buffer(0)]],
  device const half4* k [[buffer(1)]],
  device const half4* v [[buffer(2)]],
  device float4* out [[buffer(3)]],
  device const uint* state [[buffer(4)]],
  uint weft_tile [[threadgroup_position_in_grid]],
  uint weft_local [[thread_index_in_threadgroup]]) {
  threadgroup float4 queries[288];
  threadgroup float4 kv[288];
  threadgroup float scores[1056];
  threadgroup float tops[32];
  threadgroup float sums[32];
  threadgroup float fades[32];
  if (weft_tile < ((state[0u] + 31u) >> 5u) * 4u) {
    const uint rows = state[0u];
    const uint head = weft_tile & 3u;
    const uint kvHead = head >> 1u;
    const uint firstRow = (weft_tile >> 2u) * 32u;
    const uint ry = weft_local >> 3u;
    const uint rx = weft_local & 7u;
#pragma unroll 1
    for (uint i = weft_local; i < 256u; i += 128u) {
      const uint qRow = i >> 3u;
      const uint qd = i & 7u;
      queries[qRow * 9u + qd] = q[(weft_min(firstRow + qRow, rows - 1u) * 4u + head) * 8u + qd] * float4(0.1767766922712326f);
    }
    if (weft_local < 32u) {
      tops[weft_local] = -3.4028234663852886e+38f;
      sums[weft_local] = 0.0f;
    }
    float4 acc = float4(0.0f);
    float4 acc_1 = float4(0.0f);
    const uint mine = ry + 16u;
    const uint position = state[weft_min(firstRow + ry, rows - 1u) + 320u];
    const uint position_1 = state[weft_min(firstRow + mine, rows - 1u) + 320u];
    const uint sequence = state[weft_min(firstRow + ry, rows - 1u) + 576u];
    const uint sequence_1 = state[weft_min(firstRow + mine, rows - 1u) + 576u];
#pragma unroll 1
    for (uint lead = 0u; lead < 32u; lead += 1u) {
      const uint current = state[weft_min(firstRow + lead, rows - 1u) + 576u];
      uint leads = 1u;
      if (lead > 0u) {
        if (state[weft_min(firstRow + (lead - 1u), rows - 1u) + 576u] == current) {
          leads = 0u;
        } else {
#pragma unroll 1
          for (uint j = 0u; j < lead; j += 1u) {
            if (state[weft_min(firstRow + j, rows - 1u) + 576u] == current) {
              leads = 0u;
            }
          }
        }
      }
      if (leads == 1u) {
        uint last = 0u;
        uint from = 4294967295u;
#pragma unroll 1
        for (uint j_1 = lead; j_1 < 32u; j_1 += 1u) {
          if (state[weft_min(firstRow + j_1, rows - 1u) + 576u] == current) {
            const uint position_2 = state[weft_min(firstRow + j_1, rows - 1u) + 320u];
            last = weft_max(last, position_2);
            from = weft_min(from, 0u);
          }
        }
#pragma unroll 1
        for (uint block = from >> 5u; block < (last >> 5u) + 1u; block += 1u) {
          const uint first = block * 32u;
          const uint slot = state[current * 16u + (first >> 8u) + 5440u] * 256u + (first & 255u);
          threadgroup_barrier(mem_flags::mem_threadgroup | mem_flags::mem_device);
#pragma unroll 1
          for (uint i_1 = weft_local; i_1 < 256u; i_1 += 128u) {
            const uint j_2 = i_1 >> 3u;
            const uint d = i_1 & 7u;
            kv[j_2 * 9u + d] = float4(k[((slot + j_2) * 2u + kvHead) * 8u + d]);
          }
          threadgroup_barrier(mem_flags::mem_threadgroup | mem_flags::mem_device);
          float dot = 0.0f;
          float dot_1 = 0.0f;
          float dot_2 = 0.0f;
          float dot_3 = 0.0f;
          float dot_4 = 0.0f;
          float dot_5 = 0.0f;
          float dot_6 = 0.0f;
          float dot_7 = 0.0f;
#pragma unroll 4
          for (uint d_1 = 0u; d_1 < 8u; d_1 += 1u) {
            const float4 a = queries[ry * 9u + d_1];
            const float4 a_1 = queries[mine * 9u + d_1];
            const float4 b = kv[rx * 9u + d_1];
            dot = dot + weft_dot4(a, b);
            dot_4 = dot_4 + weft_dot4(a_1, b);
            const float4 b_1 = kv[(rx + 8u) * 9u + d_1];
            dot_1 = dot_1 + weft_dot4(a, b_1);
            dot_5 = dot_5 + weft_dot4(a_1, b_1);
            const float4 b_2 = kv[(rx + 16u) * 9u + d_1];
            dot_2 = dot_2 + weft_dot4(a, b_2);
            dot_6 = dot_6 + weft_dot4(a_1, b_2);
            const float4 b_3 = kv[(rx + 24u) * 9u + d_1];
            dot_3 = dot_3 + weft_dot4(a, b_3);
            dot_7 = dot_7 + weft_dot4(a_1, b_3);
          }
          const uint at = first + rx;
          scores[ry * 33u + rx] = (sequence == current && at <= position && at >= 0u) ? dot : (-3.4028234663852886e+38f);
          const uint at_1 = first + rx + 8u;
          scores[ry * 33u + rx + 8u] = (sequence == current && at_1 <= position && at_1 >= 0u) ? dot_1 : (-3.4028234663852886e+38f);
          const uint at_2 = first + rx + 16u;
          scores[ry * 33u + rx + 16u] = (sequence == current && at_2 <= position && at_2 >= 0u) ? dot_2 : (-3.4028234663852886e+38f);
          const uint at_3 = first + rx + 24u;
          scores[ry * 33u + rx + 24u] = (sequence == current && at_3 <= position && at_3 >= 0u) ? dot_3 : (-3.4028234663852886e+38f);
          const uint at_4 = first + rx;
          scores[mine * 33u + rx] = (sequence_1 == current && at_4 <= position_1 && at_4 >= 0u) ? dot_4 : (-3.4028234663852886e+38f);
          const uint at_5 = first + rx + 8u;
          scores[mine * 33u + rx + 8u] = (sequence_1 == current && at_5 <= position_1 && at_5 >= 0u) ? dot_5 : (-3.4028234663852886e+38f);
          const uint at_6 = first + rx + 16u;
          scores[mine * 33u + rx + 16u] = (sequence_1 == current && at_6 <= position_1 && at_6 >= 0u) ? dot_6 : (-3.4028234663852886e+38f);
          const uint at_7 = first + rx + 24u;
          scores[mine * 33u + rx + 24u] = (sequence_1 == current && at_7 <= position_1 && at_7 >= 0u) ? dot_7 : (-3.4028234663852886e+38f);
          threadgroup_barrier(mem_flags::mem_threadgroup | mem_flags::mem_device);
          if (weft_local < 32u) {
            const uint scoresAt = weft_local * 33u;
            const float before = tops[weft_local];
            float top = before;
#pragma unroll 8
            for (uint j_3 = 0u; j_3 < 32u; j_3 += 1u) {
              top = weft_max(top, scores[scoresAt + j_3]);
            }
            float sum = 0.0f;
#pragma unroll 8
            for (uint j_4 = 0u; j_4 < 32u; j_4 += 1u) {
              const float s = scores[scoresAt + j_4];
              const float weight = (s > (-3.4028234663852886e+38f)) ? weft_exp(s - top) : 0.0f;
              scores[scoresAt + j_4] = weight;
              sum = sum + weight;
            }
            const float fade = weft_exp(before - top);
            fades[weft_local] = fade;
            sums[weft_local] = sums[weft_local] * fade + sum;
            tops[weft_local] = top;
          }
#pragma unroll 1
          for (uint i_2 = weft_local; i_2 < 256u; i_2 += 128u) {
            const uint j_5 = i_2 >> 3u;
            const uint d_2 = i_2 & 7u;
            kv[j_5 * 9u + d_2] = float4(v[((slot + j_5) * 2u + kvHead) * 8u + d_2]);
          }
          threadgroup_barrier(mem_flags::mem_threadgroup | mem_flags::mem_device);
          const float4 rowFade = float4(fades[ry]);
          acc = acc * rowFade;
          const float4 rowFade_1 = float4(fades[mine]);
          acc_1 = acc_1 * rowFade_1;
#pragma unroll 4
          for (uint j_6 = 0u; j_6 < 32u; j_6 += 1u) {
            const float4 w = float4(scores[ry * 33u + j_6]);
            const float4 w_1 = float4(scores[mine * 33u + j_6]);
            const float4 v_1 = kv[j_6 * 9u + rx];
            acc = weft_fma(v_1, w, acc);
            acc_1 = weft_fma(v_1, w_1, acc_1);
          }
        }
      }
    }
    threadgroup_barrier(mem_flags::mem_threadgroup | mem_flags::mem_device);
    const uint outRow = firstRow + ry;
    if (outRow < rows) {
      const float4 factor = float4(1.0f / sums[ry]);
      out[(outRow * 4u + head) * 8u + rx] = acc * factor;
    }
    const uint outRow_1 = firstRow + mine;
    if (outRow_1 < rows) {
      const float4 factor_1 = float4(1.0f / sums[mine]);
      out[(outRow_1 * 4u + head) * 8u + rx] = acc_1 * factor_1;
    }
  }
}
