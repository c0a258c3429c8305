// attention.heads: together 2
export function kernel_attention_heads_2(tile: u32, args: usize, scratch: usize): void {
  const q: usize = load<u32>(args, 0)
  const k: usize = load<u32>(args, 4)
  const v: usize = load<u32>(args, 8)
  const out_: usize = load<u32>(args, 12)
  const state: usize = load<u32>(args, 16)
  if ((tile < (load<u32>(state, 0) * <u32>2))) {
    const rows: u32 = load<u32>(state, 0)
    const row: u32 = (tile % rows)
    const kvHead: u32 = (tile / rows)
    const firstVector: u32 = (((row * <u32>4) + (kvHead * <u32>2)) * <u32>8)
    for (let i: u32 = <u32>0; i < <u32>16; i += <u32>1) {
      v128.store(scratch + (i << 4), f32x4.mul(v128.load(q + ((firstVector + i) << 4), 0), f32x4.splat(<f32>0.1767766922712326)), 0)
      v128.store(scratch + (i << 4), f32x4.splat(<f32>0), 256)
    }
    let top: f32 = <f32>(-3.4028234663852886e+38)
    let sum: f32 = <f32>0
    let top_1: f32 = <f32>(-3.4028234663852886e+38)
    let sum_1: f32 = <f32>0
    const position: u32 = load<u32>(state + (row << 2), 1280)
    const sequence: u32 = load<u32>(state + (row << 2), 2304)
    {
    const at_end_: u32 = (position + <u32>1)
    for (let at: u32 = <u32>0; at < at_end_; at += <u32>64) {
      const slot: u32 = ((load<u32>(state + (sequence << 6) + ((at >> <u32>8) << 2), 21760) * <u32>256) + (at & <u32>255))
      const from_: u32 = ((<u32>0 > at) ? (<u32>0 - at) : <u32>0)
      const to: u32 = min<u32>(((position + <u32>1) - at), <u32>64)
      {
      const j_end_: u32 = to
      for (let j: u32 = from_; j < j_end_; j += <u32>1) {
        const cacheAt: u32 = ((((slot + j) * <u32>2) + kvHead) * <u32>8)
        let dot: v128 = f32x4.splat(<f32>0)
        let dot_1: v128 = f32x4.splat(<f32>0)
        let dot_2: v128 = f32x4.splat(<f32>0)
        let dot_3: v128 = f32x4.splat(<f32>0)
        let d: u32 = <u32>0
        for (; d + <u32>2 < <u32>8; d += <u32>4) {
          {
            const key: v128 = v128.load(k + ((cacheAt + d) << 4), 0)
            dot = w_fma(key, v128.load(scratch + (d << 4), 0), dot)
            dot_2 = w_fma(key, v128.load(scratch + (d << 4), 128), dot_2)
            const key_1: v128 = v128.load(k + ((cacheAt + d) << 4), 16)
            dot_1 = w_fma(key_1, v128.load(scratch + (d << 4), 16), dot_1)
            dot_3 = w_fma(key_1, v128.load(scratch + (d << 4), 144), dot_3)
          }
          {
            const key: v128 = v128.load(k + ((cacheAt + d) << 4), 32)
            dot = w_fma(key, v128.load(scratch + (d << 4), 32), dot)
            dot_2 = w_fma(key, v128.load(scratch + (d << 4), 160), dot_2)
            const key_1: v128 = v128.load(k + ((cacheAt + d) << 4), 48)
            dot_1 = w_fma(key_1, v128.load(scratch + (d << 4), 48), dot_1)
            dot_3 = w_fma(key_1, v128.load(scratch + (d << 4), 176), dot_3)
          }
        }
        for (; d < <u32>8; d += <u32>2) {
          const key: v128 = v128.load(k + ((cacheAt + d) << 4), 0)
          dot = w_fma(key, v128.load(scratch + (d << 4), 0), dot)
          dot_2 = w_fma(key, v128.load(scratch + (d << 4), 128), dot_2)
          const key_1: v128 = v128.load(k + ((cacheAt + d) << 4), 16)
          dot_1 = w_fma(key_1, v128.load(scratch + (d << 4), 16), dot_1)
          dot_3 = w_fma(key_1, v128.load(scratch + (d << 4), 144), dot_3)
        }
        const score: f32 = w_sum4(f32x4.add(dot, dot_1))
        store<f32>(scratch + (j << 2), score, 512)
        const score_1: f32 = w_sum4(f32x4.add(dot_2, dot_3))
        store<f32>(scratch + (j << 2), score_1, 768)
      }
      }
      const before: f32 = top
      {
      const j_1_end_: u32 = to
      for (let j_1: u32 = from_; j_1 < j_1_end_; j_1 += <u32>1) {
        top = max<f32>(top, load<f32>(scratch + (j_1 << 2), 512))
      }
      }
      const fade: f32 = w_exp((before - top))
      sum = (sum * fade)
      {
      const j_2_end_: u32 = to
      for (let j_2: u32 = from_; j_2 < j_2_end_; j_2 += <u32>1) {
        const weight: f32 = w_exp((load<f32>(scratch + (j_2 << 2), 512) - top))
        store<f32>(scratch + (j_2 << 2), weight, 512)
        sum = (sum + weight)
      }
      }
      const before_1: f32 = top_1
      {
      const j_3_end_: u32 = to
      for (let j_3: u32 = from_; j_3 < j_3_end_; j_3 += <u32>1) {
        top_1 = max<f32>(top_1, load<f32>(scratch + (j_3 << 2), 768))
      }
      }
      const fade_1: f32 = w_exp((before_1 - top_1))
      sum_1 = (sum_1 * fade_1)
      {
      const j_4_end_: u32 = to
      for (let j_4: u32 = from_; j_4 < j_4_end_; j_4 += <u32>1) {
        const weight_1: f32 = w_exp((load<f32>(scratch + (j_4 << 2), 768) - top_1))
        store<f32>(scratch + (j_4 << 2), weight_1, 768)
        sum_1 = (sum_1 + weight_1)
      }
      }
      for (let d_1: u32 = <u32>0; d_1 < <u32>8; d_1 += <u32>4) {
        let part: v128 = f32x4.mul(v128.load(scratch + (d_1 << 4), 256), f32x4.splat(fade))
        let part_1: v128 = f32x4.mul(v128.load(scratch + (d_1 << 4), 272), f32x4.splat(fade))
        let part_2: v128 = f32x4.mul(v128.load(scratch + (d_1 << 4), 288), f32x4.splat(fade))
        let part_3: v128 = f32x4.mul(v128.load(scratch + (d_1 << 4), 304), f32x4.splat(fade))
        let part_4: v128 = f32x4.mul(v128.load(scratch + (d_1 << 4), 384), f32x4.splat(fade_1))
        let part_5: v128 = f32x4.mul(v128.load(scratch + (d_1 << 4), 400), f32x4.splat(fade_1))
        let part_6: v128 = f32x4.mul(v128.load(scratch + (d_1 << 4), 416), f32x4.splat(fade_1))
        let part_7: v128 = f32x4.mul(v128.load(scratch + (d_1 << 4), 432), f32x4.splat(fade_1))
        {
        const j_5_end_: u32 = to
        for (let j_5: u32 = from_; j_5 < j_5_end_; j_5 += <u32>1) {
          const valueAt: u32 = (((((slot + j_5) * <u32>2) + kvHead) * <u32>8) + d_1)
          const own: v128 = f32x4.splat(load<f32>(scratch + (j_5 << 2), 512))
          const own_1: v128 = f32x4.splat(load<f32>(scratch + (j_5 << 2), 768))
          const value: v128 = v128.load(v + (valueAt << 4), 0)
          part = w_fma(value, own, part)
          part_4 = w_fma(value, own_1, part_4)
          const value_1: v128 = v128.load(v + (valueAt << 4), 16)
          part_1 = w_fma(value_1, own, part_1)
          part_5 = w_fma(value_1, own_1, part_5)
          const value_2: v128 = v128.load(v + (valueAt << 4), 32)
          part_2 = w_fma(value_2, own, part_2)
          part_6 = w_fma(value_2, own_1, part_6)
          const value_3: v128 = v128.load(v + (valueAt << 4), 48)
          part_3 = w_fma(value_3, own, part_3)
          part_7 = w_fma(value_3, own_1, part_7)
        }
        }
        v128.store(scratch + (d_1 << 4), part, 256)
        v128.store(scratch + (d_1 << 4), part_1, 272)
        v128.store(scratch + (d_1 << 4), part_2, 288)
        v128.store(scratch + (d_1 << 4), part_3, 304)
        v128.store(scratch + (d_1 << 4), part_4, 384)
        v128.store(scratch + (d_1 << 4), part_5, 400)
        v128.store(scratch + (d_1 << 4), part_6, 416)
        v128.store(scratch + (d_1 << 4), part_7, 432)
      }
    }
    }
    const factor: v128 = f32x4.splat((<f32>1 / sum))
    for (let d_2: u32 = <u32>0; d_2 < <u32>8; d_2 += <u32>1) {
      v128.store(out_ + ((firstVector + d_2) << 4), f32x4.mul(v128.load(scratch + (d_2 << 4), 256), factor), 0)
    }
    const factor_1: v128 = f32x4.splat((<f32>1 / sum_1))
    for (let d_3: u32 = <u32>0; d_3 < <u32>8; d_3 += <u32>1) {
      v128.store(out_ + ((firstVector + d_3) << 4), f32x4.mul(v128.load(scratch + (d_3 << 4), 384), factor_1), 128)
    }
  }
}
