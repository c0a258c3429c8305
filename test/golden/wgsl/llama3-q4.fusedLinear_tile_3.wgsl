enable f16;
// fusedLinear.tile: rowTile 64, colTile 64, stages 2
@group(0) @binding(0) var<storage, read_write> x: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read_write> residual: array<f32>;
@group(0) @binding(2) var<storage, read_write> out: array<f32>;
@group(0) @binding(3) var<storage, read> state: array<u32>;
@group(0) @binding(4) var<storage, read> weight: array<vec4<u32>>;
@group(0) @binding(5) var<storage, read> weightWords: array<u32>;
var<workgroup> xs: array<vec4<f32>, 576>;
var<workgroup> ws: array<vec4<f32>, 576>;
override tiles: u32 = 4294967295u;

fn weightWords_bits16(index: u32) -> u32 {
  return (weightWords[index >> 1u] >> ((index & 1u) << 4u)) & 0xffffu;
}

fn f16x1(code: u32) -> f32 {
  return f32(bitcast<vec2<f16>>(code).x);
}

fn u4x4(codes: u32) -> vec4<f32> {
  return vec4<f32>(vec4<u32>(codes, codes >> 4u, codes >> 8u, codes >> 12u) & vec4<u32>(15u));
}

@compute @workgroup_size(256)
fn fusedLinear_tile_3(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) local: u32,
) {
  let tile = group.x + group.y * groups.x;
  if (tile >= tiles) { return; }
  if (tile < (((state[0u] + 63u) >> 6u) * 2u)) {
    let rows = state[0u];
    let firstRow = (tile >> 1u) * 64u;
    let firstCol = (tile & 1u) * 64u;
    let ty = local >> 4u;
    let tx = local & 15u;
    let piece = local;
    let xRow = min(firstRow + (piece >> 3u), rows - 1u);
    let xFrom = (xRow * 64u) + (piece & 7u);
    let xTo = ((piece >> 3u) * 9u) + (piece & 7u);
    let piece_1 = local + 256u;
    let xRow_1 = min(firstRow + (piece_1 >> 3u), rows - 1u);
    let xFrom_1 = (xRow_1 * 64u) + (piece_1 & 7u);
    let xTo_1 = ((piece_1 >> 3u) * 9u) + (piece_1 & 7u);
    let slot = local & 63u;
    let weightRow = min(firstCol + (slot & 63u), 127u) + ((slot >> 6u) * 128u);
    var acc: f32 = 0f;
    var acc_1: f32 = 0f;
    var acc_2: f32 = 0f;
    var acc_3: f32 = 0f;
    var acc_4: f32 = 0f;
    var acc_5: f32 = 0f;
    var acc_6: f32 = 0f;
    var acc_7: f32 = 0f;
    var acc_8: f32 = 0f;
    var acc_9: f32 = 0f;
    var acc_10: f32 = 0f;
    var acc_11: f32 = 0f;
    var acc_12: f32 = 0f;
    var acc_13: f32 = 0f;
    var acc_14: f32 = 0f;
    var acc_15: f32 = 0f;
    var ahead: vec4<f32> = x[xFrom];
    var ahead_1: vec4<f32> = x[xFrom_1];
    var ahead_2: vec4<u32> = weight[weightRow * 8u];
    var ahead_3: u32 = weightWords_bits16((weightRow * 8u) + 8192u);
    var ahead_4: u32 = weightWords_bits16((weightRow * 8u) + 9216u);
    for (var i = 0u; i < 8u; i += 1u) {
      let now = ahead;
      let now_1 = ahead_1;
      let now_2 = ahead_2;
      let now_3 = ahead_3;
      let now_4 = ahead_4;
      let next = i + 1u;
      if (next < 8u) {
        ahead = x[xFrom + (next * 8u)];
        ahead_1 = x[xFrom_1 + (next * 8u)];
        ahead_2 = weight[(weightRow * 8u) + next];
        ahead_3 = weightWords_bits16(((weightRow * 8u) + next) + 8192u);
        ahead_4 = weightWords_bits16(((weightRow * 8u) + next) + 9216u);
      }
      workgroupBarrier();
      xs[xTo] = now;
      xs[xTo_1] = now_1;
      if (local < 64u) {
        let scale = f16x1(now_3);
        let least = -f16x1(now_4);
        ws[slot * 9u] = (u4x4(now_2.x & 65535u) * vec4<f32>(scale)) - vec4<f32>(least);
        ws[(slot * 9u) + 1u] = (u4x4(now_2.x >> 16u) * vec4<f32>(scale)) - vec4<f32>(least);
        ws[(slot * 9u) + 2u] = (u4x4(now_2.y & 65535u) * vec4<f32>(scale)) - vec4<f32>(least);
        ws[(slot * 9u) + 3u] = (u4x4(now_2.y >> 16u) * vec4<f32>(scale)) - vec4<f32>(least);
        ws[(slot * 9u) + 4u] = (u4x4(now_2.z & 65535u) * vec4<f32>(scale)) - vec4<f32>(least);
        ws[(slot * 9u) + 5u] = (u4x4(now_2.z >> 16u) * vec4<f32>(scale)) - vec4<f32>(least);
        ws[(slot * 9u) + 6u] = (u4x4(now_2.w & 65535u) * vec4<f32>(scale)) - vec4<f32>(least);
        ws[(slot * 9u) + 7u] = (u4x4(now_2.w >> 16u) * vec4<f32>(scale)) - vec4<f32>(least);
      }
      workgroupBarrier();
      for (var v = 0u; v < 8u; v += 1u) {
        let a = xs[(ty * 9u) + v];
        let a_1 = xs[((ty + 16u) * 9u) + v];
        let a_2 = xs[((ty + 32u) * 9u) + v];
        let a_3 = xs[((ty + 48u) * 9u) + v];
        let b = ws[(tx * 9u) + v];
        acc = fma(a.w, b.w, fma(a.z, b.z, fma(a.y, b.y, fma(a.x, b.x, acc))));
        acc_4 = fma(a_1.w, b.w, fma(a_1.z, b.z, fma(a_1.y, b.y, fma(a_1.x, b.x, acc_4))));
        acc_8 = fma(a_2.w, b.w, fma(a_2.z, b.z, fma(a_2.y, b.y, fma(a_2.x, b.x, acc_8))));
        acc_12 = fma(a_3.w, b.w, fma(a_3.z, b.z, fma(a_3.y, b.y, fma(a_3.x, b.x, acc_12))));
        let b_1 = ws[((tx + 16u) * 9u) + v];
        acc_1 = fma(a.w, b_1.w, fma(a.z, b_1.z, fma(a.y, b_1.y, fma(a.x, b_1.x, acc_1))));
        acc_5 = fma(a_1.w, b_1.w, fma(a_1.z, b_1.z, fma(a_1.y, b_1.y, fma(a_1.x, b_1.x, acc_5))));
        acc_9 = fma(a_2.w, b_1.w, fma(a_2.z, b_1.z, fma(a_2.y, b_1.y, fma(a_2.x, b_1.x, acc_9))));
        acc_13 = fma(a_3.w, b_1.w, fma(a_3.z, b_1.z, fma(a_3.y, b_1.y, fma(a_3.x, b_1.x, acc_13))));
        let b_2 = ws[((tx + 32u) * 9u) + v];
        acc_2 = fma(a.w, b_2.w, fma(a.z, b_2.z, fma(a.y, b_2.y, fma(a.x, b_2.x, acc_2))));
        acc_6 = fma(a_1.w, b_2.w, fma(a_1.z, b_2.z, fma(a_1.y, b_2.y, fma(a_1.x, b_2.x, acc_6))));
        acc_10 = fma(a_2.w, b_2.w, fma(a_2.z, b_2.z, fma(a_2.y, b_2.y, fma(a_2.x, b_2.x, acc_10))));
        acc_14 = fma(a_3.w, b_2.w, fma(a_3.z, b_2.z, fma(a_3.y, b_2.y, fma(a_3.x, b_2.x, acc_14))));
        let b_3 = ws[((tx + 48u) * 9u) + v];
        acc_3 = fma(a.w, b_3.w, fma(a.z, b_3.z, fma(a.y, b_3.y, fma(a.x, b_3.x, acc_3))));
        acc_7 = fma(a_1.w, b_3.w, fma(a_1.z, b_3.z, fma(a_1.y, b_3.y, fma(a_1.x, b_3.x, acc_7))));
        acc_11 = fma(a_2.w, b_3.w, fma(a_2.z, b_3.z, fma(a_2.y, b_3.y, fma(a_2.x, b_3.x, acc_11))));
        acc_15 = fma(a_3.w, b_3.w, fma(a_3.z, b_3.z, fma(a_3.y, b_3.y, fma(a_3.x, b_3.x, acc_15))));
      }
    }
    let row = firstRow + ty;
    if (row < rows) {
      let col = firstCol + tx;
      let to = (row * 128u) + col;
      out[to] = residual[to] + acc;
      let col_1 = (firstCol + tx) + 16u;
      let to_1 = (row * 128u) + col_1;
      out[to_1] = residual[to_1] + acc_1;
      let col_2 = (firstCol + tx) + 32u;
      let to_2 = (row * 128u) + col_2;
      out[to_2] = residual[to_2] + acc_2;
      let col_3 = (firstCol + tx) + 48u;
      let to_3 = (row * 128u) + col_3;
      out[to_3] = residual[to_3] + acc_3;
    }
    let row_1 = (firstRow + ty) + 16u;
    if (row_1 < rows) {
      let col_4 = firstCol + tx;
      let to_4 = (row_1 * 128u) + col_4;
      out[to_4] = residual[to_4] + acc_4;
      let col_5 = (firstCol + tx) + 16u;
      let to_5 = (row_1 * 128u) + col_5;
      out[to_5] = residual[to_5] + acc_5;
      let col_6 = (firstCol + tx) + 32u;
      let to_6 = (row_1 * 128u) + col_6;
      out[to_6] = residual[to_6] + acc_6;
      let col_7 = (firstCol + tx) + 48u;
      let to_7 = (row_1 * 128u) + col_7;
      out[to_7] = residual[to_7] + acc_7;
    }
    let row_2 = (firstRow + ty) + 32u;
    if (row_2 < rows) {
      let col_8 = firstCol + tx;
      let to_8 = (row_2 * 128u) + col_8;
      out[to_8] = residual[to_8] + acc_8;
      let col_9 = (firstCol + tx) + 16u;
      let to_9 = (row_2 * 128u) + col_9;
      out[to_9] = residual[to_9] + acc_9;
      let col_10 = (firstCol + tx) + 32u;
      let to_10 = (row_2 * 128u) + col_10;
      out[to_10] = residual[to_10] + acc_10;
      let col_11 = (firstCol + tx) + 48u;
      let to_11 = (row_2 * 128u) + col_11;
      out[to_11] = residual[to_11] + acc_11;
    }
    let row_3 = (firstRow + ty) + 48u;
    if (row_3 < rows) {
      let col_12 = firstCol + tx;
      let to_12 = (row_3 * 128u) + col_12;
      out[to_12] = residual[to_12] + acc_12;
      let col_13 = (firstCol + tx) + 16u;
      let to_13 = (row_3 * 128u) + col_13;
      out[to_13] = residual[to_13] + acc_13;
      let col_14 = (firstCol + tx) + 32u;
      let to_14 = (row_3 * 128u) + col_14;
      out[to_14] = residual[to_14] + acc_14;
      let col_15 = (firstCol + tx) + 48u;
      let to_15 = (row_3 * 128u) + col_15;
      out[to_15] = residual[to_15] + acc_15;
    }
  }
}
