enable f16;
// embedding.runs: threads 64
@group(0) @binding(0) var<storage, read_write> out: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read> state: array<u32>;
@group(0) @binding(2) var<storage, read> weight: array<vec4<u32>>;
@group(0) @binding(3) var<storage, read> weightWords: array<u32>;
override tiles: u32 = 4294967295u;

fn weightWords_bits16(index: u32) -> u32 {
  return (weightWords[index >> 1u] >> ((index & 1u) << 4u)) & 0xffffu;
}

fn f16x1(code: u32) -> f32 {
  return f32(bitcast<vec2<f16>>(code).x);
}

fn i8x4(codes: u32) -> vec4<f32> {
  return vec4<f32>((bitcast<vec4<i32>>(vec4<u32>(codes)) << vec4<u32>(24u, 16u, 8u, 0u)) >> vec4<u32>(24u));
}

@compute @workgroup_size(64)
fn embedding_runs(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) local: u32,
) {
  let tile = group.x + group.y * groups.x;
  if (tile >= tiles) { return; }
  let token = min(state[tile + 64u], 511u);
  for (var run = local; run < 4u; run += 64u) {
    let loaded = weight[((token * 4u) + run) * 2u];
    let loaded_1 = weight[(((token * 4u) + run) * 2u) + 1u];
    let loaded_2 = weightWords_bits16(((token * 4u) + run) + 32768u);
    let at = ((tile * 4u) + run) * 8u;
    let scale = f16x1(loaded_2);
    out[at] = i8x4(loaded.x) * vec4<f32>(scale);
    out[at + 1u] = i8x4(loaded.y) * vec4<f32>(scale);
    out[at + 2u] = i8x4(loaded.z) * vec4<f32>(scale);
    out[at + 3u] = i8x4(loaded.w) * vec4<f32>(scale);
    out[at + 4u] = i8x4(loaded_1.x) * vec4<f32>(scale);
    out[at + 5u] = i8x4(loaded_1.y) * vec4<f32>(scale);
    out[at + 6u] = i8x4(loaded_1.z) * vec4<f32>(scale);
    out[at + 7u] = i8x4(loaded_1.w) * vec4<f32>(scale);
  }
}
