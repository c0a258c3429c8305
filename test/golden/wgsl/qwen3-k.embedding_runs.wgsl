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
  let token = min(state[tile + 64u], 79u);
  for (var run = local; run < 8u; run += 64u) {
    let loaded = weight[(token * 8u) + run];
    let loaded_1 = weightWords[(((token * 8u) + run) * 2u) + 2560u];
    let loaded_2 = weightWords[((((token * 8u) + run) * 2u) + 1u) + 2560u];
    let loaded_3 = weightWords_bits16((((token * 8u) + run) >> 3u) + 8320u);
    let loaded_4 = weightWords_bits16(((token * 8u) + run) + 7680u);
    let at = ((tile * 8u) + run) * 8u;
    let scale = f16x1(loaded_3) * i8x4(loaded_4).x;
    let scale_1 = f16x1(loaded_3) * i8x4(loaded_4).y;
    out[at] = i8x4(((((loaded.x & 252645135u) | ((loaded_1 & 50529027u) << 4u)) | 2155905152u) - 538976288u) ^ 2155905152u) * vec4<f32>(scale);
    out[at + 1u] = i8x4((((((loaded.x >> 4u) & 252645135u) | (((loaded_1 >> 2u) & 50529027u) << 4u)) | 2155905152u) - 538976288u) ^ 2155905152u) * vec4<f32>(scale);
    out[at + 2u] = i8x4(((((loaded.y & 252645135u) | (((loaded_1 >> 4u) & 50529027u) << 4u)) | 2155905152u) - 538976288u) ^ 2155905152u) * vec4<f32>(scale);
    out[at + 3u] = i8x4((((((loaded.y >> 4u) & 252645135u) | (((loaded_1 >> 6u) & 50529027u) << 4u)) | 2155905152u) - 538976288u) ^ 2155905152u) * vec4<f32>(scale);
    out[at + 4u] = i8x4(((((loaded.z & 252645135u) | ((loaded_2 & 50529027u) << 4u)) | 2155905152u) - 538976288u) ^ 2155905152u) * vec4<f32>(scale_1);
    out[at + 5u] = i8x4((((((loaded.z >> 4u) & 252645135u) | (((loaded_2 >> 2u) & 50529027u) << 4u)) | 2155905152u) - 538976288u) ^ 2155905152u) * vec4<f32>(scale_1);
    out[at + 6u] = i8x4(((((loaded.w & 252645135u) | (((loaded_2 >> 4u) & 50529027u) << 4u)) | 2155905152u) - 538976288u) ^ 2155905152u) * vec4<f32>(scale_1);
    out[at + 7u] = i8x4((((((loaded.w >> 4u) & 252645135u) | (((loaded_2 >> 6u) & 50529027u) << 4u)) | 2155905152u) - 538976288u) ^ 2155905152u) * vec4<f32>(scale_1);
  }
}
