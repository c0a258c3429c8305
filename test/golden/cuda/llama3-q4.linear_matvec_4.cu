// linear.matvec { lanes: 32, columns: 2, threads: 64, stages: 2 }
extern "C" __global__ void __launch_bounds__(64) linear_matvec_4(const float4* x, float* out, const uint4* __restrict__ weight, const unsigned* __restrict__ weightWords, const unsigned* state) {
  weft_await_launches();
  const unsigned laneOfTeam = threadIdx.x & 31u;
  const unsigned first = (blockIdx.x * 2u + (threadIdx.x >> 5u)) * 2u;
  const unsigned col = first + 1u;
  float acc = 0.0f;
  float acc_1 = 0.0f;
  float acc_2 = 0.0f;
  float acc_3 = 0.0f;
  float acc_4 = 0.0f;
  float acc_5 = 0.0f;
  float acc_6 = 0.0f;
  float acc_7 = 0.0f;
  float acc_8 = 0.0f;
  float acc_9 = 0.0f;
  float acc_10 = 0.0f;
  float acc_11 = 0.0f;
  float acc_12 = 0.0f;
  float acc_13 = 0.0f;
  float acc_14 = 0.0f;
  float acc_15 = 0.0f;
  if (laneOfTeam < 4u) {
    uint4 ahead = weft_stream(&weight[first * 4u + laneOfTeam]);
    unsigned ahead_1 = unsigned(__ldg(&((const unsigned short*)weightWords)[first * 4u + laneOfTeam + 2048u]));
    uint4 ahead_2 = weft_stream(&weight[col * 4u + laneOfTeam]);
    unsigned ahead_3 = unsigned(__ldg(&((const unsigned short*)weightWords)[col * 4u + laneOfTeam + 2048u]));
#pragma unroll 1
    for (unsigned i = laneOfTeam; i < 4u; i += 32u) {
      const uint4 now = ahead;
      const unsigned now_1 = ahead_1;
      const uint4 now_2 = ahead_2;
      const unsigned now_3 = ahead_3;
      const unsigned next = i + 32u;
      if (next < 4u) {
        ahead = weft_stream(&weight[first * 4u + next]);
        ahead_1 = unsigned(__ldg(&((const unsigned short*)weightWords)[first * 4u + next + 2048u]));
        ahead_2 = weft_stream(&weight[col * 4u + next]);
        ahead_3 = unsigned(__ldg(&((const unsigned short*)weightWords)[col * 4u + next + 2048u]));
      }
      const unsigned xAt = i * 8u;
      const float scale = weft_f16_bits(now_1);
      const float scale_1 = weft_f16_bits(now_3);
      const float4 xv = x[xAt];
      const float4 xv_1 = x[xAt + 1u];
      const float4 xv_2 = x[xAt + 2u];
      const float4 xv_3 = x[xAt + 3u];
      const float4 xv_4 = x[xAt + 4u];
      const float4 xv_5 = x[xAt + 5u];
      const float4 xv_6 = x[xAt + 6u];
      const float4 xv_7 = x[xAt + 7u];
      const float products = weft_dot4(weft_u4x4(now.x & 65535u) - weft_splat(8.0f), xv) + weft_dot4(weft_u4x4(now.x >> 16u) - weft_splat(8.0f), xv_1) + (weft_dot4(weft_u4x4(now.y & 65535u) - weft_splat(8.0f), xv_2) + weft_dot4(weft_u4x4(now.y >> 16u) - weft_splat(8.0f), xv_3)) + (weft_dot4(weft_u4x4(now.z & 65535u) - weft_splat(8.0f), xv_4) + weft_dot4(weft_u4x4(now.z >> 16u) - weft_splat(8.0f), xv_5) + (weft_dot4(weft_u4x4(now.w & 65535u) - weft_splat(8.0f), xv_6) + weft_dot4(weft_u4x4(now.w >> 16u) - weft_splat(8.0f), xv_7)));
      acc = weft_fma(products, scale, acc);
      const float products_1 = weft_dot4(weft_u4x4(now_2.x & 65535u) - weft_splat(8.0f), xv) + weft_dot4(weft_u4x4(now_2.x >> 16u) - weft_splat(8.0f), xv_1) + (weft_dot4(weft_u4x4(now_2.y & 65535u) - weft_splat(8.0f), xv_2) + weft_dot4(weft_u4x4(now_2.y >> 16u) - weft_splat(8.0f), xv_3)) + (weft_dot4(weft_u4x4(now_2.z & 65535u) - weft_splat(8.0f), xv_4) + weft_dot4(weft_u4x4(now_2.z >> 16u) - weft_splat(8.0f), xv_5) + (weft_dot4(weft_u4x4(now_2.w & 65535u) - weft_splat(8.0f), xv_6) + weft_dot4(weft_u4x4(now_2.w >> 16u) - weft_splat(8.0f), xv_7)));
      acc_8 = weft_fma(products_1, scale_1, acc_8);
      const float4 xv_8 = x[xAt + 32u];
      const float4 xv_9 = x[xAt + 33u];
      const float4 xv_10 = x[xAt + 34u];
      const float4 xv_11 = x[xAt + 35u];
      const float4 xv_12 = x[xAt + 36u];
      const float4 xv_13 = x[xAt + 37u];
      const float4 xv_14 = x[xAt + 38u];
      const float4 xv_15 = x[xAt + 39u];
      const float products_2 = weft_dot4(weft_u4x4(now.x & 65535u) - weft_splat(8.0f), xv_8) + weft_dot4(weft_u4x4(now.x >> 16u) - weft_splat(8.0f), xv_9) + (weft_dot4(weft_u4x4(now.y & 65535u) - weft_splat(8.0f), xv_10) + weft_dot4(weft_u4x4(now.y >> 16u) - weft_splat(8.0f), xv_11)) + (weft_dot4(weft_u4x4(now.z & 65535u) - weft_splat(8.0f), xv_12) + weft_dot4(weft_u4x4(now.z >> 16u) - weft_splat(8.0f), xv_13) + (weft_dot4(weft_u4x4(now.w & 65535u) - weft_splat(8.0f), xv_14) + weft_dot4(weft_u4x4(now.w >> 16u) - weft_splat(8.0f), xv_15)));
      acc_1 = weft_fma(products_2, scale, acc_1);
      const float products_3 = weft_dot4(weft_u4x4(now_2.x & 65535u) - weft_splat(8.0f), xv_8) + weft_dot4(weft_u4x4(now_2.x >> 16u) - weft_splat(8.0f), xv_9) + (weft_dot4(weft_u4x4(now_2.y & 65535u) - weft_splat(8.0f), xv_10) + weft_dot4(weft_u4x4(now_2.y >> 16u) - weft_splat(8.0f), xv_11)) + (weft_dot4(weft_u4x4(now_2.z & 65535u) - weft_splat(8.0f), xv_12) + weft_dot4(weft_u4x4(now_2.z >> 16u) - weft_splat(8.0f), xv_13) + (weft_dot4(weft_u4x4(now_2.w & 65535u) - weft_splat(8.0f), xv_14) + weft_dot4(weft_u4x4(now_2.w >> 16u) - weft_splat(8.0f), xv_15)));
      acc_9 = weft_fma(products_3, scale_1, acc_9);
      const float4 xv_16 = x[xAt + 64u];
      const float4 xv_17 = x[xAt + 65u];
      const float4 xv_18 = x[xAt + 66u];
      const float4 xv_19 = x[xAt + 67u];
      const float4 xv_20 = x[xAt + 68u];
      const float4 xv_21 = x[xAt + 69u];
      const float4 xv_22 = x[xAt + 70u];
      const float4 xv_23 = x[xAt + 71u];
      const float products_4 = weft_dot4(weft_u4x4(now.x & 65535u) - weft_splat(8.0f), xv_16) + weft_dot4(weft_u4x4(now.x >> 16u) - weft_splat(8.0f), xv_17) + (weft_dot4(weft_u4x4(now.y & 65535u) - weft_splat(8.0f), xv_18) + weft_dot4(weft_u4x4(now.y >> 16u) - weft_splat(8.0f), xv_19)) + (weft_dot4(weft_u4x4(now.z & 65535u) - weft_splat(8.0f), xv_20) + weft_dot4(weft_u4x4(now.z >> 16u) - weft_splat(8.0f), xv_21) + (weft_dot4(weft_u4x4(now.w & 65535u) - weft_splat(8.0f), xv_22) + weft_dot4(weft_u4x4(now.w >> 16u) - weft_splat(8.0f), xv_23)));
      acc_2 = weft_fma(products_4, scale, acc_2);
      const float products_5 = weft_dot4(weft_u4x4(now_2.x & 65535u) - weft_splat(8.0f), xv_16) + weft_dot4(weft_u4x4(now_2.x >> 16u) - weft_splat(8.0f), xv_17) + (weft_dot4(weft_u4x4(now_2.y & 65535u) - weft_splat(8.0f), xv_18) + weft_dot4(weft_u4x4(now_2.y >> 16u) - weft_splat(8.0f), xv_19)) + (weft_dot4(weft_u4x4(now_2.z & 65535u) - weft_splat(8.0f), xv_20) + weft_dot4(weft_u4x4(now_2.z >> 16u) - weft_splat(8.0f), xv_21) + (weft_dot4(weft_u4x4(now_2.w & 65535u) - weft_splat(8.0f), xv_22) + weft_dot4(weft_u4x4(now_2.w >> 16u) - weft_splat(8.0f), xv_23)));
      acc_10 = weft_fma(products_5, scale_1, acc_10);
      const float4 xv_24 = x[xAt + 96u];
      const float4 xv_25 = x[xAt + 97u];
      const float4 xv_26 = x[xAt + 98u];
      const float4 xv_27 = x[xAt + 99u];
      const float4 xv_28 = x[xAt + 100u];
      const float4 xv_29 = x[xAt + 101u];
      const float4 xv_30 = x[xAt + 102u];
      const float4 xv_31 = x[xAt + 103u];
      const float products_6 = weft_dot4(weft_u4x4(now.x & 65535u) - weft_splat(8.0f), xv_24) + weft_dot4(weft_u4x4(now.x >> 16u) - weft_splat(8.0f), xv_25) + (weft_dot4(weft_u4x4(now.y & 65535u) - weft_splat(8.0f), xv_26) + weft_dot4(weft_u4x4(now.y >> 16u) - weft_splat(8.0f), xv_27)) + (weft_dot4(weft_u4x4(now.z & 65535u) - weft_splat(8.0f), xv_28) + weft_dot4(weft_u4x4(now.z >> 16u) - weft_splat(8.0f), xv_29) + (weft_dot4(weft_u4x4(now.w & 65535u) - weft_splat(8.0f), xv_30) + weft_dot4(weft_u4x4(now.w >> 16u) - weft_splat(8.0f), xv_31)));
      acc_3 = weft_fma(products_6, scale, acc_3);
      const float products_7 = weft_dot4(weft_u4x4(now_2.x & 65535u) - weft_splat(8.0f), xv_24) + weft_dot4(weft_u4x4(now_2.x >> 16u) - weft_splat(8.0f), xv_25) + (weft_dot4(weft_u4x4(now_2.y & 65535u) - weft_splat(8.0f), xv_26) + weft_dot4(weft_u4x4(now_2.y >> 16u) - weft_splat(8.0f), xv_27)) + (weft_dot4(weft_u4x4(now_2.z & 65535u) - weft_splat(8.0f), xv_28) + weft_dot4(weft_u4x4(now_2.z >> 16u) - weft_splat(8.0f), xv_29) + (weft_dot4(weft_u4x4(now_2.w & 65535u) - weft_splat(8.0f), xv_30) + weft_dot4(weft_u4x4(now_2.w >> 16u) - weft_splat(8.0f), xv_31)));
      acc_11 = weft_fma(products_7, scale_1, acc_11);
      const float4 xv_32 = x[xAt + 128u];
      const float4 xv_33 = x[xAt + 129u];
      const float4 xv_34 = x[xAt + 130u];
      const float4 xv_35 = x[xAt + 131u];
      const float4 xv_36 = x[xAt + 132u];
      const float4 xv_37 = x[xAt + 133u];
      const float4 xv_38 = x[xAt + 134u];
      const float4 xv_39 = x[xAt + 135u];
      const float products_8 = weft_dot4(weft_u4x4(now.x & 65535u) - weft_splat(8.0f), xv_32) + weft_dot4(weft_u4x4(now.x >> 16u) - weft_splat(8.0f), xv_33) + (weft_dot4(weft_u4x4(now.y & 65535u) - weft_splat(8.0f), xv_34) + weft_dot4(weft_u4x4(now.y >> 16u) - weft_splat(8.0f), xv_35)) + (weft_dot4(weft_u4x4(now.z & 65535u) - weft_splat(8.0f), xv_36) + weft_dot4(weft_u4x4(now.z >> 16u) - weft_splat(8.0f), xv_37) + (weft_dot4(weft_u4x4(now.w & 65535u) - weft_splat(8.0f), xv_38) + weft_dot4(weft_u4x4(now.w >> 16u) - weft_splat(8.0f), xv_39)));
      acc_4 = weft_fma(products_8, scale, acc_4);
      const float products_9 = weft_dot4(weft_u4x4(now_2.x & 65535u) - weft_splat(8.0f), xv_32) + weft_dot4(weft_u4x4(now_2.x >> 16u) - weft_splat(8.0f), xv_33) + (weft_dot4(weft_u4x4(now_2.y & 65535u) - weft_splat(8.0f), xv_34) + weft_dot4(weft_u4x4(now_2.y >> 16u) - weft_splat(8.0f), xv_35)) + (weft_dot4(weft_u4x4(now_2.z & 65535u) - weft_splat(8.0f), xv_36) + weft_dot4(weft_u4x4(now_2.z >> 16u) - weft_splat(8.0f), xv_37) + (weft_dot4(weft_u4x4(now_2.w & 65535u) - weft_splat(8.0f), xv_38) + weft_dot4(weft_u4x4(now_2.w >> 16u) - weft_splat(8.0f), xv_39)));
      acc_12 = weft_fma(products_9, scale_1, acc_12);
      const float4 xv_40 = x[xAt + 160u];
      const float4 xv_41 = x[xAt + 161u];
      const float4 xv_42 = x[xAt + 162u];
      const float4 xv_43 = x[xAt + 163u];
      const float4 xv_44 = x[xAt + 164u];
      const float4 xv_45 = x[xAt + 165u];
      const float4 xv_46 = x[xAt + 166u];
      const float4 xv_47 = x[xAt + 167u];
      const float products_10 = weft_dot4(weft_u4x4(now.x & 65535u) - weft_splat(8.0f), xv_40) + weft_dot4(weft_u4x4(now.x >> 16u) - weft_splat(8.0f), xv_41) + (weft_dot4(weft_u4x4(now.y & 65535u) - weft_splat(8.0f), xv_42) + weft_dot4(weft_u4x4(now.y >> 16u) - weft_splat(8.0f), xv_43)) + (weft_dot4(weft_u4x4(now.z & 65535u) - weft_splat(8.0f), xv_44) + weft_dot4(weft_u4x4(now.z >> 16u) - weft_splat(8.0f), xv_45) + (weft_dot4(weft_u4x4(now.w & 65535u) - weft_splat(8.0f), xv_46) + weft_dot4(weft_u4x4(now.w >> 16u) - weft_splat(8.0f), xv_47)));
      acc_5 = weft_fma(products_10, scale, acc_5);
      const float products_11 = weft_dot4(weft_u4x4(now_2.x & 65535u) - weft_splat(8.0f), xv_40) + weft_dot4(weft_u4x4(now_2.x >> 16u) - weft_splat(8.0f), xv_41) + (weft_dot4(weft_u4x4(now_2.y & 65535u) - weft_splat(8.0f), xv_42) + weft_dot4(weft_u4x4(now_2.y >> 16u) - weft_splat(8.0f), xv_43)) + (weft_dot4(weft_u4x4(now_2.z & 65535u) - weft_splat(8.0f), xv_44) + weft_dot4(weft_u4x4(now_2.z >> 16u) - weft_splat(8.0f), xv_45) + (weft_dot4(weft_u4x4(now_2.w & 65535u) - weft_splat(8.0f), xv_46) + weft_dot4(weft_u4x4(now_2.w >> 16u) - weft_splat(8.0f), xv_47)));
      acc_13 = weft_fma(products_11, scale_1, acc_13);
      const float4 xv_48 = x[xAt + 192u];
      const float4 xv_49 = x[xAt + 193u];
      const float4 xv_50 = x[xAt + 194u];
      const float4 xv_51 = x[xAt + 195u];
      const float4 xv_52 = x[xAt + 196u];
      const float4 xv_53 = x[xAt + 197u];
      const float4 xv_54 = x[xAt + 198u];
      const float4 xv_55 = x[xAt + 199u];
      const float products_12 = weft_dot4(weft_u4x4(now.x & 65535u) - weft_splat(8.0f), xv_48) + weft_dot4(weft_u4x4(now.x >> 16u) - weft_splat(8.0f), xv_49) + (weft_dot4(weft_u4x4(now.y & 65535u) - weft_splat(8.0f), xv_50) + weft_dot4(weft_u4x4(now.y >> 16u) - weft_splat(8.0f), xv_51)) + (weft_dot4(weft_u4x4(now.z & 65535u) - weft_splat(8.0f), xv_52) + weft_dot4(weft_u4x4(now.z >> 16u) - weft_splat(8.0f), xv_53) + (weft_dot4(weft_u4x4(now.w & 65535u) - weft_splat(8.0f), xv_54) + weft_dot4(weft_u4x4(now.w >> 16u) - weft_splat(8.0f), xv_55)));
      acc_6 = weft_fma(products_12, scale, acc_6);
      const float products_13 = weft_dot4(weft_u4x4(now_2.x & 65535u) - weft_splat(8.0f), xv_48) + weft_dot4(weft_u4x4(now_2.x >> 16u) - weft_splat(8.0f), xv_49) + (weft_dot4(weft_u4x4(now_2.y & 65535u) - weft_splat(8.0f), xv_50) + weft_dot4(weft_u4x4(now_2.y >> 16u) - weft_splat(8.0f), xv_51)) + (weft_dot4(weft_u4x4(now_2.z & 65535u) - weft_splat(8.0f), xv_52) + weft_dot4(weft_u4x4(now_2.z >> 16u) - weft_splat(8.0f), xv_53) + (weft_dot4(weft_u4x4(now_2.w & 65535u) - weft_splat(8.0f), xv_54) + weft_dot4(weft_u4x4(now_2.w >> 16u) - weft_splat(8.0f), xv_55)));
      acc_14 = weft_fma(products_13, scale_1, acc_14);
      const float4 xv_56 = x[xAt + 224u];
      const float4 xv_57 = x[xAt + 225u];
      const float4 xv_58 = x[xAt + 226u];
      const float4 xv_59 = x[xAt + 227u];
      const float4 xv_60 = x[xAt + 228u];
      const float4 xv_61 = x[xAt + 229u];
      const float4 xv_62 = x[xAt + 230u];
      const float4 xv_63 = x[xAt + 231u];
      const float products_14 = weft_dot4(weft_u4x4(now.x & 65535u) - weft_splat(8.0f), xv_56) + weft_dot4(weft_u4x4(now.x >> 16u) - weft_splat(8.0f), xv_57) + (weft_dot4(weft_u4x4(now.y & 65535u) - weft_splat(8.0f), xv_58) + weft_dot4(weft_u4x4(now.y >> 16u) - weft_splat(8.0f), xv_59)) + (weft_dot4(weft_u4x4(now.z & 65535u) - weft_splat(8.0f), xv_60) + weft_dot4(weft_u4x4(now.z >> 16u) - weft_splat(8.0f), xv_61) + (weft_dot4(weft_u4x4(now.w & 65535u) - weft_splat(8.0f), xv_62) + weft_dot4(weft_u4x4(now.w >> 16u) - weft_splat(8.0f), xv_63)));
      acc_7 = weft_fma(products_14, scale, acc_7);
      const float products_15 = weft_dot4(weft_u4x4(now_2.x & 65535u) - weft_splat(8.0f), xv_56) + weft_dot4(weft_u4x4(now_2.x >> 16u) - weft_splat(8.0f), xv_57) + (weft_dot4(weft_u4x4(now_2.y & 65535u) - weft_splat(8.0f), xv_58) + weft_dot4(weft_u4x4(now_2.y >> 16u) - weft_splat(8.0f), xv_59)) + (weft_dot4(weft_u4x4(now_2.z & 65535u) - weft_splat(8.0f), xv_60) + weft_dot4(weft_u4x4(now_2.z >> 16u) - weft_splat(8.0f), xv_61) + (weft_dot4(weft_u4x4(now_2.w & 65535u) - weft_splat(8.0f), xv_62) + weft_dot4(weft_u4x4(now_2.w >> 16u) - weft_splat(8.0f), xv_63)));
      acc_15 = weft_fma(products_15, scale_1, acc_15);
    }
  }
  const float sum = acc + weft_shuffle_xor(acc, 16u);
  const float sum_1 = sum + weft_shuffle_xor(sum, 8u);
  const float sum_2 = sum_1 + weft_shuffle_xor(sum_1, 4u);
  const float sum_3 = sum_2 + weft_shuffle_xor(sum_2, 2u);
  const float sum_4 = sum_3 + weft_shuffle_xor(sum_3, 1u);
  const float sum_5 = acc_1 + weft_shuffle_xor(acc_1, 16u);
  const float sum_6 = sum_5 + weft_shuffle_xor(sum_5, 8u);
  const float sum_7 = sum_6 + weft_shuffle_xor(sum_6, 4u);
  const float sum_8 = sum_7 + weft_shuffle_xor(sum_7, 2u);
  const float sum_9 = sum_8 + weft_shuffle_xor(sum_8, 1u);
  const float sum_10 = acc_2 + weft_shuffle_xor(acc_2, 16u);
  const float sum_11 = sum_10 + weft_shuffle_xor(sum_10, 8u);
  const float sum_12 = sum_11 + weft_shuffle_xor(sum_11, 4u);
  const float sum_13 = sum_12 + weft_shuffle_xor(sum_12, 2u);
  const float sum_14 = sum_13 + weft_shuffle_xor(sum_13, 1u);
  const float sum_15 = acc_3 + weft_shuffle_xor(acc_3, 16u);
  const float sum_16 = sum_15 + weft_shuffle_xor(sum_15, 8u);
  const float sum_17 = sum_16 + weft_shuffle_xor(sum_16, 4u);
  const float sum_18 = sum_17 + weft_shuffle_xor(sum_17, 2u);
  const float sum_19 = sum_18 + weft_shuffle_xor(sum_18, 1u);
  const float sum_20 = acc_4 + weft_shuffle_xor(acc_4, 16u);
  const float sum_21 = sum_20 + weft_shuffle_xor(sum_20, 8u);
  const float sum_22 = sum_21 + weft_shuffle_xor(sum_21, 4u);
  const float sum_23 = sum_22 + weft_shuffle_xor(sum_22, 2u);
  const float sum_24 = sum_23 + weft_shuffle_xor(sum_23, 1u);
  const float sum_25 = acc_5 + weft_shuffle_xor(acc_5, 16u);
  const float sum_26 = sum_25 + weft_shuffle_xor(sum_25, 8u);
  const float sum_27 = sum_26 + weft_shuffle_xor(sum_26, 4u);
  const float sum_28 = sum_27 + weft_shuffle_xor(sum_27, 2u);
  const float sum_29 = sum_28 + weft_shuffle_xor(sum_28, 1u);
  const float sum_30 = acc_6 + weft_shuffle_xor(acc_6, 16u);
  const float sum_31 = sum_30 + weft_shuffle_xor(sum_30, 8u);
  const float sum_32 = sum_31 + weft_shuffle_xor(sum_31, 4u);
  const float sum_33 = sum_32 + weft_shuffle_xor(sum_32, 2u);
  const float sum_34 = sum_33 + weft_shuffle_xor(sum_33, 1u);
  const float sum_35 = acc_7 + weft_shuffle_xor(acc_7, 16u);
  const float sum_36 = sum_35 + weft_shuffle_xor(sum_35, 8u);
  const float sum_37 = sum_36 + weft_shuffle_xor(sum_36, 4u);
  const float sum_38 = sum_37 + weft_shuffle_xor(sum_37, 2u);
  const float sum_39 = sum_38 + weft_shuffle_xor(sum_38, 1u);
  const float sum_40 = acc_8 + weft_shuffle_xor(acc_8, 16u);
  const float sum_41 = sum_40 + weft_shuffle_xor(sum_40, 8u);
  const float sum_42 = sum_41 + weft_shuffle_xor(sum_41, 4u);
  const float sum_43 = sum_42 + weft_shuffle_xor(sum_42, 2u);
  const float sum_44 = sum_43 + weft_shuffle_xor(sum_43, 1u);
  const float sum_45 = acc_9 + weft_shuffle_xor(acc_9, 16u);
  const float sum_46 = sum_45 + weft_shuffle_xor(sum_45, 8u);
  const float sum_47 = sum_46 + weft_shuffle_xor(sum_46, 4u);
  const float sum_48 = sum_47 + weft_shuffle_xor(sum_47, 2u);
  const float sum_49 = sum_48 + weft_shuffle_xor(sum_48, 1u);
  const float sum_50 = acc_10 + weft_shuffle_xor(acc_10, 16u);
  const float sum_51 = sum_50 + weft_shuffle_xor(sum_50, 8u);
  const float sum_52 = sum_51 + weft_shuffle_xor(sum_51, 4u);
  const float sum_53 = sum_52 + weft_shuffle_xor(sum_52, 2u);
  const float sum_54 = sum_53 + weft_shuffle_xor(sum_53, 1u);
  const float sum_55 = acc_11 + weft_shuffle_xor(acc_11, 16u);
  const float sum_56 = sum_55 + weft_shuffle_xor(sum_55, 8u);
  const float sum_57 = sum_56 + weft_shuffle_xor(sum_56, 4u);
  const float sum_58 = sum_57 + weft_shuffle_xor(sum_57, 2u);
  const float sum_59 = sum_58 + weft_shuffle_xor(sum_58, 1u);
  const float sum_60 = acc_12 + weft_shuffle_xor(acc_12, 16u);
  const float sum_61 = sum_60 + weft_shuffle_xor(sum_60, 8u);
  const float sum_62 = sum_61 + weft_shuffle_xor(sum_61, 4u);
  const float sum_63 = sum_62 + weft_shuffle_xor(sum_62, 2u);
  const float sum_64 = sum_63 + weft_shuffle_xor(sum_63, 1u);
  const float sum_65 = acc_13 + weft_shuffle_xor(acc_13, 16u);
  const float sum_66 = sum_65 + weft_shuffle_xor(sum_65, 8u);
  const float sum_67 = sum_66 + weft_shuffle_xor(sum_66, 4u);
  const float sum_68 = sum_67 + weft_shuffle_xor(sum_67, 2u);
  const float sum_69 = sum_68 + weft_shuffle_xor(sum_68, 1u);
  const float sum_70 = acc_14 + weft_shuffle_xor(acc_14, 16u);
  const float sum_71 = sum_70 + weft_shuffle_xor(sum_70, 8u);
  const float sum_72 = sum_71 + weft_shuffle_xor(sum_71, 4u);
  const float sum_73 = sum_72 + weft_shuffle_xor(sum_72, 2u);
  const float sum_74 = sum_73 + weft_shuffle_xor(sum_73, 1u);
  const float sum_75 = acc_15 + weft_shuffle_xor(acc_15, 16u);
  const float sum_76 = sum_75 + weft_shuffle_xor(sum_75, 8u);
  const float sum_77 = sum_76 + weft_shuffle_xor(sum_76, 4u);
  const float sum_78 = sum_77 + weft_shuffle_xor(sum_77, 2u);
  const float sum_79 = sum_78 + weft_shuffle_xor(sum_78, 1u);
  if (laneOfTeam == 0u) {
    out[first] = sum_4;
    out[col] = sum_44;
    if (state[0u] > 1u) {
      const unsigned to = 64u + first;
      out[to] = sum_9;
      const unsigned to_1 = 64u + col;
      out[to_1] = sum_49;
    }
    if (state[0u] > 2u) {
      const unsigned to_2 = 128u + first;
      out[to_2] = sum_14;
      const unsigned to_3 = 128u + col;
      out[to_3] = sum_54;
    }
    if (state[0u] > 3u) {
      const unsigned to_4 = 192u + first;
      out[to_4] = sum_19;
      const unsigned to_5 = 192u + col;
      out[to_5] = sum_59;
    }
    if (state[0u] > 4u) {
      const unsigned to_6 = 256u + first;
      out[to_6] = sum_24;
      const unsigned to_7 = 256u + col;
      out[to_7] = sum_64;
    }
    if (state[0u] > 5u) {
      const unsigned to_8 = 320u + first;
      out[to_8] = sum_29;
      const unsigned to_9 = 320u + col;
      out[to_9] = sum_69;
    }
    if (state[0u] > 6u) {
      const unsigned to_10 = 384u + first;
      out[to_10] = sum_34;
      const unsigned to_11 = 384u + col;
      out[to_11] = sum_74;
    }
    if (state[0u] > 7u) {
      const unsigned to_12 = 448u + first;
      out[to_12] = sum_39;
      const unsigned to_13 = 448u + col;
      out[to_13] = sum_79;
    }
  }
}
