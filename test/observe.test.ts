/**
 * WEFT_DEBUG, WEFT_DUMP and WEFT_CHECK: a fault planted in one launch of one plan is named, whatever the launch; sound
 * models pass; the forms are written and the figures printed. On WebAssembly, whose kernels are compiled here; the suites
 * on other devices do the same with WEFT_CHECK=1 in their environment.
 */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { spawnSync } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Compiled, PlanName } from '../codegen/compile.js'
import type { Expr, Kernel, Stmt } from '../codegen/kernel.js'
import type { Launch } from '../codegen/plan.js'
import { load, type LoadInternals } from '../engine/load.js'
import type { LoadOptions, Model } from '../engine/types.js'
import { WeftError } from '../graph/error.js'

const model = fileURLToPath(new URL('../../test/fixtures/models/qwen3', import.meta.url))
const prompt = Uint32Array.from({ length: 11 }, (_, i) => (i * 37 + 5) % 400)
const options: LoadOptions = { device: 'wasm', threads: 2, context: 512, chunk: 16 }
const folder = mkdtempSync(join(tmpdir(), 'weft-observe-'))
test.after(() => rmSync(folder, { recursive: true, force: true }))

async function withModel<T>(internals: LoadInternals, use: (m: Model) => Promise<T>, more: LoadOptions = {}): Promise<T> {
  const m = await load(model, { ...options, ...more }, internals)
  try {
    return await use(m)
  } finally {
    await m.close()
  }
}

/** A prompt in a chunk, a few rows, and steps that choose their own tokens: all plans but the sampler's. */
async function useAll(m: Model): Promise<readonly number[]> {
  const session = m.session()
  await session.logits(prompt)
  await session.logits(prompt.subarray(0, 3), [0, 2])
  session.close()
  const ids: number[] = []
  for await (const piece of m.generate(prompt, { maxTokens: 4, temperature: 0 })) ids.push(...piece.ids)
  return ids
}

async function refusal(run: Promise<unknown>): Promise<WeftError> {
  try {
    await run
  } catch (error) {
    assert.instance(error, WeftError)
    return error as WeftError
  }
  throw new Error('nothing was refused')
}

/** A kernel whose first store, or first to `param`, is of another value. */
function spoiled(kernel: Kernel, param: string | undefined, change: (value: Expr) => Expr): Kernel {
  let done = false
  const inside = (body: readonly Stmt[]): readonly Stmt[] => body.map(s => {
    if (s.kind === 'for') return { ...s, body: inside(s.body) }
    if (s.kind === 'if') return { ...s, then: inside(s.then), otherwise: inside(s.otherwise) }
    if (s.kind !== 'store' || done || (param !== undefined && s.param !== param)) return s
    done = true
    return { ...s, value: change(s.value) }
  })
  return { ...kernel, name: `${kernel.name}_wrong`, body: inside(kernel.body) }
}

/** Off by a thousandth of what it was: no test of the text would see it. */
function nearly(value: Expr): Expr {
  const one: Expr = value.type === 'u32' ? { kind: 'const', type: 'u32', value: 1 } : { kind: 'const', type: 'f32', value: 1.001 }
  const by: Expr = value.type === 'f32x4' ? { kind: 'splat', type: 'f32x4', a: one } : one
  return { kind: 'binary', type: value.type, op: value.type === 'u32' ? '+' : '*', a: value, b: by }
}

interface Fault {
  readonly what: string
  readonly plan: PlanName
  readonly meant: (l: Launch) => boolean
  /** The parameter whose store is wrong, where it is not the first. */
  readonly store?: string
  readonly saved: readonly string[]
}

/**
 * Puts a wrong kernel into one launch: the first that is meant. The wrong kernels of all faults are compiled each time, so
 * that one compilation serves all of them.
 */
function plant(compiled: Compiled, fault: Fault | null): { readonly compiled: Compiled; readonly index: number; readonly launch: Launch } {
  const find = ({ plan, meant, what }: Fault): number => {
    const index = compiled.plans[plan].launches.findIndex(meant)
    assert.ok(index >= 0, `${what}: no such launch`)
    return index
  }
  const wrong = new Map(faults.map(f => {
    const { kernel } = compiled.plans[f.plan].launches[find(f)]!
    return [kernel, spoiled(kernel, f.store, nearly)] as const
  }))
  const kernels = [...compiled.kernels, ...wrong.values()]
  const { plan, index } = fault ? { plan: fault.plan, index: find(fault) } : { plan: 'decode' as const, index: 0 }
  const was = compiled.plans[plan].launches[index]!
  const launch = fault ? { ...was, kernel: wrong.get(was.kernel)! } : was
  const launches = compiled.plans[plan].launches.map((l, i) => (i === index ? launch : l))
  return { compiled: { ...compiled, kernels, plans: { ...compiled.plans, [plan]: { ...compiled.plans[plan], launches } } }, index, launch }
}

interface SafetensorsHeader {
  readonly __metadata__: Readonly<Record<string, string>>
  readonly [name: string]: unknown
}
function header(file: string): SafetensorsHeader {
  const bytes = readFileSync(file)
  return JSON.parse(bytes.toString('utf8', 8, 8 + Number(bytes.readBigUInt64LE(0)))) as SafetensorsHeader
}

const faults: readonly Fault[] = [
  { what: 'a product of layer 1', plan: 'prefill', meant: l => l.origin === 'model.layers.1.mlp.down_proj', saved: ['input.x', 'input.weight', 'input.residual', 'expected.0', 'got.0'] },
  { what: 'what is appended to the cache', plan: 'prefill', meant: l => l.kernel.schedule.startsWith('qkvHeads') && l.origin.startsWith('model.layers.2.'), store: 'k', saved: ['input.x', 'input.k', 'expected.1', 'got.1'] },
  { what: 'attention of a few rows', plan: 'small', meant: l => l.origin.includes('layers.1') && l.node?.op.name === 'attention', saved: ['input.q', 'input.k', 'input.pageTable'] },
  { what: 'a norm before the head', plan: 'decode', meant: l => l.origin === 'model.norm', saved: ['input.x', 'input.weight'] },
  { what: 'the first step of argmax', plan: 'decode', meant: l => l.kernel.schedule === 'argmax.join', saved: ['input.logits', 'expected.0', 'got.0'] },
  { what: 'the launch that closes a step', plan: 'decode', meant: l => l.kernel.schedule === 'advance', saved: [] },
]

const planted = (fault: Fault | null, switches: NonNullable<LoadInternals['switches']>): { readonly internals: LoadInternals; readonly at: () => ReturnType<typeof plant> } => {
  let made: ReturnType<typeof plant> | null = null
  return { internals: { switches, recompile: c => (made = plant(c, fault)).compiled }, at: () => made! }
}

for (const fault of faults) {
  const { what, plan, saved } = fault
  test(`WEFT_CHECK names ${what} in plan ${plan}`, async () => {
    const dump = join(folder, what.replaceAll(' ', '-'))
    const { internals, at } = planted(fault, { check: true, dump })
    const error = await refusal(withModel(internals, useAll))
    const { index, launch } = at()
    assert.is(error.where, 'WEFT_CHECK')
    assert.match(error.message, `plan ${plan}, launch`)
    assert.match(error.message, launch.kernel.name)
    assert.match(error.message, new RegExp(`\\b${index}\\b`))
    assert.ok(error.expected !== undefined && error.got !== undefined && error.expected !== error.got, error.message)
    if (launch.node === null) return
    assert.match(error.message, `node ${launch.origin}: `)
    assert.match(error.message, /\brow \d+/)
    const file = /inputs and outputs are in (\S+\.safetensors)/.exec(error.message)![1]!
    assert.ok(file.startsWith(dump), file)
    const head = header(file)
    for (const name of saved) assert.ok(name in head, `${name} is not in ${Object.keys(head).join(', ')}`)
    assert.is(head.__metadata__['plan'], plan)
    assert.is(head.__metadata__['node'], launch.origin)
  })
}

test('WEFT_CHECK says how near each plan came, and gives the same tokens', async () => {
  const plain = await withModel({}, useAll)
  const lines: string[] = []
  const checked = await withModel({ switches: { check: true, debug: 1 }, log: line => lines.push(line) }, useAll)
  assert.equal(checked, plain)
  for (const plan of ['prefill', 'small', 'decode']) {
    const line = lines.find(l => l.startsWith(`checked plan ${plan}`))
    assert.match(line ?? '', /the largest error is [\d.e-]+ of a row's norm \(0\.00002 is allowed\) at /)
  }
})

test('the graph as declared passes WEFT_CHECK, with an f16 cache too', async () => {
  await withModel({ switches: { check: true } }, useAll, { fuse: false, kvType: 'f16' })
})

test('a weight that is not a number is found where it is read first', async () => {
  const error = await refusal(withModel({
    switches: { check: true, dump: join(folder, 'nan') },
    recompile: made => {
      const c = plant(made, null).compiled
      return { ...c, constants: c.constants.map(k => ({ ...k, data: k.data.map(() => NaN) })) }
    },
  }, useAll))
  assert.match(error.message, /plan prefill, launch \d+ \(qkvHeads\w*\), node model\.layers\.0\..*is not finite/)
})

test('WEFT_DUMP writes every form, numbered', async () => {
  const dump = join(folder, 'deep', 'forms')
  await withModel({ switches: { dump } }, async () => undefined)
  assert.equal(readdirSync(dump).sort(), ['0-graph.txt', '1-fused', '2-kernels', '3-plans', '4-text'])
  assert.equal(readdirSync(join(dump, '1-fused')), ['00-decode.txt', '01-choose.txt', '02-small.txt', '03-prefill.txt'])
  assert.equal(readdirSync(join(dump, '3-plans')), ['00-decode.txt', '01-choose.txt', '02-small.txt', '03-prefill.txt'])
  const kernels = readdirSync(join(dump, '2-kernels'))
  const text = readdirSync(join(dump, '4-text'))
  assert.equal(text.slice(1).map(f => f.split('.')[0]), kernels.map(f => f.split('.')[0]))
  assert.match(text[0]!, /^000-prelude\./)
  assert.match(readFileSync(join(dump, '0-graph.txt'), 'utf8'), /^model\.layers\.0\.self_attn\.q_proj: .* = linear\(/m)
  assert.match(readFileSync(join(dump, '1-fused', '03-prefill.txt'), 'utf8'), / = fusedLinear\(/)
  assert.match(readFileSync(join(dump, '2-kernels', kernels[0]!), 'utf8'), /^kernel embedding/)
  assert.match(readFileSync(join(dump, '3-plans', '00-decode.txt'), 'utf8'), /^plan decode: /)
})

test('a folder that cannot be written is named', async () => {
  const file = join(folder, 'a-file')
  writeFileSync(file, '')
  const error = await refusal(withModel({ switches: { dump: join(file, 'below') } }, async () => undefined))
  assert.is(error.where, 'WEFT_DUMP')
  assert.match(error.message, `${join(file, 'below')}: `)
})

test('WEFT_DEBUG: device and memory, then launches, then forms', async () => {
  const at = async (debug: 1 | 2 | 3): Promise<readonly string[]> => {
    const lines: string[] = []
    await withModel({ switches: { debug }, log: line => lines.push(line) }, useAll)
    return lines.flatMap(l => l.split('\n'))
  }
  const [one, two, three] = [await at(1), await at(2), await at(3)]
  assert.match(one[0]!, /^device wasm: .*2 units/)
  assert.match(one[1]!, /^memory: weights .*B, KV cache .*B, activations .*B, tables .*B, state .*B; .* free of /)
  assert.not.ok(one.some(l => l.includes('µs')))
  assert.ok(two.some(l => /^plan prefill, 11 tokens, 11 outputs, \d+ launches: [\d.]+ µs +[\d.]+ GB\/s \(\d+%\) +[\d.]+ GFLOP\/s$/.test(l)), two.join('\n'))
  assert.ok(two.some(l => /^ +\d+ \w+ +[\d.]+ µs +[\d.]+ GB\/s \(\d+%\) +[\d.]+ GFLOP\/s {2}model\.layers\.1\.mlp\.down_proj$/.test(l)))
  assert.not.ok(two.some(l => l.startsWith('kernel ')))
  assert.ok(three.some(l => l.startsWith('kernel ')) && three.some(l => l.startsWith('plan decode: tokens')))
})

test('the environment sets the switches of a process, and a wrong value is refused', () => {
  const script = `import { load } from ${JSON.stringify(new URL('../engine/index.js', import.meta.url).href)}
    try {
      const m = await load(${JSON.stringify(model)}, ${JSON.stringify(options)})
      const s = m.session()
      await s.logits(Uint32Array.of(1, 2, 3, 4, 5, 6, 7, 8, 9), [8])
      await m.close()
    } catch (error) { console.log(error.message); process.exitCode = error.exitCode }`
  const run = (env: Readonly<Record<string, string>>): { readonly out: string; readonly err: string; readonly code: number | null } => {
    const { stdout, stderr, status } = spawnSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8', env: { ...process.env, ...env } })
    return { out: stdout, err: stderr, code: status }
  }
  const wrong = run({ WEFT_DEBUG: '4' })
  assert.is(wrong.out.trim(), '[WEFT_DEBUG] level: expected 0, 1, 2 or 3, got 4')
  assert.is(wrong.code, 1)
  assert.match(run({ WEFT_CHECK: 'yes' }).out, '[WEFT_CHECK] value: expected 0 or 1, got yes')
  const dump = join(folder, 'env')
  const right = run({ WEFT_DEBUG: '2', WEFT_CHECK: '1', WEFT_DUMP: dump })
  assert.is(right.code, 0, right.out + right.err)
  assert.is(right.out, '')
  assert.match(right.err, /^checked plan prefill, 9 tokens/m)
  assert.match(right.err, /^ +\d+ \w+ +[\d.]+ µs/m)
  assert.ok(existsSync(join(dump, '0-graph.txt')))
})

test('the second start finds its plans and kernels in the cache', async () => {
  const cache = process.env['WEFT_CACHE']
  process.env['WEFT_CACHE'] = join(folder, 'cache')
  try {
    const stats = async (): Promise<Model['stats']> => withModel({}, async m => m.stats)
    const [first, second] = [await stats(), await stats()]
    assert.equal([first.plansCached, second.plansCached], [false, true])
    assert.is(first.kernelsCached, 0)
    assert.is(second.kernelsCompiled, 0)
  } finally {
    if (cache === undefined) delete process.env['WEFT_CACHE']
    else process.env['WEFT_CACHE'] = cache
  }
})

test.run()
