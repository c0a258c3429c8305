enable subgroups;
// attention.split: threads 128, splits 16
@group(0) @binding(0) var<storage, read_write> q: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read_write> k: array<vec4<f32>>;
@group(0) @binding(2) var<storage, read_write> v: array<vec4<f32>>;
@group(0) @binding(3) var<storage, read_write> part: array<vec4<f32>>;
@group(0) @binding(4) var<storage, read> state: array<u32>;
var<workgroup> query: array<vec4<f32>, 8>;
var<workgroup> weights: array<f32, 256>;
var<workgroup> partial: array<vec4<f32>, 128>;
var<workgroup> parts: array<f32, 4>;
var<workgroup> parts_1: array<f32, 4>;
override tiles: u32 = 4294967295u;

@compute @workgroup_size(128)
fn attention_split(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) local: u32,
) {
  let tile = group.x + group.y * groups.x;
  if (tile >= tiles) { return; }
  let rowHead = tile >> 4u;
  let row = rowHead >> 2u;
  let head = rowHead & 3u;
  let position = state[row + 320u];
  if (local < 8u) {
    query[local] = q[(rowHead * 8u) + local] * vec4<f32>(0.17677669f);
  }
  for (var page = tile & 15u; page < ((position >> 8u) + 1u); page += 16u) {
    let first = page * 256u;
    let slot = state[((state[row + 576u] * 16u) + page) + 5440u] * 256u;
    let partAt = ((rowHead * 16u) + page) * 9u;
    workgroupBarrier();
    var most: f32 = -3.4028234663852886e+38f;
    let kvHead = head >> 1u;
    for (var j = local; j < 256u; j += 128u) {
      var score: f32 = -3.4028234663852886e+38f;
      let at = first + j;
      if ((at <= position) && (at >= 0u)) {
        let from_ = (((slot + j) * 2u) + kvHead) * 8u;
        var dot_: f32 = 0f;
        for (var d = 0u; d < 8u; d += 1u) {
          dot_ = dot_ + dot(query[d], k[from_ + d]);
        }
        score = dot_;
      }
      weights[j] = score;
      most = max(most, score);
    }
    let own = subgroupMax(most);
    if ((local & 31u) == 0u) {
      parts[local >> 5u] = own;
    }
    workgroupBarrier();
    let total = max(max(max(parts[0u], parts[1u]), parts[2u]), parts[3u]);
    workgroupBarrier();
    var own_1: f32 = 0f;
    for (var j_1 = local; j_1 < 256u; j_1 += 128u) {
      let s = weights[j_1];
      let weight = select(0f, exp(s - total), s > (-3.4028234663852886e+38f));
      weights[j_1] = weight;
      own_1 = own_1 + weight;
    }
    let own_2 = subgroupAdd(own_1);
    if ((local & 31u) == 0u) {
      parts_1[local >> 5u] = own_2;
    }
    workgroupBarrier();
    let total_1 = ((parts_1[0u] + parts_1[1u]) + parts_1[2u]) + parts_1[3u];
    let team = local >> 3u;
    let d_1 = local & 7u;
    var acc: vec4<f32> = vec4<f32>(0f);
    let fromJ = select(0u, 0u - first, 0u > first);
    let toJ = min((position + 1u) - first, 256u);
    for (var j_2 = fromJ + team; j_2 < toJ; j_2 += 16u) {
      acc = acc + (v[((((slot + j_2) * 2u) + kvHead) * 8u) + d_1] * vec4<f32>(weights[j_2]));
    }
    partial[local] = acc;
    workgroupBarrier();
    if (team == 0u) {
      var all: vec4<f32> = acc;
      all = all + partial[local + 8u];
      all = all + partial[local + 16u];
      all = all + partial[local + 24u];
      all = all + partial[local + 32u];
      all = all + partial[local + 40u];
      all = all + partial[local + 48u];
      all = all + partial[local + 56u];
      all = all + partial[local + 64u];
      all = all + partial[local + 72u];
      all = all + partial[local + 80u];
      all = all + partial[local + 88u];
      all = all + partial[local + 96u];
      all = all + partial[local + 104u];
      all = all + partial[local + 112u];
      all = all + partial[local + 120u];
      part[partAt + d_1] = all;
    }
    if (local == 0u) {
      part[partAt + 8u] = vec4<f32>(total, total_1, 0f, 0f);
    }
  }
}
