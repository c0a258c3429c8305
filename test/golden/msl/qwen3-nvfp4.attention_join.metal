// attention.join { threads: 8 }
[[max_total_threads_per_threadgroup(8)]]
kernel void attention_join(
  device const float4* part [[buffer(0)]],
  device float4* out [[buffer(1)]],
  device const uint* state [[buffer(2)]],
  uint weft_tile [[threadgroup_position_in_grid]],
  uint weft_local [[thread_index_in_threadgroup]]) {
  const uint row = weft_tile >> 2u;
  const uint position = state[row + 320u];
  const uint parts = weft_min((position >> 7u) + 1u, 32u);
  const uint base = weft_tile * 32u;
  float top = -3.4028234663852886e+38f;
  float sum = 0.0f;
  float4 acc = float4(0.0f);
#pragma unroll 1
  for (uint first = 0u; first < parts; first += 16u) {
    const uint at = (base + first) * 9u;
    const float4 figures = part[at + 8u];
    const float4 values = part[at + weft_local];
    const uint at_1 = (base + weft_min(first + 1u, parts - 1u)) * 9u;
    const float4 figures_1 = part[at_1 + 8u];
    const float4 values_1 = part[at_1 + weft_local];
    const uint at_2 = (base + weft_min(first + 2u, parts - 1u)) * 9u;
    const float4 figures_2 = part[at_2 + 8u];
    const float4 values_2 = part[at_2 + weft_local];
    const uint at_3 = (base + weft_min(first + 3u, parts - 1u)) * 9u;
    const float4 figures_3 = part[at_3 + 8u];
    const float4 values_3 = part[at_3 + weft_local];
    const uint at_4 = (base + weft_min(first + 4u, parts - 1u)) * 9u;
    const float4 figures_4 = part[at_4 + 8u];
    const float4 values_4 = part[at_4 + weft_local];
    const uint at_5 = (base + weft_min(first + 5u, parts - 1u)) * 9u;
    const float4 figures_5 = part[at_5 + 8u];
    const float4 values_5 = part[at_5 + weft_local];
    const uint at_6 = (base + weft_min(first + 6u, parts - 1u)) * 9u;
    const float4 figures_6 = part[at_6 + 8u];
    const float4 values_6 = part[at_6 + weft_local];
    const uint at_7 = (base + weft_min(first + 7u, parts - 1u)) * 9u;
    const float4 figures_7 = part[at_7 + 8u];
    const float4 values_7 = part[at_7 + weft_local];
    const uint at_8 = (base + weft_min(first + 8u, parts - 1u)) * 9u;
    const float4 figures_8 = part[at_8 + 8u];
    const float4 values_8 = part[at_8 + weft_local];
    const uint at_9 = (base + weft_min(first + 9u, parts - 1u)) * 9u;
    const float4 figures_9 = part[at_9 + 8u];
    const float4 values_9 = part[at_9 + weft_local];
    const uint at_10 = (base + weft_min(first + 10u, parts - 1u)) * 9u;
    const float4 figures_10 = part[at_10 + 8u];
    const float4 values_10 = part[at_10 + weft_local];
    const uint at_11 = (base + weft_min(first + 11u, parts - 1u)) * 9u;
    const float4 figures_11 = part[at_11 + 8u];
    const float4 values_11 = part[at_11 + weft_local];
    const uint at_12 = (base + weft_min(first + 12u, parts - 1u)) * 9u;
    const float4 figures_12 = part[at_12 + 8u];
    const float4 values_12 = part[at_12 + weft_local];
    const uint at_13 = (base + weft_min(first + 13u, parts - 1u)) * 9u;
    const float4 figures_13 = part[at_13 + 8u];
    const float4 values_13 = part[at_13 + weft_local];
    const uint at_14 = (base + weft_min(first + 14u, parts - 1u)) * 9u;
    const float4 figures_14 = part[at_14 + 8u];
    const float4 values_14 = part[at_14 + weft_local];
    const uint at_15 = (base + weft_min(first + 15u, parts - 1u)) * 9u;
    const float4 figures_15 = part[at_15 + 8u];
    const float4 values_15 = part[at_15 + weft_local];
    const float topOf = (first + 1u < parts) ? figures_1.x : (-3.4028234663852886e+38f);
    const float topOf_1 = (first + 2u < parts) ? figures_2.x : (-3.4028234663852886e+38f);
    const float topOf_2 = (first + 3u < parts) ? figures_3.x : (-3.4028234663852886e+38f);
    const float topOf_3 = (first + 4u < parts) ? figures_4.x : (-3.4028234663852886e+38f);
    const float topOf_4 = (first + 5u < parts) ? figures_5.x : (-3.4028234663852886e+38f);
    const float topOf_5 = (first + 6u < parts) ? figures_6.x : (-3.4028234663852886e+38f);
    const float topOf_6 = (first + 7u < parts) ? figures_7.x : (-3.4028234663852886e+38f);
    const float topOf_7 = (first + 8u < parts) ? figures_8.x : (-3.4028234663852886e+38f);
    const float topOf_8 = (first + 9u < parts) ? figures_9.x : (-3.4028234663852886e+38f);
    const float topOf_9 = (first + 10u < parts) ? figures_10.x : (-3.4028234663852886e+38f);
    const float topOf_10 = (first + 11u < parts) ? figures_11.x : (-3.4028234663852886e+38f);
    const float topOf_11 = (first + 12u < parts) ? figures_12.x : (-3.4028234663852886e+38f);
    const float topOf_12 = (first + 13u < parts) ? figures_13.x : (-3.4028234663852886e+38f);
    const float topOf_13 = (first + 14u < parts) ? figures_14.x : (-3.4028234663852886e+38f);
    const float topOf_14 = (first + 15u < parts) ? figures_15.x : (-3.4028234663852886e+38f);
    const float next = weft_max(weft_max(weft_max(weft_max(weft_max(weft_max(weft_max(weft_max(weft_max(weft_max(weft_max(weft_max(weft_max(weft_max(weft_max(weft_max(top, figures.x), topOf), topOf_1), topOf_2), topOf_3), topOf_4), topOf_5), topOf_6), topOf_7), topOf_8), topOf_9), topOf_10), topOf_11), topOf_12), topOf_13), topOf_14);
    const float before = weft_exp(top - next);
    const float weight = weft_exp(figures.x - next);
    const float weight_1 = weft_exp(topOf - next);
    const float weight_2 = weft_exp(topOf_1 - next);
    const float weight_3 = weft_exp(topOf_2 - next);
    const float weight_4 = weft_exp(topOf_3 - next);
    const float weight_5 = weft_exp(topOf_4 - next);
    const float weight_6 = weft_exp(topOf_5 - next);
    const float weight_7 = weft_exp(topOf_6 - next);
    const float weight_8 = weft_exp(topOf_7 - next);
    const float weight_9 = weft_exp(topOf_8 - next);
    const float weight_10 = weft_exp(topOf_9 - next);
    const float weight_11 = weft_exp(topOf_10 - next);
    const float weight_12 = weft_exp(topOf_11 - next);
    const float weight_13 = weft_exp(topOf_12 - next);
    const float weight_14 = weft_exp(topOf_13 - next);
    const float weight_15 = weft_exp(topOf_14 - next);
    acc = acc * float4(before) + values * float4(weight) + values_1 * float4(weight_1) + values_2 * float4(weight_2) + values_3 * float4(weight_3) + values_4 * float4(weight_4) + values_5 * float4(weight_5) + values_6 * float4(weight_6) + values_7 * float4(weight_7) + values_8 * float4(weight_8) + values_9 * float4(weight_9) + values_10 * float4(weight_10) + values_11 * float4(weight_11) + values_12 * float4(weight_12) + values_13 * float4(weight_13) + values_14 * float4(weight_14) + values_15 * float4(weight_15);
    sum = sum * before + figures.y * weight + figures_1.y * weight_1 + figures_2.y * weight_2 + figures_3.y * weight_3 + figures_4.y * weight_4 + figures_5.y * weight_5 + figures_6.y * weight_6 + figures_7.y * weight_7 + figures_8.y * weight_8 + figures_9.y * weight_9 + figures_10.y * weight_10 + figures_11.y * weight_11 + figures_12.y * weight_12 + figures_13.y * weight_13 + figures_14.y * weight_14 + figures_15.y * weight_15;
    top = next;
  }
  out[weft_tile * 8u + weft_local] = acc * float4(1.0f / sum);
}
