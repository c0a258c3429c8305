// argmax.chunks: threads 256, perThread 8
@group(0) @binding(0) var<storage, read_write> logits: array<f32>;
@group(0) @binding(1) var<storage, read_write> best: array<f32>;
var<workgroup> values: array<f32, 256>;
var<workgroup> ids: array<u32, 256>;
override tiles: u32 = 4294967295u;

@compute @workgroup_size(256)
fn argmax_chunks(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) local: u32,
) {
  let tile = group.x + group.y * groups.x;
  if (tile >= tiles) { return; }
  let row = tile;
  var top: f32 = -3.4028234663852886e+38f;
  var id: u32 = 0u;
  for (var i = local; i < min(2048u, 512u); i += 256u) {
    let v = logits[(row * 512u) + i];
    if ((bitcast<u32>(v) & 2147483647u) >= 2139095040u) {
      top = 3.4028234663852886e+38f;
      id = 512u;
    } else {
      if ((v > top) && (id != 512u)) {
        top = v;
        id = i;
      }
    }
  }
  values[local] = top;
  ids[local] = id;
  workgroupBarrier();
  if (local < 128u) {
    let v_1 = values[local + 128u];
    let i_1 = ids[local + 128u];
    if ((v_1 > values[local]) || ((v_1 == values[local]) && (i_1 < ids[local]))) {
      values[local] = v_1;
      ids[local] = i_1;
    }
  }
  workgroupBarrier();
  if (local < 64u) {
    let v_2 = values[local + 64u];
    let i_2 = ids[local + 64u];
    if ((v_2 > values[local]) || ((v_2 == values[local]) && (i_2 < ids[local]))) {
      values[local] = v_2;
      ids[local] = i_2;
    }
  }
  workgroupBarrier();
  if (local < 32u) {
    let v_3 = values[local + 32u];
    let i_3 = ids[local + 32u];
    if ((v_3 > values[local]) || ((v_3 == values[local]) && (i_3 < ids[local]))) {
      values[local] = v_3;
      ids[local] = i_3;
    }
  }
  workgroupBarrier();
  if (local < 16u) {
    let v_4 = values[local + 16u];
    let i_4 = ids[local + 16u];
    if ((v_4 > values[local]) || ((v_4 == values[local]) && (i_4 < ids[local]))) {
      values[local] = v_4;
      ids[local] = i_4;
    }
  }
  workgroupBarrier();
  if (local < 8u) {
    let v_5 = values[local + 8u];
    let i_5 = ids[local + 8u];
    if ((v_5 > values[local]) || ((v_5 == values[local]) && (i_5 < ids[local]))) {
      values[local] = v_5;
      ids[local] = i_5;
    }
  }
  workgroupBarrier();
  if (local < 4u) {
    let v_6 = values[local + 4u];
    let i_6 = ids[local + 4u];
    if ((v_6 > values[local]) || ((v_6 == values[local]) && (i_6 < ids[local]))) {
      values[local] = v_6;
      ids[local] = i_6;
    }
  }
  workgroupBarrier();
  if (local < 2u) {
    let v_7 = values[local + 2u];
    let i_7 = ids[local + 2u];
    if ((v_7 > values[local]) || ((v_7 == values[local]) && (i_7 < ids[local]))) {
      values[local] = v_7;
      ids[local] = i_7;
    }
  }
  workgroupBarrier();
  if (local < 1u) {
    let v_8 = values[local + 1u];
    let i_8 = ids[local + 1u];
    if ((v_8 > values[local]) || ((v_8 == values[local]) && (i_8 < ids[local]))) {
      values[local] = v_8;
      ids[local] = i_8;
    }
  }
  workgroupBarrier();
  if (local == 0u) {
    best[tile * 2u] = values[0u];
    best[(tile * 2u) + 1u] = f32(ids[0u]);
  }
}
