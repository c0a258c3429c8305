/**
 * Traces: every op under one name on the evaluator, on a device, fused and step by step; files that are hostile; and `check
 * --trace`, shown by mistakes that were planted elsewhere: in ports of the models (`test/fixtures/make/port_mistakes.py` plants
 * them in transformers), in copies of model files, in kernels and in prompts. Each has to be found and named from numbers.
 */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { Kernel } from '../codegen/kernel.js'
import { checkAgainst, checkTrace, type TraceReport } from '../engine/check-trace.js'
import { load, type LoadInternals } from '../engine/load.js'
import { matches, opNames, runTraced, TraceRecorder, type Traced } from '../engine/trace.js'
import { readTrace, writeTrace, type Trace } from '../engine/trace-file.js'
import type { LoadOptions } from '../engine/types.js'
import { WeftError } from '../graph/error.js'
import { encodeSafetensors } from '../weights/write.js'
import { modelCopy } from './support/edit-safetensors.js'
import { fixtures } from './support/models.js'
import { adjacentPairs, rewritten, scaleBytes, withKernels } from './support/wrong-kernels.js'

const ids = Uint32Array.from({ length: 10 }, (_, i) => (i * 37 + 5) % 400)
const wasm: LoadOptions = { device: 'wasm', compute: 'f32', threads: 2, context: 256, chunk: 16 }
const model = (name: string): string => join(fixtures, name.startsWith('gguf') ? name : `models/${name}`)
const folder = mkdtempSync(join(tmpdir(), 'weft-trace-'))
const copies: string[] = [folder]
test.after(() => copies.forEach(c => rmSync(c, { recursive: true })))

async function trace(name: string, options: LoadOptions, chunk?: number, internals: LoadInternals = {}): Promise<Trace> {
  const recorder = new TraceRecorder()
  const m = await load(name, { ...options, trace: recorder }, internals)
  try {
    await runTraced(m, ids, chunk)
    return { ids, text: null, messages: null, chunk: chunk ?? null, maker: 'the test', tensors: recorder.tensors() }
  } finally {
    await m.close()
  }
}

function error(expected: Traced, got: Traced): number {
  let [difference, norm] = [0, 0]
  expected.data.forEach((v, i) => {
    difference += (v - got.data[i]!) ** 2
    norm += v ** 2
  })
  return Math.sqrt(difference / norm)
}

/** What fusion keeps inside of ops, in a layer whose q and k are normed. */
const hidden = ['self_attn.q_norm', 'self_attn.k_norm', 'self_attn.k_rope', 'self_attn.o_proj', 'mlp.gate_proj', 'mlp.up_proj', 'mlp.down_proj']

for (const name of ['qwen3', 'qwen2', 'gguf/llama3-mixed/model.gguf']) {
  test(`${name}: names mean the same value on the evaluator, on a device, fused and step by step`, async () => {
    const notices: string[] = []
    const reference = await trace(model(name), { device: 'reference' })
    const runs: readonly (readonly [string, Trace, number])[] = [
      ['all ops', await trace(model(name), { ...wasm, onNotice: line => notices.push(line) }, 7), 1e-5],
      ['fused', await trace(model(name), { ...wasm, fuse: true }), 1e-5],
      ['token by token', await trace(model(name), { ...wasm, fuse: true }, 1), 1e-5],
      ['token by token in i16', await trace(model(name), { ...wasm, compute: 'i16', fuse: true }, 1), 5e-4],
    ]
    assert.match(notices.join('\n'), /^fusion would hide \d+ of the ops asked for \(layers\.0\..*\): they run without it$/m)
    for (const [what, run, most] of runs) {
      for (const [op, traced] of run.tensors) {
        const expected = reference.tensors.get(op)
        assert.ok(expected, `${what}: ${op}`)
        assert.equal(traced.shape, expected!.shape, `${what}: ${op}`)
        assert.ok(error(expected!, traced) < most, `${what}: ${op}: ${error(expected!, traced)}`)
      }
    }
    assert.equal([...runs[0]![1].tensors.keys()].sort(), [...reference.tensors.keys()].sort())
    if (name !== 'qwen3') return
    const missing = [...reference.tensors.keys()].filter(op => !runs[1]![1].tensors.has(op))
    assert.equal(missing.filter(op => op.startsWith('layers.0.')).sort(), hidden.map(op => `layers.0.${op}`).sort())
  })
}

test('only what is asked for is read, fused where nothing of it is hidden', async () => {
  const notices: string[] = []
  const recorder = new TraceRecorder(matches('layers.*.self_attn.residual, lm_head'))
  const m = await load(model('qwen3'), { ...wasm, trace: recorder, onNotice: line => notices.push(line) })
  await runTraced(m, ids)
  await m.close()
  assert.equal([...recorder.tensors().keys()], ['layers.0.self_attn.residual', 'layers.1.self_attn.residual', 'layers.2.self_attn.residual', 'lm_head'])
  assert.equal(notices, [])
  assert.is(opNames(m.config).length, 60)
})

test('a pattern is a name in which * stands for any text', () => {
  assert.equal(['layers.0.mlp.act', 'layers.10.mlp.act', 'norm'].map(matches('layers.1*.act,norm')), [false, true, true])
  assert.equal(['layersX0', 'layers.0'].map(matches('layers.0')), [false, true])
})

// files

test('a trace is read as it was written', async () => {
  const tensors = new Map([['a.b', { name: 'a.b', shape: [2, 3], data: Float32Array.of(1, -2, 3.5, 0, NaN, 6) }]])
  const file = join(folder, 'trace.safetensors')
  const written: Trace = { ids: Uint32Array.of(7, 8), text: '<s>ü\n', messages: [{ role: 'user', content: 'ü' }], chunk: 1, maker: 'the test', tensors }
  writeTrace(file, written)
  const plain = (t: Trace): unknown => ({ ...t, ids: [...t.ids], tensors: [...t.tensors.values()].map(v => ({ ...v, data: [...v.data].map(String) })) })
  assert.equal(plain(readTrace(file)), plain(written))
})

test('files that are no traces are refused in one line', () => {
  const good = { format: 'weft trace 1', ids: '1 2' }
  const tensor = { name: 'x', dtype: 'F32' as const, shape: [2, 1], data: new Uint8Array(8) }
  const cases: readonly (readonly [Readonly<Record<string, string>>, typeof tensor, RegExp])[] = [
    [{ format: 'pt' }, tensor, /no trace: expected "format": "weft trace 1"/],
    [{ format: 'weft trace 1' }, tensor, /ids: expected numbers/],
    [{ ...good, ids: '1 -2' }, tensor, /ids: expected numbers/],
    [{ ...good, ids: '1 2 3' }, tensor, /tensor x: shape: expected \[3, …\]/],
    [{ ...good, messages: '{' }, tensor, /messages are no JSON/],
    [{ ...good, messages: '[1]' }, tensor, /messages: expected a list/],
    [{ ...good, chunk: 'all' }, tensor, /ids: expected numbers/],
    [good, { ...tensor, dtype: 'U8' as never, shape: [2, 4] }, /tensor x: dtype/],
  ]
  const file = join(folder, 'bad.safetensors')
  for (const [metadata, t, message] of cases) {
    writeFileSync(file, encodeSafetensors([t], metadata))
    assert.throws(() => readTrace(file), (e: unknown) => e instanceof WeftError && message.test(e.message) && !e.message.includes('\n'))
  }
  writeFileSync(file, encodeSafetensors([tensor], good).subarray(0, 40))
  assert.throws(() => readTrace(file), /header length does not fit/)
})

// mistakes of ports

interface Planted {
  readonly op: string
  readonly mistake: string
  readonly says: RegExp
  readonly side: 'weft' | 'trace'
}

function found(report: TraceReport, { op, mistake, says, side }: Planted, what: string): void {
  assert.is(report.ok, false, what)
  assert.is(report.first?.op, op, what)
  assert.is(report.ops.at(-1)!.ok, report.fused !== null, what)
  const { guess, errors } = report.diagnosis!
  assert.is(guess?.mistake, mistake, `${what}: ${JSON.stringify(report.diagnosis)}`)
  assert.match(guess!.says, says)
  assert.is(guess!.side, side, what)
  assert.ok(guess!.error < 1e-5, `${what}: explained to ${guess!.error}`)
  assert.ok(errors[side === 'weft' ? 'trace' : 'weft'] < 1e-5, `${what}: the other side does what the graph says`)
}

const ports: Readonly<Record<string, Planted | null>> = {
  'right': null,
  'nvfp4-right': null,
  'rope-pairing': { op: 'layers.0.self_attn.q_rope', mistake: 'RoPE pairing', says: /adjacent elements/, side: 'trace' },
  'norm-after-rope': { op: 'layers.0.self_attn.q_rope', mistake: 'q/k norm and RoPE', says: /normed after RoPE/, side: 'trace' },
  'head-grouping': { op: 'layers.0.self_attn.attention', mistake: 'head grouping', says: /kv head h mod 2/, side: 'trace' },
  'scales-as-integers': { op: 'layers.0.self_attn.q_proj', mistake: 'block scales', says: /read as integers/, side: 'trace' },
  'scales-tiled': { op: 'layers.0.self_attn.q_proj', mistake: 'block scales', says: /tiled over a row/, side: 'trace' },
  'no-causal-offset': { op: 'layers.0.self_attn.attention', mistake: 'causal mask', says: /chunk of 4 has no offset/, side: 'trace' },
  'norm-plus-one': { op: 'layers.0.input_layernorm', mistake: 'norm weight', says: /1 is added/, side: 'trace' },
}

for (const [name, planted] of Object.entries(ports)) {
  test(`a port: ${name}`, async () => {
    const own = name.startsWith('nvfp4') || name.startsWith('scales') ? 'qwen3_nvfp4_modelopt' : 'qwen3'
    const report = await checkTrace(model(own), readTrace(join(fixtures, `traces/${name}.safetensors`)), wasm)
    if (planted) return found(report, planted, name)
    assert.ok(report.ok, JSON.stringify(report.first))
    assert.ok(report.ops.every(o => o.relativeError < 1e-5) && report.fused!.length > 0)
  })
}

test('a port that recorded the ends of layers alone: the mistake is found inside the layer', async () => {
  const right = await trace(model('qwen3'), { device: 'reference' })
  const ends = (of: Trace): Trace => ({ ...of, tensors: new Map([...of.tensors].filter(([op]) => /^embed|mlp\.residual$/.test(op))) })
  const wrong = await trace(model('qwen3'), wasm, undefined, { recompile: c => withKernels(c, k => (k.schedule === 'rope.plain' ? adjacentPairs(k) : k)) })
  const report = await checkTrace(model('qwen3'), ends(wrong), { device: 'reference' })
  found(report, { op: 'layers.0.mlp.residual', mistake: 'RoPE pairing', says: /adjacent elements/, side: 'trace' }, 'ends')
  assert.ok((await checkTrace(model('qwen3'), ends(right), wasm)).ok)
})

// mistakes in the files of a model

const bump = (rows: readonly Float32Array[]): readonly Float32Array[] => rows.map(r => r.map(v => v + 1))
/** Rows of heads of 32 moved from [2, 16] to [16, 2], as GGUF's llama files hold them. */
const permute = (rows: readonly Float32Array[]): readonly Float32Array[] =>
  rows.map((_, i) => rows[i - (i % 32) + (i % 2) * 16 + Math.floor((i % 32) / 2)]!.slice())

test('copies of a model with other weights', async () => {
  const right = await trace(model('llama3'), { device: 'reference' })
  const cases: readonly (readonly [RegExp, typeof bump, Planted])[] = [
    [/layers\.\d\.self_attn\.[qk]_proj\.weight$/, permute, { op: 'layers.0.self_attn.q_proj', mistake: 'RoPE pairing', says: /moved from adjacent pairs to halves/, side: 'trace' }],
    [/norm\.weight$/, rows => bump(rows), { op: 'layers.0.input_layernorm', mistake: 'norm weight', says: /the file holds weights with 1 added/, side: 'trace' }],
  ]
  for (const [fits, change, planted] of cases) {
    const copy = modelCopy('llama3', fits, change)
    copies.push(copy)
    // Weights of the copy are rounded to bf16, which only halves and ones survive.
    const report = await checkTrace(copy, right, wasm, { tolerance: 2e-2 })
    assert.is(report.first?.op, planted.op)
    assert.is(report.diagnosis?.guess?.mistake, planted.mistake, JSON.stringify(report.diagnosis))
    assert.match(report.diagnosis!.guess!.says, planted.says)
  }
})

test('copies of a model with another configuration', async () => {
  const right = await trace(model('llama3'), { device: 'reference' })
  const cases: readonly (readonly [(config: Record<string, unknown>) => void, Planted])[] = [
    [c => { (c['rope_parameters'] as Record<string, unknown>)['rope_theta'] = 10000 }, { op: 'layers.0.self_attn.q_rope', mistake: 'RoPE angles', says: /theta is 1000000 instead of 10000/, side: 'trace' }],
    [c => { c['rms_norm_eps'] = 1e-2 }, { op: 'layers.0.input_layernorm', mistake: 'norm weight', says: /eps is 0\.000001 instead of 0\.01/, side: 'trace' }],
  ]
  for (const [change, planted] of cases) {
    const copy = modelCopy('llama3', /^$/, rows => rows)
    copies.push(copy)
    const config = JSON.parse(readFileSync(join(copy, 'config.json'), 'utf8')) as Record<string, unknown>
    change(config)
    writeFileSync(join(copy, 'config.json'), JSON.stringify(config))
    found(await checkTrace(copy, right, wasm), planted, planted.mistake)
  }
})

// mistakes in kernels

const kernels: readonly (readonly [string, string, (k: Kernel) => Kernel, Planted])[] = [
  ['RoPE over adjacent pairs', 'qwen3', k => (k.schedule === 'rope.plain' ? adjacentPairs(k) : k), { op: 'layers.0.self_attn.q_rope', mistake: 'RoPE pairing', says: /adjacent elements/, side: 'weft' }],
  ['scale bytes taken for integers', 'qwen3_nvfp4_modelopt', scaleBytes, { op: 'layers.0.self_attn.q_proj', mistake: 'block scales', says: /read as integers/, side: 'weft' }],
]
for (const [what, name, change, planted] of kernels) {
  test(`a kernel of weft: ${what}`, async () => {
    const right = await trace(model(name), { device: 'reference' })
    found(await checkTrace(model(name), right, wasm, {}, { recompile: c => withKernels(c, change) }), planted, what)
  })
}

test('a kernel that only fusion uses is told from the others; a mistake that is no known one is not named', async () => {
  const right = await trace(model('qwen3'), { device: 'reference' })
  const off = (k: Kernel): Kernel => (k.schedule.startsWith('fusedLinear') ? rewritten(k, e => (e['kind'] === 'store' ? { ...e, value: { kind: 'binary', type: (e['value'] as { readonly type: string }).type, op: '+', a: e['value'], b: e['value'] } } : null)) : k)
  const report = await checkTrace(model('qwen3'), right, wasm, {}, { recompile: c => withKernels(c, off) })
  assert.is(report.ops.every(o => o.ok), true)
  assert.ok(report.fused !== null && report.first !== null && !report.ok)
  assert.is(report.diagnosis!.guess, null)
  assert.ok(report.diagnosis!.tried > 2)
  assert.ok(report.diagnosis!.errors.weft > 0.1 && report.diagnosis!.errors.trace < 1e-5)
})

test('the first op whose numbers are not finite is found, though the run cannot go on', async () => {
  const right = await trace(model('qwen3'), { device: 'reference' })
  const nought = { kind: 'const', type: 'f32', value: 0 }
  const spoil = (k: Kernel): Kernel => (k.schedule.startsWith('siluMul') ? rewritten(k, e => (e['kind'] === 'store' ? { ...e, value: { kind: 'binary', type: 'f32', op: '/', a: e['value'], b: nought } } : null)) : k)
  const report = await checkTrace(model('qwen3'), right, wasm, { chunk: 4 }, { recompile: c => withKernels(c, spoil) })
  assert.equal([report.ok, report.first?.op, report.first?.relativeError], [false, 'layers.0.mlp.act', Infinity])
  assert.is(report.diagnosis!.guess, null)
})

test('devices against each other', async () => {
  const idsOf = (): Uint32Array => ids
  const [report] = await checkAgainst(model('qwen3'), { device: 'reference' }, [wasm], idsOf, { chunk: 4 })
  assert.ok(report!.ok && report!.ops.length === 60 && report!.fused!.length === 39, JSON.stringify(report!.first))
  const [wrong] = await checkAgainst(model('qwen3'), { device: 'reference' }, [wasm], idsOf, {}, { recompile: c => withKernels(c, k => (k.schedule === 'rope.plain' ? adjacentPairs(k) : k)) })
  found(wrong!, { op: 'layers.0.self_attn.q_rope', mistake: 'RoPE pairing', says: /adjacent/, side: 'weft' }, 'against')
})

test('what cannot be compared is an error that says so', async () => {
  const right = await trace(model('qwen3'), { device: 'reference' })
  const refused = async (t: Trace, message: RegExp): Promise<void> => {
    try {
      await checkTrace(model('qwen3'), t, { device: 'reference' })
    } catch (e) {
      return assert.match((e as Error).message, message)
    }
    assert.unreachable('not refused')
  }
  const one = (name: string, t: Partial<Traced>): Trace => ({ ...right, tensors: new Map([[name, { ...right.tensors.get('norm')!, name, ...t }]]) })
  await refused(one('model.norm', {}), /has none of the model's ops/)
  await refused(one('norm', { shape: [10, 64], data: new Float32Array(640) }), /norm: shape of the trace: expected \[10,128\], got \[10,64\]/)
  await refused({ ...right, ids: Uint32Array.of(600) }, /token id that the model does not have/)
})

test.run()
