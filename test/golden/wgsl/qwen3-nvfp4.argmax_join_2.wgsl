// argmax.join
@group(0) @binding(0) var<storage, read_write> best: array<f32>;
@group(0) @binding(1) var<storage, read_write> out: array<u32>;
@group(0) @binding(2) var<storage, read> state: array<u32>;
var<workgroup> values: array<f32, 64>;
var<workgroup> ids: array<u32, 64>;
override tiles: u32 = 4294967295u;

@compute @workgroup_size(64)
fn argmax_join_2(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) local: u32,
) {
  let tile = group.x + group.y * groups.x;
  if (tile >= tiles) { return; }
  if (tile < state[1u]) {
    var top: f32 = -3.4028234663852886e+38f;
    var id: u32 = 512u;
    for (var c = local; c < 1u; c += 64u) {
      let at = (tile + c) * 2u;
      let v = best[at];
      let i = u32(best[at + 1u]);
      if ((v > top) || ((v == top) && (i < id))) {
        top = v;
        id = i;
      }
    }
    values[local] = top;
    ids[local] = id;
    workgroupBarrier();
    if (local < 32u) {
      let v_1 = values[local + 32u];
      let i_1 = ids[local + 32u];
      if ((v_1 > values[local]) || ((v_1 == values[local]) && (i_1 < ids[local]))) {
        values[local] = v_1;
        ids[local] = i_1;
      }
    }
    workgroupBarrier();
    if (local < 16u) {
      let v_2 = values[local + 16u];
      let i_2 = ids[local + 16u];
      if ((v_2 > values[local]) || ((v_2 == values[local]) && (i_2 < ids[local]))) {
        values[local] = v_2;
        ids[local] = i_2;
      }
    }
    workgroupBarrier();
    if (local < 8u) {
      let v_3 = values[local + 8u];
      let i_3 = ids[local + 8u];
      if ((v_3 > values[local]) || ((v_3 == values[local]) && (i_3 < ids[local]))) {
        values[local] = v_3;
        ids[local] = i_3;
      }
    }
    workgroupBarrier();
    if (local < 4u) {
      let v_4 = values[local + 4u];
      let i_4 = ids[local + 4u];
      if ((v_4 > values[local]) || ((v_4 == values[local]) && (i_4 < ids[local]))) {
        values[local] = v_4;
        ids[local] = i_4;
      }
    }
    workgroupBarrier();
    if (local < 2u) {
      let v_5 = values[local + 2u];
      let i_5 = ids[local + 2u];
      if ((v_5 > values[local]) || ((v_5 == values[local]) && (i_5 < ids[local]))) {
        values[local] = v_5;
        ids[local] = i_5;
      }
    }
    workgroupBarrier();
    if (local < 1u) {
      let v_6 = values[local + 1u];
      let i_6 = ids[local + 1u];
      if ((v_6 > values[local]) || ((v_6 == values[local]) && (i_6 < ids[local]))) {
        values[local] = v_6;
        ids[local] = i_6;
      }
    }
    workgroupBarrier();
    if (local == 0u) {
      out[tile] = ids[0u];
    }
  }
}
