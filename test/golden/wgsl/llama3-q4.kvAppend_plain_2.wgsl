// kvAppend.plain: threads 128
@group(0) @binding(0) var<storage, read_write> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> cache: array<f32>;
@group(0) @binding(2) var<storage, read> state: array<u32>;
override tiles: u32 = 4294967295u;

@compute @workgroup_size(128)
fn kvAppend_plain_2(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) local: u32,
) {
  let tile = group.x + group.y * groups.x;
  if (tile >= tiles) { return; }
  if (tile < state[0u]) {
    let row = tile;
    let col = local;
    if (col < 64u) {
      let at = (row * 64u) + col;
      cache[(state[row + 832u] * 64u) + col] = x[at];
    }
  }
}
