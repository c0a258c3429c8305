enable subgroups;
// qkvHeads.heads: threads 32
@group(0) @binding(0) var<storage, read_write> x: array<f32>;
@group(0) @binding(1) var<storage, read> table: array<f32>;
@group(0) @binding(2) var<storage, read> qNorm: array<f32>;
@group(0) @binding(3) var<storage, read> kNorm: array<f32>;
@group(0) @binding(4) var<storage, read_write> out: array<f32>;
@group(0) @binding(5) var<storage, read_write> k: array<f32>;
@group(0) @binding(6) var<storage, read_write> v: array<f32>;
@group(0) @binding(7) var<storage, read> state: array<u32>;
override tiles: u32 = 4294967295u;

@compute @workgroup_size(32)
fn qkvHeads_heads(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) local: u32,
) {
  let tile = group.x + group.y * groups.x;
  if (tile >= tiles) { return; }
  let row = tile >> 3u;
  let head = tile & 7u;
  let from_ = (row * 256u) + (head * 32u);
  let position = state[row + 320u];
  let slot = state[row + 832u];
  if (head < 4u) {
    var squares: f32 = 0f;
    for (var i = local; i < 32u; i += 32u) {
      let v_1 = x[from_ + i];
      squares = fma(v_1, v_1, squares);
    }
    let own = subgroupAdd(squares);
    let factor = inverseSqrt((own * 0.03125f) + 0.000001f);
    for (var i_1 = local; i_1 < 16u; i_1 += 32u) {
      let value = (x[from_ + i_1] * factor) * qNorm[i_1];
      let value_1 = (x[from_ + (i_1 + 16u)] * factor) * qNorm[i_1 + 16u];
      let low = (((position & 255u) * 16u) + i_1) * 2u;
      let high = ((((position >> 8u) + 256u) * 16u) + i_1) * 2u;
      let c0 = table[low];
      let s0 = table[low + 1u];
      let c1 = table[high];
      let s1 = table[high + 1u];
      let cos = (c1 * c0) - (s1 * s0);
      let sin = (s1 * c0) + (c1 * s0);
      out[(((row * 4u) + head) * 32u) + i_1] = (value * cos) - (value_1 * sin);
      out[(((row * 4u) + head) * 32u) + (i_1 + 16u)] = (value_1 * cos) + (value * sin);
    }
  } else {
    if (head < 6u) {
      var squares_1: f32 = 0f;
      for (var i_2 = local; i_2 < 32u; i_2 += 32u) {
        let v_2 = x[from_ + i_2];
        squares_1 = fma(v_2, v_2, squares_1);
      }
      let own_1 = subgroupAdd(squares_1);
      let factor_1 = inverseSqrt((own_1 * 0.03125f) + 0.000001f);
      for (var i_3 = local; i_3 < 16u; i_3 += 32u) {
        let value_2 = (x[from_ + i_3] * factor_1) * kNorm[i_3];
        let value_3 = (x[from_ + (i_3 + 16u)] * factor_1) * kNorm[i_3 + 16u];
        let low_1 = (((position & 255u) * 16u) + i_3) * 2u;
        let high_1 = ((((position >> 8u) + 256u) * 16u) + i_3) * 2u;
        let c0_1 = table[low_1];
        let s0_1 = table[low_1 + 1u];
        let c1_1 = table[high_1];
        let s1_1 = table[high_1 + 1u];
        let cos_1 = (c1_1 * c0_1) - (s1_1 * s0_1);
        let sin_1 = (s1_1 * c0_1) + (c1_1 * s0_1);
        k[(((slot * 2u) + (head - 4u)) * 32u) + i_3] = (value_2 * cos_1) - (value_3 * sin_1);
        k[(((slot * 2u) + (head - 4u)) * 32u) + (i_3 + 16u)] = (value_3 * cos_1) + (value_2 * sin_1);
      }
    } else {
      for (var i_4 = local; i_4 < 32u; i_4 += 32u) {
        v[(((slot * 2u) + (head - 6u)) * 32u) + i_4] = x[from_ + i_4];
      }
    }
  }
}
