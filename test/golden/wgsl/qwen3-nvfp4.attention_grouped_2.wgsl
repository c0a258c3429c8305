enable subgroups;
// attention.grouped: threads 128, splits 32, lanes 16, positions 4, stages 2
@group(0) @binding(0) var<storage, read_write> q: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read_write> k: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> v: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> part: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read> state: array<u32>;
var<workgroup> tops: array<f32, 32>;
var<workgroup> sums: array<f32, 32>;
var<workgroup> partial: array<vec4<f32>, 256>;
override tiles: u32 = 4294967295u;

@compute @workgroup_size(128)
fn attention_grouped_2(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) local: u32,
) {
  let tile = group.x + group.y * groups.x;
  if (tile >= tiles) { return; }
  if (tile < (state[0u] * 64u)) {
    let split = tile & 31u;
    let rowHeads = tile >> 5u;
    let row = rowHeads >> 1u;
    let kvHead = ((rowHeads & 1u) * 2u) >> 1u;
    let position = state[row + 320u];
    let sequence = state[row + 576u];
    let toBlock = (position >> 6u) + 1u;
    let inTeam = local & 7u;
    let ofTeam = local >> 3u;
    if (split < toBlock) {
      let queryAt = (rowHeads * 2u) * 8u;
      let query = q[queryAt + inTeam] * vec4<f32>(0.17677669f);
      var top: f32 = -1e+30f;
      var sum: f32 = 0f;
      var acc: vec4<f32> = vec4<f32>(0f);
      let queryAt_1 = ((rowHeads * 2u) + 1u) * 8u;
      let query_1 = q[queryAt_1 + inTeam] * vec4<f32>(0.17677669f);
      var top_1: f32 = -1e+30f;
      var sum_1: f32 = 0f;
      var acc_1: vec4<f32> = vec4<f32>(0f);
      if (split < toBlock) {
        let first = split * 64u;
        let slot = (state[((sequence * 16u) + (first >> 8u)) + 5440u] * 256u) + (first & 255u);
        let lastHere = position - first;
        let rowAt = ((((slot + min(ofTeam, lastHere)) * 2u) + kvHead) * 8u) + inTeam;
        let rowAt_1 = ((((slot + min(ofTeam + 16u, lastHere)) * 2u) + kvHead) * 8u) + inTeam;
        let rowAt_2 = ((((slot + min(ofTeam + 32u, lastHere)) * 2u) + kvHead) * 8u) + inTeam;
        let rowAt_3 = ((((slot + min(ofTeam + 48u, lastHere)) * 2u) + kvHead) * 8u) + inTeam;
        var ahead: vec4<f32> = k[rowAt];
        var ahead_1: vec4<f32> = k[rowAt_1];
        var ahead_2: vec4<f32> = k[rowAt_2];
        var ahead_3: vec4<f32> = k[rowAt_3];
        var ahead_4: vec4<f32> = v[rowAt];
        var ahead_5: vec4<f32> = v[rowAt_1];
        var ahead_6: vec4<f32> = v[rowAt_2];
        var ahead_7: vec4<f32> = v[rowAt_3];
        for (var i = split; i < toBlock; i += 32u) {
          let now = ahead;
          let now_1 = ahead_1;
          let now_2 = ahead_2;
          let now_3 = ahead_3;
          let now_4 = ahead_4;
          let now_5 = ahead_5;
          let now_6 = ahead_6;
          let now_7 = ahead_7;
          let next = i + 32u;
          if (next < toBlock) {
            let first_1 = next * 64u;
            let slot_1 = (state[((sequence * 16u) + (first_1 >> 8u)) + 5440u] * 256u) + (first_1 & 255u);
            let lastHere_1 = position - first_1;
            let rowAt_4 = ((((slot_1 + min(ofTeam, lastHere_1)) * 2u) + kvHead) * 8u) + inTeam;
            let rowAt_5 = ((((slot_1 + min(ofTeam + 16u, lastHere_1)) * 2u) + kvHead) * 8u) + inTeam;
            let rowAt_6 = ((((slot_1 + min(ofTeam + 32u, lastHere_1)) * 2u) + kvHead) * 8u) + inTeam;
            let rowAt_7 = ((((slot_1 + min(ofTeam + 48u, lastHere_1)) * 2u) + kvHead) * 8u) + inTeam;
            ahead = k[rowAt_4];
            ahead_1 = k[rowAt_5];
            ahead_2 = k[rowAt_6];
            ahead_3 = k[rowAt_7];
            ahead_4 = v[rowAt_4];
            ahead_5 = v[rowAt_5];
            ahead_6 = v[rowAt_6];
            ahead_7 = v[rowAt_7];
          }
          let firstHere = i * 64u;
          let dot_ = dot(query, now);
          let dot_1 = dot(query_1, now);
          let dot_2 = dot(query, now_1);
          let dot_3 = dot(query_1, now_1);
          let dot_4 = dot(query, now_2);
          let dot_5 = dot(query_1, now_2);
          let dot_6 = dot(query, now_3);
          let dot_7 = dot(query_1, now_3);
          let at = firstHere + ofTeam;
          let seen = (at <= position) && (at >= 0u);
          let sumOf = dot_ + subgroupShuffleXor(dot_, 4u);
          let sumOf_1 = sumOf + subgroupShuffleXor(sumOf, 2u);
          let sumOf_2 = sumOf_1 + subgroupShuffleXor(sumOf_1, 1u);
          let score = select(-3.4028234663852886e+38f, sumOf_2, seen);
          let sumOf_3 = dot_1 + subgroupShuffleXor(dot_1, 4u);
          let sumOf_4 = sumOf_3 + subgroupShuffleXor(sumOf_3, 2u);
          let sumOf_5 = sumOf_4 + subgroupShuffleXor(sumOf_4, 1u);
          let score_1 = select(-3.4028234663852886e+38f, sumOf_5, seen);
          let at_1 = (firstHere + ofTeam) + 16u;
          let seen_1 = (at_1 <= position) && (at_1 >= 0u);
          let sumOf_6 = dot_2 + subgroupShuffleXor(dot_2, 4u);
          let sumOf_7 = sumOf_6 + subgroupShuffleXor(sumOf_6, 2u);
          let sumOf_8 = sumOf_7 + subgroupShuffleXor(sumOf_7, 1u);
          let score_2 = select(-3.4028234663852886e+38f, sumOf_8, seen_1);
          let sumOf_9 = dot_3 + subgroupShuffleXor(dot_3, 4u);
          let sumOf_10 = sumOf_9 + subgroupShuffleXor(sumOf_9, 2u);
          let sumOf_11 = sumOf_10 + subgroupShuffleXor(sumOf_10, 1u);
          let score_3 = select(-3.4028234663852886e+38f, sumOf_11, seen_1);
          let at_2 = (firstHere + ofTeam) + 32u;
          let seen_2 = (at_2 <= position) && (at_2 >= 0u);
          let sumOf_12 = dot_4 + subgroupShuffleXor(dot_4, 4u);
          let sumOf_13 = sumOf_12 + subgroupShuffleXor(sumOf_12, 2u);
          let sumOf_14 = sumOf_13 + subgroupShuffleXor(sumOf_13, 1u);
          let score_4 = select(-3.4028234663852886e+38f, sumOf_14, seen_2);
          let sumOf_15 = dot_5 + subgroupShuffleXor(dot_5, 4u);
          let sumOf_16 = sumOf_15 + subgroupShuffleXor(sumOf_15, 2u);
          let sumOf_17 = sumOf_16 + subgroupShuffleXor(sumOf_16, 1u);
          let score_5 = select(-3.4028234663852886e+38f, sumOf_17, seen_2);
          let at_3 = (firstHere + ofTeam) + 48u;
          let seen_3 = (at_3 <= position) && (at_3 >= 0u);
          let sumOf_18 = dot_6 + subgroupShuffleXor(dot_6, 4u);
          let sumOf_19 = sumOf_18 + subgroupShuffleXor(sumOf_18, 2u);
          let sumOf_20 = sumOf_19 + subgroupShuffleXor(sumOf_19, 1u);
          let score_6 = select(-3.4028234663852886e+38f, sumOf_20, seen_3);
          let sumOf_21 = dot_7 + subgroupShuffleXor(dot_7, 4u);
          let sumOf_22 = sumOf_21 + subgroupShuffleXor(sumOf_21, 2u);
          let sumOf_23 = sumOf_22 + subgroupShuffleXor(sumOf_22, 1u);
          let score_7 = select(-3.4028234663852886e+38f, sumOf_23, seen_3);
          let most = max(max(max(max(top, score), score_2), score_4), score_6);
          let fade = exp(top - most);
          top = most;
          let weight = exp(score - most);
          let weight_1 = exp(score_2 - most);
          let weight_2 = exp(score_4 - most);
          let weight_3 = exp(score_6 - most);
          sum = ((((sum * fade) + weight) + weight_1) + weight_2) + weight_3;
          acc = acc * vec4<f32>(fade);
          let most_1 = max(max(max(max(top_1, score_1), score_3), score_5), score_7);
          let fade_1 = exp(top_1 - most_1);
          top_1 = most_1;
          let weight_4 = exp(score_1 - most_1);
          let weight_5 = exp(score_3 - most_1);
          let weight_6 = exp(score_5 - most_1);
          let weight_7 = exp(score_7 - most_1);
          sum_1 = ((((sum_1 * fade_1) + weight_4) + weight_5) + weight_6) + weight_7;
          acc_1 = acc_1 * vec4<f32>(fade_1);
          acc = fma(now_4, vec4<f32>(weight), acc);
          acc_1 = fma(now_4, vec4<f32>(weight_4), acc_1);
          acc = fma(now_5, vec4<f32>(weight_1), acc);
          acc_1 = fma(now_5, vec4<f32>(weight_5), acc_1);
          acc = fma(now_6, vec4<f32>(weight_2), acc);
          acc_1 = fma(now_6, vec4<f32>(weight_6), acc_1);
          acc = fma(now_7, vec4<f32>(weight_3), acc);
          acc_1 = fma(now_7, vec4<f32>(weight_7), acc_1);
        }
      }
      if (inTeam == 0u) {
        tops[ofTeam] = top;
        tops[ofTeam + 16u] = top_1;
      }
      workgroupBarrier();
      let fade_2 = exp(top - max(max(max(max(max(max(max(max(max(max(max(max(max(max(max(tops[0u], tops[1u]), tops[2u]), tops[3u]), tops[4u]), tops[5u]), tops[6u]), tops[7u]), tops[8u]), tops[9u]), tops[10u]), tops[11u]), tops[12u]), tops[13u]), tops[14u]), tops[15u]));
      acc = acc * vec4<f32>(fade_2);
      if (inTeam == 0u) {
        sums[ofTeam] = sum * fade_2;
      }
      let fade_3 = exp(top_1 - max(max(max(max(max(max(max(max(max(max(max(max(max(max(max(tops[16u], tops[17u]), tops[18u]), tops[19u]), tops[20u]), tops[21u]), tops[22u]), tops[23u]), tops[24u]), tops[25u]), tops[26u]), tops[27u]), tops[28u]), tops[29u]), tops[30u]), tops[31u]));
      acc_1 = acc_1 * vec4<f32>(fade_3);
      if (inTeam == 0u) {
        sums[ofTeam + 16u] = sum_1 * fade_3;
      }
      partial[(ofTeam * 8u) + inTeam] = acc;
      partial[((ofTeam + 16u) * 8u) + inTeam] = acc_1;
      workgroupBarrier();
      for (var i_1 = local; i_1 < 16u; i_1 += 128u) {
        let h = i_1 >> 3u;
        let d = i_1 & 7u;
        part[(((((rowHeads * 2u) + h) * 32u) + split) * 9u) + d] = ((((((((((((((partial[((h * 16u) * 8u) + d] + partial[(((h * 16u) + 1u) * 8u) + d]) + partial[(((h * 16u) + 2u) * 8u) + d]) + partial[(((h * 16u) + 3u) * 8u) + d]) + partial[(((h * 16u) + 4u) * 8u) + d]) + partial[(((h * 16u) + 5u) * 8u) + d]) + partial[(((h * 16u) + 6u) * 8u) + d]) + partial[(((h * 16u) + 7u) * 8u) + d]) + partial[(((h * 16u) + 8u) * 8u) + d]) + partial[(((h * 16u) + 9u) * 8u) + d]) + partial[(((h * 16u) + 10u) * 8u) + d]) + partial[(((h * 16u) + 11u) * 8u) + d]) + partial[(((h * 16u) + 12u) * 8u) + d]) + partial[(((h * 16u) + 13u) * 8u) + d]) + partial[(((h * 16u) + 14u) * 8u) + d]) + partial[(((h * 16u) + 15u) * 8u) + d];
      }
      if (local < 2u) {
        part[(((((rowHeads * 2u) + local) * 32u) + split) * 9u) + 8u] = vec4<f32>(max(max(max(max(max(max(max(max(max(max(max(max(max(max(max(tops[local * 16u], tops[(local * 16u) + 1u]), tops[(local * 16u) + 2u]), tops[(local * 16u) + 3u]), tops[(local * 16u) + 4u]), tops[(local * 16u) + 5u]), tops[(local * 16u) + 6u]), tops[(local * 16u) + 7u]), tops[(local * 16u) + 8u]), tops[(local * 16u) + 9u]), tops[(local * 16u) + 10u]), tops[(local * 16u) + 11u]), tops[(local * 16u) + 12u]), tops[(local * 16u) + 13u]), tops[(local * 16u) + 14u]), tops[(local * 16u) + 15u]), ((((((((((((((sums[local * 16u] + sums[(local * 16u) + 1u]) + sums[(local * 16u) + 2u]) + sums[(local * 16u) + 3u]) + sums[(local * 16u) + 4u]) + sums[(local * 16u) + 5u]) + sums[(local * 16u) + 6u]) + sums[(local * 16u) + 7u]) + sums[(local * 16u) + 8u]) + sums[(local * 16u) + 9u]) + sums[(local * 16u) + 10u]) + sums[(local * 16u) + 11u]) + sums[(local * 16u) + 12u]) + sums[(local * 16u) + 13u]) + sums[(local * 16u) + 14u]) + sums[(local * 16u) + 15u], 0f, 0f);
      }
    }
  }
}
