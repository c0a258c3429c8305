// rope.plain: threads 64
@group(0) @binding(0) var<storage, read_write> x: array<f32>;
@group(0) @binding(1) var<storage, read> table: array<f32>;
@group(0) @binding(2) var<storage, read_write> out: array<f32>;
@group(0) @binding(3) var<storage, read> state: array<u32>;
override tiles: u32 = 4294967295u;

@compute @workgroup_size(64)
fn rope_plain_2(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) local: u32,
) {
  let tile = group.x + group.y * groups.x;
  if (tile >= tiles) { return; }
  let row = tile;
  let col = local;
  if (col < 32u) {
    let at = (row * 32u) + col;
    let pair = col & 15u;
    let pairAt = (((row * 2u) + (col >> 4u)) * 32u) + pair;
    let position = state[row + 320u];
    let low = (((position & 255u) * 16u) + pair) * 2u;
    let high = ((((position >> 8u) + 256u) * 16u) + pair) * 2u;
    let c0 = table[low];
    let s0 = table[low + 1u];
    let c1 = table[high];
    let s1 = table[high + 1u];
    let cos = (c1 * c0) - (s1 * s0);
    let sin = (s1 * c0) + (c1 * s0);
    let a = x[pairAt];
    let b = x[pairAt + 16u];
    out[pairAt] = (a * cos) - (b * sin);
    out[pairAt + 16u] = (b * cos) + (a * sin);
  }
}
