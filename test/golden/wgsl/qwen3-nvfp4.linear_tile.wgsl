// linear.tile: rowTile 128, colTile 64, stages 2
@group(0) @binding(0) var<storage, read_write> x: array<vec4<f32>>;
@group(0) @binding(1) var<storage, read_write> out: array<f32>;
@group(0) @binding(2) var<storage, read> state: array<u32>;
@group(0) @binding(3) var<storage, read> weight: array<vec4<u32>>;
var<workgroup> xs: array<vec4<f32>, 1152>;
var<workgroup> ws: array<vec4<f32>, 576>;
override tiles: u32 = 4294967295u;

fn bf16x4(a: u32, b: u32) -> vec4<f32> {
  return bitcast<vec4<f32>>(vec4<u32>(a << 16u, a & 0xffff0000u, b << 16u, b & 0xffff0000u));
}

@compute @workgroup_size(256)
fn linear_tile(
  @builtin(workgroup_id) group: vec3<u32>,
  @builtin(num_workgroups) groups: vec3<u32>,
  @builtin(local_invocation_index) local: u32,
) {
  let tile = group.x + group.y * groups.x;
  if (tile >= tiles) { return; }
  if (tile < (((state[1u] + 127u) >> 7u) * 8u)) {
    let rows = state[1u];
    let firstRow = (tile >> 3u) * 128u;
    let firstCol = (tile & 7u) * 64u;
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
    let weightRow = min(firstCol + (slot & 63u), 511u) + ((slot >> 6u) * 512u);
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
    var ahead_4: vec4<u32> = weight[(weightRow * 4u) * 4u];
    var ahead_5: vec4<u32> = weight[((weightRow * 4u) * 4u) + 1u];
    var ahead_6: vec4<u32> = weight[((weightRow * 4u) * 4u) + 2u];
    var ahead_7: vec4<u32> = weight[((weightRow * 4u) * 4u) + 3u];
    for (var i = 0u; i < 4u; i += 1u) {
      let now = ahead;
      let now_1 = ahead_1;
      let now_2 = ahead_2;
      let now_3 = ahead_3;
      let now_4 = ahead_4;
      let now_5 = ahead_5;
      let now_6 = ahead_6;
      let now_7 = ahead_7;
      let next = i + 1u;
      if (next < 4u) {
        ahead = x[xFrom + (next * 8u)];
        ahead_1 = x[xFrom_1 + (next * 8u)];
        ahead_2 = x[xFrom_2 + (next * 8u)];
        ahead_3 = x[xFrom_3 + (next * 8u)];
        ahead_4 = weight[((weightRow * 4u) + next) * 4u];
        ahead_5 = weight[(((weightRow * 4u) + next) * 4u) + 1u];
        ahead_6 = weight[(((weightRow * 4u) + next) * 4u) + 2u];
        ahead_7 = weight[(((weightRow * 4u) + next) * 4u) + 3u];
      }
      workgroupBarrier();
      xs[xTo] = now;
      xs[xTo_1] = now_1;
      xs[xTo_2] = now_2;
      xs[xTo_3] = now_3;
      if (local < 64u) {
        ws[slot * 9u] = bf16x4(now_4.x, now_4.y);
        ws[(slot * 9u) + 1u] = bf16x4(now_4.z, now_4.w);
        ws[(slot * 9u) + 2u] = bf16x4(now_5.x, now_5.y);
        ws[(slot * 9u) + 3u] = bf16x4(now_5.z, now_5.w);
        ws[(slot * 9u) + 4u] = bf16x4(now_6.x, now_6.y);
        ws[(slot * 9u) + 5u] = bf16x4(now_6.z, now_6.w);
        ws[(slot * 9u) + 6u] = bf16x4(now_7.x, now_7.y);
        ws[(slot * 9u) + 7u] = bf16x4(now_7.z, now_7.w);
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
      let to = (row * 512u) + col;
      out[to] = acc;
      let col_1 = (firstCol + tx) + 16u;
      let to_1 = (row * 512u) + col_1;
      out[to_1] = acc_1;
      let col_2 = (firstCol + tx) + 32u;
      let to_2 = (row * 512u) + col_2;
      out[to_2] = acc_2;
      let col_3 = (firstCol + tx) + 48u;
      let to_3 = (row * 512u) + col_3;
      out[to_3] = acc_3;
    }
    let row_1 = (firstRow + ty) + 16u;
    if (row_1 < rows) {
      let col_4 = firstCol + tx;
      let to_4 = (row_1 * 512u) + col_4;
      out[to_4] = acc_4;
      let col_5 = (firstCol + tx) + 16u;
      let to_5 = (row_1 * 512u) + col_5;
      out[to_5] = acc_5;
      let col_6 = (firstCol + tx) + 32u;
      let to_6 = (row_1 * 512u) + col_6;
      out[to_6] = acc_6;
      let col_7 = (firstCol + tx) + 48u;
      let to_7 = (row_1 * 512u) + col_7;
      out[to_7] = acc_7;
    }
    let row_2 = (firstRow + ty) + 32u;
    if (row_2 < rows) {
      let col_8 = firstCol + tx;
      let to_8 = (row_2 * 512u) + col_8;
      out[to_8] = acc_8;
      let col_9 = (firstCol + tx) + 16u;
      let to_9 = (row_2 * 512u) + col_9;
      out[to_9] = acc_9;
      let col_10 = (firstCol + tx) + 32u;
      let to_10 = (row_2 * 512u) + col_10;
      out[to_10] = acc_10;
      let col_11 = (firstCol + tx) + 48u;
      let to_11 = (row_2 * 512u) + col_11;
      out[to_11] = acc_11;
    }
    let row_3 = (firstRow + ty) + 48u;
    if (row_3 < rows) {
      let col_12 = firstCol + tx;
      let to_12 = (row_3 * 512u) + col_12;
      out[to_12] = acc_12;
      let col_13 = (firstCol + tx) + 16u;
      let to_13 = (row_3 * 512u) + col_13;
      out[to_13] = acc_13;
      let col_14 = (firstCol + tx) + 32u;
      let to_14 = (row_3 * 512u) + col_14;
      out[to_14] = acc_14;
      let col_15 = (firstCol + tx) + 48u;
      let to_15 = (row_3 * 512u) + col_15;
      out[to_15] = acc_15;
    }
    let row_4 = (firstRow + ty) + 64u;
    if (row_4 < rows) {
      let col_16 = firstCol + tx;
      let to_16 = (row_4 * 512u) + col_16;
      out[to_16] = acc_16;
      let col_17 = (firstCol + tx) + 16u;
      let to_17 = (row_4 * 512u) + col_17;
      out[to_17] = acc_17;
      let col_18 = (firstCol + tx) + 32u;
      let to_18 = (row_4 * 512u) + col_18;
      out[to_18] = acc_18;
      let col_19 = (firstCol + tx) + 48u;
      let to_19 = (row_4 * 512u) + col_19;
      out[to_19] = acc_19;
    }
    let row_5 = (firstRow + ty) + 80u;
    if (row_5 < rows) {
      let col_20 = firstCol + tx;
      let to_20 = (row_5 * 512u) + col_20;
      out[to_20] = acc_20;
      let col_21 = (firstCol + tx) + 16u;
      let to_21 = (row_5 * 512u) + col_21;
      out[to_21] = acc_21;
      let col_22 = (firstCol + tx) + 32u;
      let to_22 = (row_5 * 512u) + col_22;
      out[to_22] = acc_22;
      let col_23 = (firstCol + tx) + 48u;
      let to_23 = (row_5 * 512u) + col_23;
      out[to_23] = acc_23;
    }
    let row_6 = (firstRow + ty) + 96u;
    if (row_6 < rows) {
      let col_24 = firstCol + tx;
      let to_24 = (row_6 * 512u) + col_24;
      out[to_24] = acc_24;
      let col_25 = (firstCol + tx) + 16u;
      let to_25 = (row_6 * 512u) + col_25;
      out[to_25] = acc_25;
      let col_26 = (firstCol + tx) + 32u;
      let to_26 = (row_6 * 512u) + col_26;
      out[to_26] = acc_26;
      let col_27 = (firstCol + tx) + 48u;
      let to_27 = (row_6 * 512u) + col_27;
      out[to_27] = acc_27;
    }
    let row_7 = (firstRow + ty) + 112u;
    if (row_7 < rows) {
      let col_28 = firstCol + tx;
      let to_28 = (row_7 * 512u) + col_28;
      out[to_28] = acc_28;
      let col_29 = (firstCol + tx) + 16u;
      let to_29 = (row_7 * 512u) + col_29;
      out[to_29] = acc_29;
      let col_30 = (firstCol + tx) + 32u;
      let to_30 = (row_7 * 512u) + col_30;
      out[to_30] = acc_30;
      let col_31 = (firstCol + tx) + 48u;
      let to_31 = (row_7 * 512u) + col_31;
      out[to_31] = acc_31;
    }
  }
}
