// embedding.runs: threads 64
@group(0) @binding(0) var<storage, read_write> out: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read> state: array<u32>;
@group(0) @binding(2) var<storage, read> weight: array<vec4<u32>>;
override tiles: u32 = 4294967295u;

fn bf16x4(a: u32, b: u32) -> vec4<f32> {
  return bitcast<vec4<f32>>(vec4<u32>(a << 16u, a & 0xffff0000u, b << 16u, b & 0xffff0000u));
}

@compute @workgroup_size(64)
fn embedding_runs_2(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) local: u32,
) {
  let tile = group.x + group.y * groups.x;
  if (tile >= tiles) { return; }
  if (tile < state[0u]) {
    let token = min(state[tile + 64u], 511u);
    for (var run = local; run < 4u; run += 64u) {
      let loaded = weight[((token * 4u) + run) * 4u];
      let loaded_1 = weight[(((token * 4u) + run) * 4u) + 1u];
      let loaded_2 = weight[(((token * 4u) + run) * 4u) + 2u];
      let loaded_3 = weight[(((token * 4u) + run) * 4u) + 3u];
      let at = ((tile * 4u) + run) * 8u;
      out[at] = bf16x4(loaded.x, loaded.y);
      out[at + 1u] = bf16x4(loaded.z, loaded.w);
      out[at + 2u] = bf16x4(loaded_1.x, loaded_1.y);
      out[at + 3u] = bf16x4(loaded_1.z, loaded_1.w);
      out[at + 4u] = bf16x4(loaded_2.x, loaded_2.y);
      out[at + 5u] = bf16x4(loaded_2.z, loaded_2.w);
      out[at + 6u] = bf16x4(loaded_3.x, loaded_3.y);
      out[at + 7u] = bf16x4(loaded_3.z, loaded_3.w);
    }
  }
}
