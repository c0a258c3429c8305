// attention.tile { queryTile: 32, threads: 128 }
extern "C" __global__ void __launch_bounds__(128) attention_tile(const weft_float4* q, const weft_half4* k, const weft_half4* v, weft_float4* out, const unsigned* state) {
  __shared__ __attribute__((aligned(32))) weft_float4 queries[288];
  __shared__ __attribute__((aligned(32))) weft_float4 kv[288];
  __shared__ __attribute__((aligned(32))) float scores[1056];
  __shared__ __attribute__((aligned(32))) float tops[32];
  __shared__ __attribute__((aligned(32))) float sums[32];
  __shared__ __attribute__((aligned(32))) float fades[32];
  if (__builtin_amdgcn_workgroup_id_x() < ((state[0u] + 31u) >> 5u) * 4u) {
    const unsigned rows = state[0u];
    const unsigned head = __builtin_amdgcn_workgroup_id_x() & 3u;
    const unsigned kvHead = head >> 1u;
    const unsigned firstRow = (__builtin_amdgcn_workgroup_id_x() >> 2u) * 32u;
    const unsigned ry = __builtin_amdgcn_workitem_id_x() >> 3u;
    const unsigned rx = __builtin_amdgcn_workitem_id_x() & 7u;
#pragma unroll 1
    for (unsigned i = __builtin_amdgcn_workitem_id_x(); i < 256u; i += 128u) {
      const unsigned qRow = i >> 3u;
      const unsigned qd = i & 7u;
      queries[qRow * 9u + qd] = q[(weft_min(firstRow + qRow, rows - 1u) * 4u + head) * 8u + qd] * weft_float4(0.1767766922712326f);
    }
    if (__builtin_amdgcn_workitem_id_x() < 32u) {
      tops[__builtin_amdgcn_workitem_id_x()] = -3.4028234663852886e+38f;
      sums[__builtin_amdgcn_workitem_id_x()] = 0.0f;
    }
    weft_float4 acc = weft_float4(0.0f);
    weft_float4 acc_1 = weft_float4(0.0f);
    const unsigned mine = ry + 16u;
    const unsigned position = state[weft_min(firstRow + ry, rows - 1u) + 320u];
    const unsigned position_1 = state[weft_min(firstRow + mine, rows - 1u) + 320u];
    const unsigned sequence = state[weft_min(firstRow + ry, rows - 1u) + 576u];
    const unsigned sequence_1 = state[weft_min(firstRow + mine, rows - 1u) + 576u];
#pragma unroll 1
    for (unsigned lead = 0u; lead < 32u; lead += 1u) {
      const unsigned current = state[weft_min(firstRow + lead, rows - 1u) + 576u];
      unsigned leads = 1u;
      if (lead > 0u) {
        if (state[weft_min(firstRow + (lead - 1u), rows - 1u) + 576u] == current) {
          leads = 0u;
        } else {
#pragma unroll 1
          for (unsigned j = 0u; j < lead; j += 1u) {
            if (state[weft_min(firstRow + j, rows - 1u) + 576u] == current) {
              leads = 0u;
            }
          }
        }
      }
      if (leads == 1u) {
        unsigned last = 0u;
        unsigned from = 4294967295u;
#pragma unroll 1
        for (unsigned j_1 = lead; j_1 < 32u; j_1 += 1u) {
          if (state[weft_min(firstRow + j_1, rows - 1u) + 576u] == current) {
            const unsigned position_2 = state[weft_min(firstRow + j_1, rows - 1u) + 320u];
            last = weft_max(last, position_2);
            from = weft_min(from, 0u);
          }
        }
#pragma unroll 1
        for (unsigned block = from >> 5u; block < (last >> 5u) + 1u; block += 1u) {
          const unsigned first = block * 32u;
          const unsigned slot = state[current * 16u + (first >> 8u) + 5440u] * 256u + (first & 255u);
          weft_barrier();
#pragma unroll 1
          for (unsigned i_1 = __builtin_amdgcn_workitem_id_x(); i_1 < 256u; i_1 += 128u) {
            const unsigned j_2 = i_1 >> 3u;
            const unsigned d = i_1 & 7u;
            kv[j_2 * 9u + d] = __builtin_convertvector(k[((slot + j_2) * 2u + kvHead) * 8u + d], weft_float4);
          }
          weft_barrier();
          float dot = 0.0f;
          float dot_1 = 0.0f;
          float dot_2 = 0.0f;
          float dot_3 = 0.0f;
          float dot_4 = 0.0f;
          float dot_5 = 0.0f;
          float dot_6 = 0.0f;
          float dot_7 = 0.0f;
#pragma unroll 4
          for (unsigned d_1 = 0u; d_1 < 8u; d_1 += 1u) {
            const weft_float4 a = queries[ry * 9u + d_1];
            const weft_float4 a_1 = queries[mine * 9u + d_1];
            const weft_float4 b = kv[rx * 9u + d_1];
            dot = dot + weft_dot4(a, b);
            dot_4 = dot_4 + weft_dot4(a_1, b);
            const weft_float4 b_1 = kv[(rx + 8u) * 9u + d_1];
            dot_1 = dot_1 + weft_dot4(a, b_1);
            dot_5 = dot_5 + weft_dot4(a_1, b_1);
            const weft_float4 b_2 = kv[(rx + 16u) * 9u + d_1];
            dot_2 = dot_2 + weft_dot4(a, b_2);
            dot_6 = dot_6 + weft_dot4(a_1, b_2);
            const weft_float4 b_3 = kv[(rx + 24u) * 9u + d_1];
            dot_3 = dot_3 + weft_dot4(a, b_3);
            dot_7 = dot_7 + weft_dot4(a_1, b_3);
          }
          const unsigned at = first + rx;
          scores[ry * 33u + rx] = (sequence == current && at <= position && at >= 0u) ? dot : (-3.4028234663852886e+38f);
          const unsigned at_1 = first + rx + 8u;
          scores[ry * 33u + rx + 8u] = (sequence == current && at_1 <= position && at_1 >= 0u) ? dot_1 : (-3.4028234663852886e+38f);
          const unsigned at_2 = first + rx + 16u;
          scores[ry * 33u + rx + 16u] = (sequence == current && at_2 <= position && at_2 >= 0u) ? dot_2 : (-3.4028234663852886e+38f);
          const unsigned at_3 = first + rx + 24u;
          scores[ry * 33u + rx + 24u] = (sequence == current && at_3 <= position && at_3 >= 0u) ? dot_3 : (-3.4028234663852886e+38f);
          const unsigned at_4 = first + rx;
          scores[mine * 33u + rx] = (sequence_1 == current && at_4 <= position_1 && at_4 >= 0u) ? dot_4 : (-3.4028234663852886e+38f);
          const unsigned at_5 = first + rx + 8u;
          scores[mine * 33u + rx + 8u] = (sequence_1 == current && at_5 <= position_1 && at_5 >= 0u) ? dot_5 : (-3.4028234663852886e+38f);
          const unsigned at_6 = first + rx + 16u;
          scores[mine * 33u + rx + 16u] = (sequence_1 == current && at_6 <= position_1 && at_6 >= 0u) ? dot_6 : (-3.4028234663852886e+38f);
          const unsigned at_7 = first + rx + 24u;
          scores[mine * 33u + rx + 24u] = (sequence_1 == current && at_7 <= position_1 && at_7 >= 0u) ? dot_7 : (-3.4028234663852886e+38f);
          weft_barrier();
          if (__builtin_amdgcn_workitem_id_x() < 32u) {
            const unsigned scoresAt = __builtin_amdgcn_workitem_id_x() * 33u;
            const float before = tops[__builtin_amdgcn_workitem_id_x()];
            float top = before;
#pragma unroll 8
            for (unsigned j_3 = 0u; j_3 < 32u; j_3 += 1u) {
              top = weft_max(top, scores[scoresAt + j_3]);
            }
            float sum = 0.0f;
#pragma unroll 8
            for (unsigned j_4 = 0u; j_4 < 32u; j_4 += 1u) {
              const float s = scores[scoresAt + j_4];
              const float weight = (s > (-3.4028234663852886e+38f)) ? weft_exp(s - top) : 0.0f;
              scores[scoresAt + j_4] = weight;
              sum = sum + weight;
            }
            const float fade = weft_exp(before - top);
            fades[__builtin_amdgcn_workitem_id_x()] = fade;
            sums[__builtin_amdgcn_workitem_id_x()] = sums[__builtin_amdgcn_workitem_id_x()] * fade + sum;
            tops[__builtin_amdgcn_workitem_id_x()] = top;
          }
#pragma unroll 1
          for (unsigned i_2 = __builtin_amdgcn_workitem_id_x(); i_2 < 256u; i_2 += 128u) {
            const unsigned j_5 = i_2 >> 3u;
            const unsigned d_2 = i_2 & 7u;
            kv[j_5 * 9u + d_2] = __builtin_convertvector(v[((slot + j_5) * 2u + kvHead) * 8u + d_2], weft_float4);
          }
          weft_barrier();
          const weft_float4 rowFade = weft_float4(fades[ry]);
          acc = acc * rowFade;
          const weft_float4 rowFade_1 = weft_float4(fades[mine]);
          acc_1 = acc_1 * rowFade_1;
#pragma unroll 4
          for (unsigned j_6 = 0u; j_6 < 32u; j_6 += 1u) {
            const weft_float4 w = weft_float4(scores[ry * 33u + j_6]);
            const weft_float4 w_1 = weft_float4(scores[mine * 33u + j_6]);
            const weft_float4 v_1 = kv[j_6 * 9u + rx];
            acc = weft_fma(v_1, w, acc);
            acc_1 = weft_fma(v_1, w_1, acc_1);
          }
        }
      }
    }
    weft_barrier();
    const unsigned outRow = firstRow + ry;
    if (outRow < rows) {
      const weft_float4 factor = weft_float4(1.0f / sums[ry]);
      out[(outRow * 4u + head) * 8u + rx] = acc * factor;
    }
    const unsigned outRow_1 = firstRow + mine;
    if (outRow_1 < rows) {
      const weft_float4 factor_1 = weft_float4(1.0f / sums[mine]);
      out[(outRow_1 * 4u + head) * 8u + rx] = acc_1 * factor_1;
    }
  }
}
