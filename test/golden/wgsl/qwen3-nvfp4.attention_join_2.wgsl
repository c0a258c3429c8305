// attention.join: threads 8
@group(0) @binding(0) var<storage, read_write> part: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read_write> out: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> state: array<u32>;
override tiles: u32 = 4294967295u;

@compute @workgroup_size(8)
fn attention_join_2(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) local: u32,
) {
  let tile = group.x + group.y * groups.x;
  if (tile >= tiles) { return; }
  if (tile < (state[0u] * 4u)) {
    let row = tile >> 2u;
    let position = state[row + 320u];
    let parts = min((position >> 6u) + 1u, 32u);
    let base = tile * 32u;
    var top: f32 = -3.4028234663852886e+38f;
    var sum: f32 = 0f;
    var acc: vec4<f32> = vec4<f32>(0f);
    for (var first = 0u; first < parts; first += 16u) {
      let at = (base + first) * 9u;
      let figures = part[at + 8u];
      let values = part[at + local];
      let at_1 = (base + min(first + 1u, parts - 1u)) * 9u;
      let figures_1 = part[at_1 + 8u];
      let values_1 = part[at_1 + local];
      let at_2 = (base + min(first + 2u, parts - 1u)) * 9u;
      let figures_2 = part[at_2 + 8u];
      let values_2 = part[at_2 + local];
      let at_3 = (base + min(first + 3u, parts - 1u)) * 9u;
      let figures_3 = part[at_3 + 8u];
      let values_3 = part[at_3 + local];
      let at_4 = (base + min(first + 4u, parts - 1u)) * 9u;
      let figures_4 = part[at_4 + 8u];
      let values_4 = part[at_4 + local];
      let at_5 = (base + min(first + 5u, parts - 1u)) * 9u;
      let figures_5 = part[at_5 + 8u];
      let values_5 = part[at_5 + local];
      let at_6 = (base + min(first + 6u, parts - 1u)) * 9u;
      let figures_6 = part[at_6 + 8u];
      let values_6 = part[at_6 + local];
      let at_7 = (base + min(first + 7u, parts - 1u)) * 9u;
      let figures_7 = part[at_7 + 8u];
      let values_7 = part[at_7 + local];
      let at_8 = (base + min(first + 8u, parts - 1u)) * 9u;
      let figures_8 = part[at_8 + 8u];
      let values_8 = part[at_8 + local];
      let at_9 = (base + min(first + 9u, parts - 1u)) * 9u;
      let figures_9 = part[at_9 + 8u];
      let values_9 = part[at_9 + local];
      let at_10 = (base + min(first + 10u, parts - 1u)) * 9u;
      let figures_10 = part[at_10 + 8u];
      let values_10 = part[at_10 + local];
      let at_11 = (base + min(first + 11u, parts - 1u)) * 9u;
      let figures_11 = part[at_11 + 8u];
      let values_11 = part[at_11 + local];
      let at_12 = (base + min(first + 12u, parts - 1u)) * 9u;
      let figures_12 = part[at_12 + 8u];
      let values_12 = part[at_12 + local];
      let at_13 = (base + min(first + 13u, parts - 1u)) * 9u;
      let figures_13 = part[at_13 + 8u];
      let values_13 = part[at_13 + local];
      let at_14 = (base + min(first + 14u, parts - 1u)) * 9u;
      let figures_14 = part[at_14 + 8u];
      let values_14 = part[at_14 + local];
      let at_15 = (base + min(first + 15u, parts - 1u)) * 9u;
      let figures_15 = part[at_15 + 8u];
      let values_15 = part[at_15 + local];
      let topOf = select(-3.4028234663852886e+38f, figures_1.x, (first + 1u) < parts);
      let topOf_1 = select(-3.4028234663852886e+38f, figures_2.x, (first + 2u) < parts);
      let topOf_2 = select(-3.4028234663852886e+38f, figures_3.x, (first + 3u) < parts);
      let topOf_3 = select(-3.4028234663852886e+38f, figures_4.x, (first + 4u) < parts);
      let topOf_4 = select(-3.4028234663852886e+38f, figures_5.x, (first + 5u) < parts);
      let topOf_5 = select(-3.4028234663852886e+38f, figures_6.x, (first + 6u) < parts);
      let topOf_6 = select(-3.4028234663852886e+38f, figures_7.x, (first + 7u) < parts);
      let topOf_7 = select(-3.4028234663852886e+38f, figures_8.x, (first + 8u) < parts);
      let topOf_8 = select(-3.4028234663852886e+38f, figures_9.x, (first + 9u) < parts);
      let topOf_9 = select(-3.4028234663852886e+38f, figures_10.x, (first + 10u) < parts);
      let topOf_10 = select(-3.4028234663852886e+38f, figures_11.x, (first + 11u) < parts);
      let topOf_11 = select(-3.4028234663852886e+38f, figures_12.x, (first + 12u) < parts);
      let topOf_12 = select(-3.4028234663852886e+38f, figures_13.x, (first + 13u) < parts);
      let topOf_13 = select(-3.4028234663852886e+38f, figures_14.x, (first + 14u) < parts);
      let topOf_14 = select(-3.4028234663852886e+38f, figures_15.x, (first + 15u) < parts);
      let next = max(max(max(max(max(max(max(max(max(max(max(max(max(max(max(max(top, figures.x), topOf), topOf_1), topOf_2), topOf_3), topOf_4), topOf_5), topOf_6), topOf_7), topOf_8), topOf_9), topOf_10), topOf_11), topOf_12), topOf_13), topOf_14);
      let before = exp(top - next);
      let weight = exp(figures.x - next);
      let weight_1 = exp(topOf - next);
      let weight_2 = exp(topOf_1 - next);
      let weight_3 = exp(topOf_2 - next);
      let weight_4 = exp(topOf_3 - next);
      let weight_5 = exp(topOf_4 - next);
      let weight_6 = exp(topOf_5 - next);
      let weight_7 = exp(topOf_6 - next);
      let weight_8 = exp(topOf_7 - next);
      let weight_9 = exp(topOf_8 - next);
      let weight_10 = exp(topOf_9 - next);
      let weight_11 = exp(topOf_10 - next);
      let weight_12 = exp(topOf_11 - next);
      let weight_13 = exp(topOf_12 - next);
      let weight_14 = exp(topOf_13 - next);
      let weight_15 = exp(topOf_14 - next);
      acc = ((((((((((((((((acc * vec4<f32>(before)) + (values * vec4<f32>(weight))) + (values_1 * vec4<f32>(weight_1))) + (values_2 * vec4<f32>(weight_2))) + (values_3 * vec4<f32>(weight_3))) + (values_4 * vec4<f32>(weight_4))) + (values_5 * vec4<f32>(weight_5))) + (values_6 * vec4<f32>(weight_6))) + (values_7 * vec4<f32>(weight_7))) + (values_8 * vec4<f32>(weight_8))) + (values_9 * vec4<f32>(weight_9))) + (values_10 * vec4<f32>(weight_10))) + (values_11 * vec4<f32>(weight_11))) + (values_12 * vec4<f32>(weight_12))) + (values_13 * vec4<f32>(weight_13))) + (values_14 * vec4<f32>(weight_14))) + (values_15 * vec4<f32>(weight_15));
      sum = ((((((((((((((((sum * before) + (figures.y * weight)) + (figures_1.y * weight_1)) + (figures_2.y * weight_2)) + (figures_3.y * weight_3)) + (figures_4.y * weight_4)) + (figures_5.y * weight_5)) + (figures_6.y * weight_6)) + (figures_7.y * weight_7)) + (figures_8.y * weight_8)) + (figures_9.y * weight_9)) + (figures_10.y * weight_10)) + (figures_11.y * weight_11)) + (figures_12.y * weight_12)) + (figures_13.y * weight_13)) + (figures_14.y * weight_14)) + (figures_15.y * weight_15);
      top = next;
    }
    out[(tile * 8u) + local] = acc * vec4<f32>(1f / sum);
  }
}
