enable subgroups;
// rmsNorm.rows: threads 128
@group(0) @binding(0) var<storage, read_write> x: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read> weight: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> out: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read> state: array<u32>;
var<workgroup> parts: array<f32, 4>;
override tiles: u32 = 4294967295u;

@compute @workgroup_size(128)
fn rmsNorm_rows_2(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) local: u32,
) {
  let tile = group.x + group.y * groups.x;
  if (tile >= tiles) { return; }
  if (tile < state[1u]) {
    let first = tile * 32u;
    var squares: f32 = 0f;
    for (var i = local; i < 32u; i += 128u) {
      let v = x[first + i];
      squares = squares + dot(v, v);
    }
    let own = subgroupAdd(squares);
    if ((local & 31u) == 0u) {
      parts[local >> 5u] = own;
    }
    workgroupBarrier();
    let total = ((parts[0u] + parts[1u]) + parts[2u]) + parts[3u];
    let factor = inverseSqrt((total * 0.0078125f) + 0.000001f);
    for (var i_1 = local; i_1 < 32u; i_1 += 128u) {
      let at = first + i_1;
      out[at] = (x[at] * vec4<f32>(factor)) * weight[i_1];
    }
  }
}
