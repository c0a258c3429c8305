// attention.tile: queryTile 32, threads 128
@group(0) @binding(0) var<storage, read_write> q: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read_write> k: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> v: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> out: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read> state: array<u32>;
var<workgroup> queries: array<vec4<f32>, 288>;
var<workgroup> kv: array<vec4<f32>, 288>;
var<workgroup> scores: array<f32, 1056>;
var<workgroup> tops: array<f32, 32>;
var<workgroup> sums: array<f32, 32>;
var<workgroup> fades: array<f32, 32>;
override tiles: u32 = 4294967295u;

@compute @workgroup_size(128)
fn attention_tile(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) local: u32,
) {
  let tile = group.x + group.y * groups.x;
  if (tile >= tiles) { return; }
  if (tile < (((state[0u] + 31u) >> 5u) * 4u)) {
    let rows = state[0u];
    let head = tile & 3u;
    let kvHead = head >> 1u;
    let firstRow = (tile >> 2u) * 32u;
    let ry = local >> 3u;
    let rx = local & 7u;
    for (var i = local; i < 256u; i += 128u) {
      let qRow = i >> 3u;
      let qd = i & 7u;
      queries[(qRow * 9u) + qd] = q[(((min(firstRow + qRow, rows - 1u) * 4u) + head) * 8u) + qd] * vec4<f32>(0.17677669f);
    }
    if (local < 32u) {
      tops[local] = -3.4028234663852886e+38f;
      sums[local] = 0f;
    }
    var acc: vec4<f32> = vec4<f32>(0f);
    var acc_1: vec4<f32> = vec4<f32>(0f);
    let mine = ry + 16u;
    let position = state[min(firstRow + ry, rows - 1u) + 320u];
    let position_1 = state[min(firstRow + mine, rows - 1u) + 320u];
    let sequence = state[min(firstRow + ry, rows - 1u) + 576u];
    let sequence_1 = state[min(firstRow + mine, rows - 1u) + 576u];
    for (var lead = 0u; lead < 32u; lead += 1u) {
      let current = state[min(firstRow + lead, rows - 1u) + 576u];
      var leads: u32 = 1u;
      if (lead > 0u) {
        if (state[min(firstRow + (lead - 1u), rows - 1u) + 576u] == current) {
          leads = 0u;
        } else {
          for (var j = 0u; j < lead; j += 1u) {
            if (state[min(firstRow + j, rows - 1u) + 576u] == current) {
              leads = 0u;
            }
          }
        }
      }
      if (leads == 1u) {
        var last: u32 = 0u;
        var from_: u32 = 4294967295u;
        for (var j_1 = lead; j_1 < 32u; j_1 += 1u) {
          if (state[min(firstRow + j_1, rows - 1u) + 576u] == current) {
            let position_2 = state[min(firstRow + j_1, rows - 1u) + 320u];
            last = max(last, position_2);
            from_ = min(from_, 0u);
          }
        }
        for (var block = from_ >> 5u; block < ((last >> 5u) + 1u); block += 1u) {
          let first = block * 32u;
          let slot = (state[((current * 16u) + (first >> 8u)) + 5440u] * 256u) + (first & 255u);
          workgroupBarrier();
          for (var i_1 = local; i_1 < 256u; i_1 += 128u) {
            let j_2 = i_1 >> 3u;
            let d = i_1 & 7u;
            kv[(j_2 * 9u) + d] = k[((((slot + j_2) * 2u) + kvHead) * 8u) + d];
          }
          workgroupBarrier();
          var dot_: f32 = 0f;
          var dot_1: f32 = 0f;
          var dot_2: f32 = 0f;
          var dot_3: f32 = 0f;
          var dot_4: f32 = 0f;
          var dot_5: f32 = 0f;
          var dot_6: f32 = 0f;
          var dot_7: f32 = 0f;
          for (var d_1 = 0u; d_1 < 8u; d_1 += 1u) {
            let a = queries[(ry * 9u) + d_1];
            let a_1 = queries[(mine * 9u) + d_1];
            let b = kv[(rx * 9u) + d_1];
            dot_ = dot_ + dot(a, b);
            dot_4 = dot_4 + dot(a_1, b);
            let b_1 = kv[((rx + 8u) * 9u) + d_1];
            dot_1 = dot_1 + dot(a, b_1);
            dot_5 = dot_5 + dot(a_1, b_1);
            let b_2 = kv[((rx + 16u) * 9u) + d_1];
            dot_2 = dot_2 + dot(a, b_2);
            dot_6 = dot_6 + dot(a_1, b_2);
            let b_3 = kv[((rx + 24u) * 9u) + d_1];
            dot_3 = dot_3 + dot(a, b_3);
            dot_7 = dot_7 + dot(a_1, b_3);
          }
          let at = first + rx;
          scores[(ry * 33u) + rx] = select(-3.4028234663852886e+38f, dot_, ((sequence == current) && (at <= position)) && (at >= 0u));
          let at_1 = (first + rx) + 8u;
          scores[((ry * 33u) + rx) + 8u] = select(-3.4028234663852886e+38f, dot_1, ((sequence == current) && (at_1 <= position)) && (at_1 >= 0u));
          let at_2 = (first + rx) + 16u;
          scores[((ry * 33u) + rx) + 16u] = select(-3.4028234663852886e+38f, dot_2, ((sequence == current) && (at_2 <= position)) && (at_2 >= 0u));
          let at_3 = (first + rx) + 24u;
          scores[((ry * 33u) + rx) + 24u] = select(-3.4028234663852886e+38f, dot_3, ((sequence == current) && (at_3 <= position)) && (at_3 >= 0u));
          let at_4 = first + rx;
          scores[(mine * 33u) + rx] = select(-3.4028234663852886e+38f, dot_4, ((sequence_1 == current) && (at_4 <= position_1)) && (at_4 >= 0u));
          let at_5 = (first + rx) + 8u;
          scores[((mine * 33u) + rx) + 8u] = select(-3.4028234663852886e+38f, dot_5, ((sequence_1 == current) && (at_5 <= position_1)) && (at_5 >= 0u));
          let at_6 = (first + rx) + 16u;
          scores[((mine * 33u) + rx) + 16u] = select(-3.4028234663852886e+38f, dot_6, ((sequence_1 == current) && (at_6 <= position_1)) && (at_6 >= 0u));
          let at_7 = (first + rx) + 24u;
          scores[((mine * 33u) + rx) + 24u] = select(-3.4028234663852886e+38f, dot_7, ((sequence_1 == current) && (at_7 <= position_1)) && (at_7 >= 0u));
          workgroupBarrier();
          if (local < 32u) {
            let scoresAt = local * 33u;
            let before = tops[local];
            var top: f32 = before;
            for (var j_3 = 0u; j_3 < 32u; j_3 += 1u) {
              top = max(top, scores[scoresAt + j_3]);
            }
            var sum: f32 = 0f;
            for (var j_4 = 0u; j_4 < 32u; j_4 += 1u) {
              let s = scores[scoresAt + j_4];
              let weight = select(0f, exp(s - top), s > (-3.4028234663852886e+38f));
              scores[scoresAt + j_4] = weight;
              sum = sum + weight;
            }
            let fade = exp(before - top);
            fades[local] = fade;
            sums[local] = (sums[local] * fade) + sum;
            tops[local] = top;
          }
          for (var i_2 = local; i_2 < 256u; i_2 += 128u) {
            let j_5 = i_2 >> 3u;
            let d_2 = i_2 & 7u;
            kv[(j_5 * 9u) + d_2] = v[((((slot + j_5) * 2u) + kvHead) * 8u) + d_2];
          }
          workgroupBarrier();
          let rowFade = vec4<f32>(fades[ry]);
          acc = acc * rowFade;
          let rowFade_1 = vec4<f32>(fades[mine]);
          acc_1 = acc_1 * rowFade_1;
          for (var j_6 = 0u; j_6 < 32u; j_6 += 1u) {
            let w = vec4<f32>(scores[(ry * 33u) + j_6]);
            let w_1 = vec4<f32>(scores[(mine * 33u) + j_6]);
            let v_1 = kv[(j_6 * 9u) + rx];
            acc = fma(v_1, w, acc);
            acc_1 = fma(v_1, w_1, acc_1);
          }
        }
      }
    }
    workgroupBarrier();
    let outRow = firstRow + ry;
    if (outRow < rows) {
      let factor = vec4<f32>(1f / sums[ry]);
      out[(((outRow * 4u) + head) * 8u) + rx] = acc * factor;
    }
    let outRow_1 = firstRow + mine;
    if (outRow_1 < rows) {
      let factor_1 = vec4<f32>(1f / sums[mine]);
      out[(((outRow_1 * 4u) + head) * 8u) + rx] = acc_1 * factor_1;
    }
  }
}
