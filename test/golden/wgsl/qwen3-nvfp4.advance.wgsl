// advance
@group(0) @binding(0) var<storage, read_write> state: array<u32>;
@group(0) @binding(1) var<storage, read_write> next: array<u32>;
override tiles: u32 = 4294967295u;

@compute @workgroup_size(1)
fn advance(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
) {
  let tile = group.x + group.y * groups.x;
  if (tile >= tiles) { return; }
  let step = state[2u];
  for (var row = 0u; row < 1u; row += 1u) {
    let id = next[row];
    let position = state[row + 320u] + 1u;
    let sequence = state[row + 576u];
    let page = min(position >> 8u, 15u);
    state[((step + row) & 4095u) + 1344u] = id;
    state[row + 64u] = id;
    state[row + 320u] = position;
    state[row + 832u] = (state[((sequence * 16u) + page) + 5440u] * 256u) + (position & 255u);
  }
  state[2u] = step + 1u;
}
