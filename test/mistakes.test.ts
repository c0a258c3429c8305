/**
 * The table of mistakes as a whole: each form, planted wherever it can be made, is the one that is named. Whether mistakes made
 * by others are found is shown in `trace.test.ts`; here no two are taken for each other, none is lost, and what is right is
 * never blamed.
 */
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { diagnose, firstRowBeyond, worstRow } from '../engine/diagnose.js'
import { Site, type SiteParts } from '../engine/hypothesis.js'
import { load } from '../engine/load.js'
import { mistakes } from '../engine/mistakes.js'
import { opNames, runTraced, TraceRecorder, type Traced } from '../engine/trace.js'
import type { ModelSource } from '../weights/model.js'
import { openModel } from '../weights/open.js'
import { fixtures } from './support/models.js'

const tolerance = 1e-4
const chunk = 7
const tokens = 20
const ids = Uint32Array.from({ length: tokens }, (_, i) => (i * 37 + 5) % 79)

async function traced(path: string): Promise<ReadonlyMap<string, Traced>> {
  const recorder = new TraceRecorder()
  const model = await load(path, { device: 'reference', context: 256, trace: recorder })
  await runTraced(model, ids)
  await model.close()
  return recorder.tensors()
}

/** One op of each kind. */
const looked = (name: string): boolean => /^layers\.0\.(input_layernorm|self_attn\.(q_.*|attention|o_proj|residual)|mlp\.act)$|^embed_tokens$|^lm_head$/.test(name)

interface Form {
  readonly mistake: string
  readonly index: number
}

const seen = new Set<string>()

async function plantAll(source: ModelSource, right: ReadonlyMap<string, Traced>, ops: (name: string) => boolean): Promise<number> {
  let planted = 0
  for (const op of opNames(source.config).filter(ops)) {
    const at = (weft: ReadonlyMap<string, Traced>): SiteParts => ({ source, ids, op, values: { weft, trace: right }, firstRow: chunk, chunk })
    const site = new Site(at(right))
    const forms = mistakes.flatMap(m => m.variants(site).map((v, index): Form & typeof v => ({ ...v, mistake: m.name, index })))
    for (const { mistake, index, says, rewrite } of forms) {
      const rows = site.withMistake('weft', rewrite)
      const want = right.get(op)!.data
      if (rows === null) continue
      seen.add(`${mistake} ${index}`)
      // Where it changes nothing it is no mistake: RoPE of position 0, a window longer than the prompt.
      const { error } = worstRow(want, rows, tokens)
      if (error <= 4 * tolerance) continue
      const wrong = new Map([...right, [op, { ...right.get(op)!, data: rows }]])
      const parts = { ...at(wrong), firstRow: firstRowBeyond(want, rows, tokens, tolerance) }
      const { guess, errors } = diagnose(parts, error, tolerance)
      const what = `${op}: ${mistake}: ${says}`
      assert.ok(errors.trace < 1e-6 && errors.weft > tolerance, what)
      assert.is(guess?.side, 'weft', what)
      // Two forms may come to the same: what is named has to give these very numbers.
      assert.ok(guess!.error < 1e-6, `${what}: ${JSON.stringify(guess)}`)
      if (guess!.says !== says) assert.ok(same(new Site(parts), guess!.says, rows), `${what} is taken for ${guess!.says}`)
      planted++
    }
    const { guess, errors } = diagnose(at(right), 0, tolerance)
    assert.ok(guess === null && errors.weft < 1e-6 && errors.trace < 1e-6, `${op}: what is right is blamed: ${JSON.stringify(guess)}`)
  }
  return planted
}

function same(site: Site, says: string, rows: Float32Array): boolean {
  const variant = mistakes.flatMap(m => m.variants(site)).find(v => v.says === says)
  const other = variant && site.withMistake('weft', variant.rewrite)
  return other !== undefined && other !== null && worstRow(rows, other, tokens).error < 1e-6
}

/** Of other types of weight only products are looked at. */
const products = (...names: readonly string[]) => (op: string): boolean => names.some(n => op === `layers.0.${n}`)

for (const [name, least, ops = looked] of [
  ['models/mistral', 30], ['models/llama3', 30], ['models/qwen2', 30], ['models/qwen3_nvfp4_modelopt', 55], ['gguf/qwen3-nvfp4/model.gguf', 55],
  ['models/qwen3_mxfp4', 9, products('self_attn.q_proj')], ['models/qwen3_fp8', 3, products('self_attn.q_proj')], ['models/qwen3_fp8_blocks', 7, products('self_attn.q_proj', 'self_attn.o_proj')],
  ['models/qwen3_awq_g128', 6, products('self_attn.q_proj')], ['models/qwen3_gptq_g32_act', 8, products('self_attn.q_proj')], ['gguf/llama3-q4/model.gguf', 12, products('self_attn.v_proj', 'self_attn.o_proj')],
  ['gguf/qwen3-q8_0/model.gguf', 3, products('self_attn.q_proj')], ['gguf/qwen3-k/model.gguf', 6, products('self_attn.q_proj', 'mlp.down_proj')],
] as readonly (readonly [string, number, ((op: string) => boolean)?])[]) {
  test(`${name}: every mistake that can be made is named`, async () => {
    const path = join(fixtures, name)
    const source = await openModel(path)
    try {
      const planted = await plantAll(source, await traced(path), ops)
      assert.ok(planted >= least, `${planted} planted`)
    } finally {
      source.close()
    }
  })
}

test('every form of the table was planted somewhere', async () => {
  const source = await openModel(join(fixtures, 'models/llama3'))
  source.close()
  const site = new Site({ source, ids, op: 'lm_head', values: { weft: new Map(), trace: new Map() }, firstRow: chunk, chunk })
  for (const m of mistakes) m.variants(site).forEach((v, i) => assert.ok(seen.has(`${m.name} ${i}`), `${m.name}: ${v.says}`))
})

test.run()
