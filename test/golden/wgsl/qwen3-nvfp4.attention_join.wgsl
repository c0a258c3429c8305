// attention.join: threads 8
@group(0) @binding(0) var<storage, read_write> part: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read_write> out: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read> state: array<u32>;
override tiles: u32 = 4294967295u;

@compute @workgroup_size(8)
fn attention_join(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) local: u32,
) {
  let tile = group.x + group.y * groups.x;
  if (tile >= tiles) { return; }
  let row = tile >> 2u;
  let position = state[row + 320u];
  let parts = min((position >> 6u) + 1u, 32u);
  let base = tile * 32u;
  var top: f32 = -3.4028234663852886e+38f;
  var sum: f32 = 0f;
  var acc: vec4<f32> = vec4<f32>(0f);
  for (var page = 0u; page < parts; page += 1u) {
    let at = (base + page) * 9u;
    let figures = part[at + 8u];
    let next = max(top, figures.x);
    let before = exp(top - next);
    let now = exp(figures.x - next);
    acc = (acc * vec4<f32>(before)) + (part[at + local] * vec4<f32>(now));
    sum = (sum * before) + (figures.y * now);
    top = next;
  }
  out[(tile * 8u) + local] = acc * vec4<f32>(1f / sum);
}
