/**
 * `weft bench`: random models, the classes problems fall into, figures and formats, comparisons, and the HTML report in a real
 * browser where there is one (chromium on the path: `apt install chromium`). No timing decides a test.
 */
import { spawnSync } from 'node:child_process'
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { readLlamaBench } from '../bench/against.js'
import { writeGguf } from '../bench/gguf-model.js'
import { compareFiles, slower } from '../bench/compare.js'
import { htmlReport } from '../bench/html.js'
import type { KernelRow } from '../bench/kernels.js'
import { deviation, median } from '../bench/numbers.js'
import { formats, render, type Report } from '../bench/report.js'
import { readmeFile, readResults, resultsFolder, speedTable, withTable } from '../bench/results.js'
import type { SpeedRow } from '../bench/speeds.js'
import { interpret } from '../codegen/interpret.js'
import { roofKernels } from '../codegen/roof.js'
import { targets } from '../codegen/compile.js'
import { verify } from '../codegen/verify.js'
import { shareOf } from '../engine/roof.js'
import { shapeNamed, shapeNames } from '../graph/models/shapes.js'
import { wasmCaps } from '../runtime/wasm/backend.js'
import { dequantize } from '../weights/dequantize.js'
import { randomModel, randomTypes } from '../weights/random.js'
import { openModel } from '../weights/open.js'
import { requiredTensors } from '../weights/required.js'
import { scratch, weft } from './help-cli.js'
import { skip } from './support/backends.js'
import { cudaProfiles } from './support/chips.js'

const folder = scratch()
test.after(() => rmSync(folder, { recursive: true }))

// random models

test('random weights: ordinary numbers of the deviation wanted, the same at any offset, and every tensor of every shape', () => {
  for (const type of randomTypes) {
    for (const packing of type === 'nvfp4' ? ['planes', 'gguf'] as const : ['planes'] as const) {
      const model = randomModel('tiny', type, packing)
      const t = model.tensors.get('model.layers.1.mlp.up_proj.weight')!
      const values = dequantize(model, t)
      const spread = deviation([...values.subarray(0, 65536)])
      assert.ok(values.every(Number.isFinite), `${type}: finite`)
      assert.ok(Math.abs(spread * Math.sqrt(t.shape[1]!) - 1) < 0.35, `${type} ${packing}: deviation ${spread}`)
      const [range] = Object.values(t.ranges) as [NonNullable<typeof t.ranges[string]>]
      const [whole, part] = [new Uint8Array(range.bytes), new Uint8Array(100)]
      model.read(range, whole)
      model.read(range, part, 1234)
      assert.equal(part, whole.subarray(1234, 1334))
      assert.throws(() => model.read(range, part, range.bytes - 99), /outside a random tensor/)
    }
  }
  for (const name of shapeNames) assert.is(randomModel(name, 'f16').tensors.size, requiredTensors(shapeNamed(name)).length, name)
  assert.throws(() => randomModel('qwen3-5b', 'f16'), /unknown shape/)
  assert.throws(() => randomModel('tiny', 'q9'), /unknown type/)
})

// roofs

test('roof kernels: verified on every chip, in bounds and without races, and the copy copies', () => {
  for (const caps of [...Object.values(cudaProfiles), wasmCaps(2, true, 'a processor')]) {
    const bytes = 2 ** 20
    const { read, copy, arithmetic, matrix } = roofKernels(caps, bytes)
    for (const k of [read, copy, arithmetic, matrix]) if (k !== null) verify(k)
    assert.is(matrix === null, caps.simd)
    const text = targets[caps.target].render([read, copy, arithmetic, ...(matrix === null ? [] : [matrix])], caps)
    assert.is(text.kernels.length, matrix === null ? 3 : 4)
    const source = Float32Array.from({ length: bytes / 4 }, (_, i) => i % 977)
    const [from, to] = [new Uint8Array(source.buffer), new Uint8Array(bytes)]
    interpret(copy, { source: { bytes: from }, target: { bytes: to } }, { dims: {} })
    assert.is(Buffer.compare(from, to), 0)
  }
})

test('a kernel stands under the roof that takes it longer', () => {
  const roof = { gbps: 100, gflops: 1000, matrixGflops: 10_000 }
  const memory = shareOf(roof, { bytes: 1e6, flops: 1e6, microseconds: 20, matrix: false })
  assert.equal([memory.roof, memory.limit, memory.share], ['memory', 10, 0.5])
  const arithmetic = shareOf(roof, { bytes: 1e6, flops: 1e8, microseconds: 200, matrix: false })
  assert.equal([arithmetic.roof, arithmetic.limit, arithmetic.share], ['arithmetic', 100, 0.5])
  assert.is(shareOf(roof, { bytes: 1e6, flops: 1e8, microseconds: 20, matrix: true }).limit, 10)
})

// figures and formats

const speed = (over: Partial<SpeedRow>): SpeedRow => ({
  test: 'decode', tokens: 16, depth: 0, model: 'm', weights: 'nvfp4', mean: 10, deviation: 0.5, median: 10, speeds: [9.5, 10.5], bytes: 2e6, flops: 4e6, gbps: 0.02, tflops: 4e-5, share: 0.25, roof: 'memory', ...over,
})
const kernelRow = (over: Partial<KernelRow>): KernelRow => ({
  plan: 'decode', kernel: 'k', op: 'linear', problem: 'linear: x 1×64, weight nvfp4 64×64', schedule: 'linear.row', knobs: { rows: 1 }, rejected: { 'linear.matvec': 'threads, "shared"' },
  launches: 3, us: 10, bytes: 1e4, flops: 2e4, gbps: 1, tflops: 2e-3, share: 0.1, roof: 'memory', lost: 27, registers: 40, spilledBytes: 0, sharedBytes: 64, tuned: null, ...over,
})
const report: Report = {
  machine: {
    device: 'wasm, a <chip>', backend: 'wasm', chip: 'a <chip>', driver: 'V8', processor: 'p', cores: 2, memoryBytes: 2 ** 33, system: 'linux-x64', node: '20', version: '0.1.0', commit: 'abc', date: '2026-11-23T12:00:00.000Z',
    roof: { gbps: 10, gflops: 100, matrixGflops: 400 },
  },
  model: 'm', weights: 'nvfp4', compute: 'f32',
  rows: [speed({}), speed({ depth: 128, mean: 8, median: 8 }), speed({ test: 'prefill', tokens: 64, mean: 100, median: 100 }), speed({ test: 'prefill', tokens: 128, mean: 90, median: 90 })],
  kernels: [
    { plan: 'decode', tokens: 1, depth: 1, us: 50, rows: [kernelRow({}), kernelRow({ kernel: 'a', op: 'attention', problem: 'attention', us: 20, launches: 1, bytes: 2e4, flops: 1e4 })] },
    { plan: 'prefill', tokens: 64, depth: 64, us: 100, rows: [kernelRow({ plan: 'prefill', us: 100, launches: 1, flops: 1e6 })] },
  ],
}

test('median and deviation', () => {
  assert.equal([median([3, 1, 2]), median([4, 1, 2, 3]), deviation([5]), deviation([1, 3])], [2, 2.5, 0, Math.SQRT2])
})

test('every format has every row; CSV quotes, Markdown stays a table', () => {
  for (const format of formats) {
    if (format === 'html') continue
    for (const what of ['speeds', 'kernels'] as const) {
      const text = render(report, format, what)
      assert.ok(text.includes('nvfp4') && text.endsWith('\n'), `${format} ${what}`)
    }
  }
  const csv = render(report, 'csv', 'kernels').trimEnd().split('\n')
  assert.is(csv.length, 4)
  assert.ok(csv[1]!.includes('"{""linear.matvec"":""threads, \\""shared\\""""}"'), csv[1])
  const table = render(report, 'markdown', 'speeds').split('\n').filter(l => l.startsWith('|'))
  assert.is(table.length, 6)
  assert.is(new Set(table.map(l => l.split('|').length)).size, 1)
  const kernels = JSON.parse(render(report, 'json', 'kernels')) as readonly Record<string, unknown>[]
  for (const key of ['kernel', 'op', 'schedule', 'knobs', 'rejected', 'us', 'bytes', 'flops', 'gbps', 'tflops', 'share', 'roof']) assert.ok(key in kernels[0]!, key)
})

// comparisons

test('comparisons match by problem, tell what one lacks, and find what became slower', () => {
  const write = (name: string, value: unknown): string => {
    writeFileSync(join(folder, name), JSON.stringify(value))
    return join(folder, name)
  }
  const before = write('a.json', [kernelRow({}), kernelRow({ problem: 'p2', us: 5 }), kernelRow({ problem: 'gone' })])
  const after = write('b.json', [kernelRow({ kernel: 'other', us: 12 }), kernelRow({ problem: 'p2', us: 2 }), kernelRow({ problem: 'p2', us: 2 }), kernelRow({ problem: 'new' })])
  const c = compareFiles(before, after)
  assert.equal(c.rows.map(r => Number(r.ratio.toFixed(3))), [1.2, 0.8])
  assert.equal([c.onlyBefore, c.onlyAfter], [['decode gone'], ['decode new']])
  assert.equal([slower(c, 0.1).length, slower(c, 0.25).length], [1, 0])
  const speeds = compareFiles(write('c.json', { rows: [speed({})] }), write('d.json', { rows: [speed({ median: 8 })] }))
  assert.is(speeds.rows[0]!.ratio, 1.25)
  assert.throws(() => compareFiles(before, write('e.json', {})), /no rows/)
  assert.throws(() => compareFiles(before, join(folder, 'absent.json')), /cannot be read/)
  assert.throws(() => compareFiles(before, write('f.json', { rows: [speed({})] })), /no row in common/)
})

// the command

test('weft bench: a model of random weights, end to end, kernel by kernel, and compared with itself', async () => {
  const small = ['--shape', 'tiny', '--device', 'wasm', '-p', '32', '-n', '8', '-r', '2']
  const ended = await weft(['bench', ...small, '--format', 'json'])
  assert.is(ended.code, 0, ended.stderr)
  const model = JSON.parse(ended.stdout) as Report
  assert.equal(model.rows.map(r => [r.test, r.tokens, r.weights]), [['prefill', 32, 'nvfp4'], ['decode', 8, 'nvfp4']])
  for (const r of model.rows) assert.ok(r.mean > 0 && r.speeds.length === 2 && r.share > 0 && r.bytes > 0, JSON.stringify(r))
  assert.ok(model.machine.roof.gbps > 0 && model.machine.driver.startsWith('V8 '))

  const file = join(folder, 'kernels.json')
  assert.is((await weft(['bench', 'kernels', ...small, '--format', 'json', '--out', file])).code, 0)
  const kernels = JSON.parse(readFileSync(file, 'utf8')) as readonly KernelRow[]
  const lost = kernels.filter(k => k.plan === 'decode').map(k => k.lost)
  assert.equal(lost, [...lost].sort((a, b) => b - a))
  const linear = kernels.find(k => k.op === 'fusedLinear' && k.plan === 'decode')!
  assert.ok(linear.rejected['fusedLinear.tile']!.length > 0 && Object.keys(linear.knobs).length > 0)
  const same = await weft(['bench', '--compare', file, file, '--fail-above', '5%'])
  assert.equal([same.code, /\+0|0\.0%/.test(same.stdout)], [0, true])
  const slow = join(folder, 'slow.json')
  writeFileSync(slow, JSON.stringify(kernels.map(k => ({ ...k, us: k.us * 2 }))))
  const failed = await weft(['bench', '--compare', file, slow, '--fail-above', '5%'])
  assert.is(failed.code, 1)
  assert.match(failed.stderr, /became slower by more than 5%/)

  const attention = await weft(['bench', 'kernels', ...small, '--op', 'attention', '--format', 'csv'])
  assert.ok(attention.stdout.trimEnd().split('\n').slice(1).every(l => l.includes(',attention,')))
  for (const wrong of [['--shape', 'x'], ['--fail-above', '5%'], ['-p', '1,x'], ['--shape', 'tiny', '--model', 'y'], ['kernels', ...small, '--op', 'nothing']]) assert.is((await weft(['bench', ...wrong])).code, 2, wrong.join(' '))
})

// a peer

test('a random model as GGUF is read back byte for byte, and a peer is run on it', async () => {
  for (const type of randomTypes) {
    const model = randomModel('tiny', type, 'gguf')
    const file = join(folder, `${type}.gguf`)
    writeGguf(model, file)
    const back = await openModel(file)
    assert.equal([...back.tensors.keys()].sort(), [...model.tensors.keys()].sort())
    assert.equal({ ...back.config, rope: back.config.rope.theta, eps: 0 }, { ...model.config, rope: model.config.rope.theta, eps: 0 })
    for (const [name, t] of model.tensors) {
      const other = back.tensors.get(name)!
      assert.equal([other.type, other.shape, other.scale], [t.type, t.shape, t.scale], name)
      const [a, b] = [new Uint8Array(t.ranges['data']!.bytes), new Uint8Array(t.ranges['data']!.bytes)]
      model.read(t.ranges['data']!, a)
      back.read(other.ranges['data']!, b)
      assert.is(Buffer.compare(a, b), 0, name)
    }
    back.close()
  }
  const program = join(folder, 'llama-bench')
  writeFileSync(program, `#!${process.execPath}\nconst a = process.argv; if (!require('fs').statSync(a[a.indexOf('-m') + 1]).isFile()) process.exit(1)\nconsole.log('a line\\n' + JSON.stringify([{ build_commit: 'abc', avg_ts: 10, stddev_ts: 1 }], null, 1))\n`, { mode: 0o755 })
  const args = ['bench', '--shape', 'tiny', '--device', 'wasm', '-p', '0', '-n', '4', '-r', '1', '--against', 'llama.cpp']
  const ended = await weft([...args, '--llama-bench', program, '--format', 'json'], { env: { WEFT_COMMIT: 'abcdef012345' } })
  assert.is(ended.code, 0, ended.stderr)
  const [row] = (JSON.parse(ended.stdout) as Report).rows as readonly [SpeedRow]
  assert.equal([row.peer!.program, row.peer!.mean, row.peer!.ratio], ['llama.cpp abc', 10, row.mean / 10])
  assert.is((JSON.parse(ended.stdout) as Report).machine.commit, 'abcdef012345', 'what was told goes before the checkout')
  const failed = await weft([...args, '--llama-bench', join(folder, 'absent')])
  assert.match(failed.stderr, /\[--llama-bench\] .*does not start/)
  const named = await weft([...args, '--llama-bench', program, '--peer-version', 'v1.2', '--format', 'json'])
  assert.is((JSON.parse(named.stdout) as Report).rows[0]!.peer!.program, 'llama.cpp v1.2')
  assert.is((await weft(args)).code, 2)
  assert.match((await weft(['bench', '--peer-version', 'v1.2'])).stderr, /\[--peer-version\] given without --against/)
})

test('the peer is named with its build where it knows that', () => {
  const named = (row: object): string => readLlamaBench(JSON.stringify([{ avg_ts: 10, stddev_ts: 1, ...row }], null, 1)).name
  assert.equal([named({ build_commit: 'abc', build_number: 7 }), named({ build_commit: 'unknown', build_number: 7 }), named({ build_commit: 'unknown', build_number: 0 }), named({})],
    ['llama.cpp abc', 'llama.cpp 7', 'llama.cpp', 'llama.cpp'])
})

// README

test('README\'s table is the one that the results make (npm run readme-table)', () => {
  const readme = readFileSync(readmeFile(), 'utf8')
  assert.is(withTable(readme, speedTable(readResults(resultsFolder()))), readme)
  assert.throws(() => withTable('no markers', ''), /markers/)
})

// the report in a browser

const browser = ['chromium', 'chromium-browser', 'google-chrome'].find(name => spawnSync(name, ['--version']).status === 0)

interface Probe {
  readonly points: number
  readonly bars: number
  readonly tests: number
  readonly boxes: readonly (readonly [number, number])[]
  readonly page: readonly number[]
  readonly text: readonly number[]
}

/** What a browser makes of the report: how many marks have a size, and which colours page and text have. */
const probe = `<script>
const marks = selector => [...document.querySelectorAll(selector)]
const drawn = list => list.filter(m => { const b = m.getBoundingClientRect(); return b.width > 0.1 && b.height > 0.1 })
const colour = (e, name) => getComputedStyle(e)[name].match(/[\\d.]+/g).slice(0, 3).map(Number)
const bars = drawn(marks('#time svg g[aria-label="bar"] rect'))
document.body.insertAdjacentHTML('beforeend', '<pre id="probe">' + JSON.stringify({
  points: drawn(marks('#roofline svg g[aria-label="dot"] > *')).length, bars: bars.length, tests: drawn(marks('#decode svg g[aria-label="dot"] circle, #prefill svg g[aria-label="dot"] circle')).length,
  boxes: bars.map(b => [b.getBoundingClientRect().left, b.getBoundingClientRect().width]), page: colour(document.body, 'backgroundColor'), text: colour(document.querySelector('svg text'), 'fill'),
}) + '</pre>')
</script></body>`

/** WCAG's contrast of two colours. */
function contrast(a: readonly number[], b: readonly number[]): number {
  const light = (c: readonly number[]): number => c.map(v => (v / 255 <= 0.04045 ? v / 255 / 12.92 : ((v / 255 + 0.055) / 1.055) ** 2.4)).reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i]!, 0)
  const [x, y] = [light(a), light(b)].sort((p, q) => q - p) as [number, number]
  return (x + 0.05) / (y + 0.05)
}

test('the HTML report is one file that loads nothing', async () => {
  const html = await htmlReport(report)
  assert.not.match(html, /<script|<link|src=|url\([^#]|@import/)
  assert.ok(html.includes('a &lt;chip&gt;') && !html.includes('a <chip>'))
  for (const id of ['speeds', 'decode', 'prefill', 'roofline', 'time', 'kernels-decode', 'kernels-prefill']) assert.ok(html.includes(`<section id="${id}">`), id)
  assert.match(html, /<details><summary>Why not other schedules<\/summary><ul><li>/)
  // A peer's speeds stand beside weft's, and what is slower than a TFLOP/s is not drawn in thousandths of one.
  const peer = { program: 'a peer', mean: 10, deviation: 1, ratio: 0.5 }
  const slow = await htmlReport({ ...report, machine: { ...report.machine, roof: { gbps: 20, gflops: 40, matrixGflops: null } }, rows: report.rows.map(r => ({ ...r, peer })) })
  assert.match(slow, /<td>a peer<\/td><td class="n">10\.00<\/td><td class="n">1\.00<\/td><td class="n">0\.50<\/td>/)
  assert.ok(slow.includes('f32: 40.00 GFLOP/s') && !slow.includes('f32: 0.0400 TFLOP/s'))
  const bare = await htmlReport({ ...report, rows: [], kernels: [] })
  assert.not.match(bare, /<section/)
})

if (browser === undefined) skip('the HTML report in a browser: no chromium on the path')
else {
  test('the HTML report in a browser: every mark is drawn, in light and in dark', async () => {
    const file = join(folder, 'report.html')
    writeFileSync(file, (await htmlReport(report)).replace('</body>', () => probe))
    for (const scheme of ['1', '0']) {
      const flags = ['--headless', '--no-sandbox', '--disable-gpu', '--disable-background-networking', `--user-data-dir=${join(folder, 'profile')}`, `--blink-settings=preferredColorScheme=${scheme}`]
      const { stdout, status } = spawnSync(browser, [...flags, '--dump-dom', `file://${file}`], { encoding: 'utf8', timeout: 60_000 })
      assert.is(status, 0)
      const seen = JSON.parse(/<pre id="probe">(.*?)<\/pre>/.exec(stdout)![1]!) as Probe
      assert.equal([seen.points, seen.bars, seen.tests], [3, 3, 4])
      // The decode step's two bars stand beside each other, and the longer is three fifths of both.
      const [long, short] = seen.boxes as readonly [readonly [number, number], readonly [number, number]]
      assert.ok(Math.abs(long[1] / short[1] - 1.5) < 0.1 && short[0] >= long[0] + long[1], JSON.stringify(seen.boxes))
      assert.is(seen.page[0]! > 128, scheme === '1')
      assert.ok(contrast(seen.page, seen.text) > 4.5, `${seen.page} and ${seen.text}`)
    }
  })
}

test.run()
