enable f16;
// fusedLinear.tile: rowTile 128, colTile 64, stages 2
@group(0) @binding(0) var<storage, read_write> x: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read_write> out: array<f32>;
@group(0) @binding(2) var<storage, read> state: array<u32>;
@group(0) @binding(3) var<storage, read> weight: array<vec4<u32>>;
@group(0) @binding(4) var<storage, read> weightWords: array<u32>;
var<workgroup> xs: array<vec4<f32>, 1152>;
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
fn fusedLinear_tile_2(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) local: u32,
) {
  let tile = group.x + group.y * groups.x;
  if (tile >= tiles) { return; }
  if (tile < (((state[0u] + 127u) >> 7u) * 8u)) {
    let rows = state[0u];
    let firstRow = (tile >> 3u) * 128u;
    let firstCol = (tile & 7u) * 32u;
    let ty = local >> 4u;
    let tx = local & 15u;
    let piece = local;
    let xRow = min(firstRow + (piece >> 3u), rows - 1u);
    let xFrom = (xRow * 32u) + (piece & 7u);
    let xTo = ((piece >> 3u) * 9u) + (piece & 7u);
    let piece_1 = local + 256u;
    let xRow_1 = min(firstRow + (piece_1 >> 3u), rows - 1u);
    let xFrom_1 = (xRow_1 * 32u) + (piece_1 & 7u);
    let xTo_1 = ((piece_1 >> 3u) * 9u) + (piece_1 & 7u);
    let piece_2 = local + 512u;
    let xRow_2 = min(firstRow + (piece_2 >> 3u), rows - 1u);
    let xFrom_2 = (xRow_2 * 32u) + (piece_2 & 7u);
    let xTo_2 = ((piece_2 >> 3u) * 9u) + (piece_2 & 7u);
    let piece_3 = local + 768u;
    let xRow_3 = min(firstRow + (piece_3 >> 3u), rows - 1u);
    let xFrom_3 = (xRow_3 * 32u) + (piece_3 & 7u);
    let xTo_3 = ((piece_3 >> 3u) * 9u) + (piece_3 & 7u);
    let slot = local & 63u;
    let weightRow = min(firstCol + (slot & 31u), 255u) + ((slot >> 5u) * 256u);
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
    var acc_16: f32 = 0f;
    var acc_17: f32 = 0f;
    var acc_18: f32 = 0f;
    var acc_19: f32 = 0f;
    var acc_20: f32 = 0f;
    var acc_21: f32 = 0f;
    var acc_22: f32 = 0f;
    var acc_23: f32 = 0f;
    var acc_24: f32 = 0f;
    var acc_25: f32 = 0f;
    var acc_26: f32 = 0f;
    var acc_27: f32 = 0f;
    var acc_28: f32 = 0f;
    var acc_29: f32 = 0f;
    var acc_30: f32 = 0f;
    var acc_31: f32 = 0f;
    var ahead: vec4<f32> = x[xFrom];
    var ahead_1: vec4<f32> = x[xFrom_1];
    var ahead_2: vec4<f32> = x[xFrom_2];
    var ahead_3: vec4<f32> = x[xFrom_3];
    var ahead_4: vec4<u32> = weight[weightRow * 4u];
    var ahead_5: u32 = weightWords_bits16((weightRow * 4u) + 16384u);
    for (var i = 0u; i < 4u; i += 1u) {
      let now = ahead;
      let now_1 = ahead_1;
      let now_2 = ahead_2;
      let now_3 = ahead_3;
      let now_4 = ahead_4;
      let now_5 = ahead_5;
      let next = i + 1u;
      if (next < 4u) {
        ahead = x[xFrom + (next * 8u)];
        ahead_1 = x[xFrom_1 + (next * 8u)];
        ahead_2 = x[xFrom_2 + (next * 8u)];
        ahead_3 = x[xFrom_3 + (next * 8u)];
        ahead_4 = weight[(weightRow * 4u) + next];
        ahead_5 = weightWords_bits16(((weightRow * 4u) + next) + 16384u);
      }
      workgroupBarrier();
      xs[xTo] = now;
      xs[xTo_1] = now_1;
      xs[xTo_2] = now_2;
      xs[xTo_3] = now_3;
      if (local < 64u) {
        let scale = f16x1(now_5);
        ws[slot * 9u] = (u4x4(now_4.x & 65535u) - vec4<f32>(8f)) * vec4<f32>(scale);
        ws[(slot * 9u) + 1u] = (u4x4(now_4.x >> 16u) - vec4<f32>(8f)) * vec4<f32>(scale);
        ws[(slot * 9u) + 2u] = (u4x4(now_4.y & 65535u) - vec4<f32>(8f)) * vec4<f32>(scale);
        ws[(slot * 9u) + 3u] = (u4x4(now_4.y >> 16u) - vec4<f32>(8f)) * vec4<f32>(scale);
        ws[(slot * 9u) + 4u] = (u4x4(now_4.z & 65535u) - vec4<f32>(8f)) * vec4<f32>(scale);
        ws[(slot * 9u) + 5u] = (u4x4(now_4.z >> 16u) - vec4<f32>(8f)) * vec4<f32>(scale);
        ws[(slot * 9u) + 6u] = (u4x4(now_4.w & 65535u) - vec4<f32>(8f)) * vec4<f32>(scale);
        ws[(slot * 9u) + 7u] = (u4x4(now_4.w >> 16u) - vec4<f32>(8f)) * vec4<f32>(scale);
      }
      workgroupBarrier();
      for (var v = 0u; v < 8u; v += 1u) {
        let a = xs[(ty * 9u) + v];
        let a_1 = xs[((ty + 16u) * 9u) + v];
        let a_2 = xs[((ty + 32u) * 9u) + v];
        let a_3 = xs[((ty + 48u) * 9u) + v];
        let a_4 = xs[((ty + 64u) * 9u) + v];
        let a_5 = xs[((ty + 80u) * 9u) + v];
        let a_6 = xs[((ty + 96u) * 9u) + v];
        let a_7 = xs[((ty + 112u) * 9u) + v];
        let b = ws[(tx * 9u) + v];
        acc = fma(a.w, b.w, fma(a.z, b.z, fma(a.y, b.y, fma(a.x, b.x, acc))));
        acc_4 = fma(a_1.w, b.w, fma(a_1.z, b.z, fma(a_1.y, b.y, fma(a_1.x, b.x, acc_4))));
        acc_8 = fma(a_2.w, b.w, fma(a_2.z, b.z, fma(a_2.y, b.y, fma(a_2.x, b.x, acc_8))));
        acc_12 = fma(a_3.w, b.w, fma(a_3.z, b.z, fma(a_3.y, b.y, fma(a_3.x, b.x, acc_12))));
        acc_16 = fma(a_4.w, b.w, fma(a_4.z, b.z, fma(a_4.y, b.y, fma(a_4.x, b.x, acc_16))));
        acc_20 = fma(a_5.w, b.w, fma(a_5.z, b.z, fma(a_5.y, b.y, fma(a_5.x, b.x, acc_20))));
        acc_24 = fma(a_6.w, b.w, fma(a_6.z, b.z, fma(a_6.y, b.y, fma(a_6.x, b.x, acc_24))));
        acc_28 = fma(a_7.w, b.w, fma(a_7.z, b.z, fma(a_7.y, b.y, fma(a_7.x, b.x, acc_28))));
        let b_1 = ws[((tx + 16u) * 9u) + v];
        acc_1 = fma(a.w, b_1.w, fma(a.z, b_1.z, fma(a.y, b_1.y, fma(a.x, b_1.x, acc_1))));
        acc_5 = fma(a_1.w, b_1.w, fma(a_1.z, b_1.z, fma(a_1.y, b_1.y, fma(a_1.x, b_1.x, acc_5))));
        acc_9 = fma(a_2.w, b_1.w, fma(a_2.z, b_1.z, fma(a_2.y, b_1.y, fma(a_2.x, b_1.x, acc_9))));
        acc_13 = fma(a_3.w, b_1.w, fma(a_3.z, b_1.z, fma(a_3.y, b_1.y, fma(a_3.x, b_1.x, acc_13))));
        acc_17 = fma(a_4.w, b_1.w, fma(a_4.z, b_1.z, fma(a_4.y, b_1.y, fma(a_4.x, b_1.x, acc_17))));
        acc_21 = fma(a_5.w, b_1.w, fma(a_5.z, b_1.z, fma(a_5.y, b_1.y, fma(a_5.x, b_1.x, acc_21))));
        acc_25 = fma(a_6.w, b_1.w, fma(a_6.z, b_1.z, fma(a_6.y, b_1.y, fma(a_6.x, b_1.x, acc_25))));
        acc_29 = fma(a_7.w, b_1.w, fma(a_7.z, b_1.z, fma(a_7.y, b_1.y, fma(a_7.x, b_1.x, acc_29))));
        let b_2 = ws[((tx + 32u) * 9u) + v];
        acc_2 = fma(a.w, b_2.w, fma(a.z, b_2.z, fma(a.y, b_2.y, fma(a.x, b_2.x, acc_2))));
        acc_6 = fma(a_1.w, b_2.w, fma(a_1.z, b_2.z, fma(a_1.y, b_2.y, fma(a_1.x, b_2.x, acc_6))));
        acc_10 = fma(a_2.w, b_2.w, fma(a_2.z, b_2.z, fma(a_2.y, b_2.y, fma(a_2.x, b_2.x, acc_10))));
        acc_14 = fma(a_3.w, b_2.w, fma(a_3.z, b_2.z, fma(a_3.y, b_2.y, fma(a_3.x, b_2.x, acc_14))));
        acc_18 = fma(a_4.w, b_2.w, fma(a_4.z, b_2.z, fma(a_4.y, b_2.y, fma(a_4.x, b_2.x, acc_18))));
        acc_22 = fma(a_5.w, b_2.w, fma(a_5.z, b_2.z, fma(a_5.y, b_2.y, fma(a_5.x, b_2.x, acc_22))));
        acc_26 = fma(a_6.w, b_2.w, fma(a_6.z, b_2.z, fma(a_6.y, b_2.y, fma(a_6.x, b_2.x, acc_26))));
        acc_30 = fma(a_7.w, b_2.w, fma(a_7.z, b_2.z, fma(a_7.y, b_2.y, fma(a_7.x, b_2.x, acc_30))));
        let b_3 = ws[((tx + 48u) * 9u) + v];
        acc_3 = fma(a.w, b_3.w, fma(a.z, b_3.z, fma(a.y, b_3.y, fma(a.x, b_3.x, acc_3))));
        acc_7 = fma(a_1.w, b_3.w, fma(a_1.z, b_3.z, fma(a_1.y, b_3.y, fma(a_1.x, b_3.x, acc_7))));
        acc_11 = fma(a_2.w, b_3.w, fma(a_2.z, b_3.z, fma(a_2.y, b_3.y, fma(a_2.x, b_3.x, acc_11))));
        acc_15 = fma(a_3.w, b_3.w, fma(a_3.z, b_3.z, fma(a_3.y, b_3.y, fma(a_3.x, b_3.x, acc_15))));
        acc_19 = fma(a_4.w, b_3.w, fma(a_4.z, b_3.z, fma(a_4.y, b_3.y, fma(a_4.x, b_3.x, acc_19))));
        acc_23 = fma(a_5.w, b_3.w, fma(a_5.z, b_3.z, fma(a_5.y, b_3.y, fma(a_5.x, b_3.x, acc_23))));
        acc_27 = fma(a_6.w, b_3.w, fma(a_6.z, b_3.z, fma(a_6.y, b_3.y, fma(a_6.x, b_3.x, acc_27))));
        acc_31 = fma(a_7.w, b_3.w, fma(a_7.z, b_3.z, fma(a_7.y, b_3.y, fma(a_7.x, b_3.x, acc_31))));
      }
    }
    let row = firstRow + ty;
    if (row < rows) {
      let col = firstCol + tx;
      let to = (row * 256u) + col;
      out[to] = (acc / (1f + exp(-acc))) * acc_2;
      let col_1 = (firstCol + tx) + 16u;
      let to_1 = (row * 256u) + col_1;
      out[to_1] = (acc_1 / (1f + exp(-acc_1))) * acc_3;
    }
    let row_1 = (firstRow + ty) + 16u;
    if (row_1 < rows) {
      let col_2 = firstCol + tx;
      let to_2 = (row_1 * 256u) + col_2;
      out[to_2] = (acc_4 / (1f + exp(-acc_4))) * acc_6;
      let col_3 = (firstCol + tx) + 16u;
      let to_3 = (row_1 * 256u) + col_3;
      out[to_3] = (acc_5 / (1f + exp(-acc_5))) * acc_7;
    }
    let row_2 = (firstRow + ty) + 32u;
    if (row_2 < rows) {
      let col_4 = firstCol + tx;
      let to_4 = (row_2 * 256u) + col_4;
      out[to_4] = (acc_8 / (1f + exp(-acc_8))) * acc_10;
      let col_5 = (firstCol + tx) + 16u;
      let to_5 = (row_2 * 256u) + col_5;
      out[to_5] = (acc_9 / (1f + exp(-acc_9))) * acc_11;
    }
    let row_3 = (firstRow + ty) + 48u;
    if (row_3 < rows) {
      let col_6 = firstCol + tx;
      let to_6 = (row_3 * 256u) + col_6;
      out[to_6] = (acc_12 / (1f + exp(-acc_12))) * acc_14;
      let col_7 = (firstCol + tx) + 16u;
      let to_7 = (row_3 * 256u) + col_7;
      out[to_7] = (acc_13 / (1f + exp(-acc_13))) * acc_15;
    }
    let row_4 = (firstRow + ty) + 64u;
    if (row_4 < rows) {
      let col_8 = firstCol + tx;
      let to_8 = (row_4 * 256u) + col_8;
      out[to_8] = (acc_16 / (1f + exp(-acc_16))) * acc_18;
      let col_9 = (firstCol + tx) + 16u;
      let to_9 = (row_4 * 256u) + col_9;
      out[to_9] = (acc_17 / (1f + exp(-acc_17))) * acc_19;
    }
    let row_5 = (firstRow + ty) + 80u;
    if (row_5 < rows) {
      let col_10 = firstCol + tx;
      let to_10 = (row_5 * 256u) + col_10;
      out[to_10] = (acc_20 / (1f + exp(-acc_20))) * acc_22;
      let col_11 = (firstCol + tx) + 16u;
      let to_11 = (row_5 * 256u) + col_11;
      out[to_11] = (acc_21 / (1f + exp(-acc_21))) * acc_23;
    }
    let row_6 = (firstRow + ty) + 96u;
    if (row_6 < rows) {
      let col_12 = firstCol + tx;
      let to_12 = (row_6 * 256u) + col_12;
      out[to_12] = (acc_24 / (1f + exp(-acc_24))) * acc_26;
      let col_13 = (firstCol + tx) + 16u;
      let to_13 = (row_6 * 256u) + col_13;
      out[to_13] = (acc_25 / (1f + exp(-acc_25))) * acc_27;
    }
    let row_7 = (firstRow + ty) + 112u;
    if (row_7 < rows) {
      let col_14 = firstCol + tx;
      let to_14 = (row_7 * 256u) + col_14;
      out[to_14] = (acc_28 / (1f + exp(-acc_28))) * acc_30;
      let col_15 = (firstCol + tx) + 16u;
      let to_15 = (row_7 * 256u) + col_15;
      out[to_15] = (acc_29 / (1f + exp(-acc_29))) * acc_31;
    }
  }
}
