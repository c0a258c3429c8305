// topK.sort: threads 256
@group(0) @binding(0) var<storage, read_write> from_: array<f32>;
@group(0) @binding(1) var<storage, read_write> to: array<f32>;
var<workgroup> values: array<f32, 1024>;
var<workgroup> ids: array<u32, 1024>;
override tiles: u32 = 4294967295u;

@compute @workgroup_size(256)
fn topK_sort(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) local: u32,
) {
  let tile = group.x + group.y * groups.x;
  if (tile >= tiles) { return; }
  let row = tile;
  for (var i = local; i < 1024u; i += 256u) {
    var v: f32 = -3.4028234663852886e+38f;
    var id: u32 = 16777215u;
    if (i < 512u) {
      let logit = from_[(row * 512u) + i];
      v = select(logit, 3.4028234663852886e+38f, (bitcast<u32>(logit) & 2147483647u) >= 2139095040u);
      id = i;
    }
    values[i] = v;
    ids[i] = id;
  }
  for (var level = 1u; level < 11u; level += 1u) {
    for (var pass_ = 0u; pass_ < level; pass_ += 1u) {
      let shift = (level - 1u) - pass_;
      let gap = 1u << shift;
      workgroupBarrier();
      for (var n = local; n < 512u; n += 256u) {
        let a = ((n >> shift) << (shift + 1u)) + (n & (gap - 1u));
        let b = a + gap;
        let va = values[a];
        let vb = values[b];
        let ia = ids[a];
        let ib = ids[b];
        if (((((a >> level) & 1u) == 0u) && ((vb > va) || ((vb == va) && (ib < ia)))) || ((!(((a >> level) & 1u) == 0u)) && ((va > vb) || ((va == vb) && (ia < ib))))) {
          values[a] = vb;
          values[b] = va;
          ids[a] = ib;
          ids[b] = ia;
        }
      }
    }
  }
  workgroupBarrier();
  for (var i_1 = local; i_1 < 256u; i_1 += 256u) {
    let to_1 = (tile * 512u) + i_1;
    to[to_1] = values[i_1];
    to[to_1 + 256u] = f32(ids[i_1]);
  }
}
