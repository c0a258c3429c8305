/**
 * The `wasm` target on its backend: every intrinsic and storage format against its meaning, statements and expressions
 * against the interpreter, bit for bit. All kernels are compiled as one module, twice, the second time from the cache.
 */
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { ValueType } from '../codegen/kernel.js'
import { intrinsicNames, type Intrinsic } from '../codegen/intrinsics.js'
import { wasm } from '../codegen/targets/wasm.js'
import { call, constant } from '../codegen/value.js'
import type { Program } from '../runtime/backend.js'
import { openWasm, type WasmBackend } from '../runtime/wasm/backend.js'
import { cases, sums } from './support/wasm-cases.js'
import { interpreted, prepare, runOn, single } from './support/wasm-kernels.js'

const state: { backend?: WasmBackend; program?: Program; cache?: string; before?: string | undefined } = {}
const kernels = [...cases, sums].map(c => c.kernel)

test.before(async () => {
  state.before = process.env['WEFT_CACHE']
  process.env['WEFT_CACHE'] = state.cache = mkdtempSync(join(tmpdir(), 'weft-wasm-'))
  state.backend = await openWasm({ threads: 2 })
  state.program = await state.backend.compile(wasm.render(kernels, state.backend.caps))
})
test.after(async () => {
  await state.backend?.close()
  if (state.before === undefined) delete process.env['WEFT_CACHE']
  else process.env['WEFT_CACHE'] = state.before
  if (state.cache) rmSync(state.cache, { recursive: true, force: true })
})

for (const c of [...cases, sums]) {
  test(c.kernel.name, async () => {
    const got = await runOn(state.backend!, state.program!, c.kernel, c.inputs, c.result)
    if (c.check) return c.check(got)
    const want = interpreted(c.kernel, c.inputs, c.result)
    const [g, w] = [new Uint32Array(got.slice().buffer), new Uint32Array(want.slice().buffer)]
    const wrong = w.findIndex((v, i) => v !== g[i])
    if (wrong >= 0) assert.unreachable(`word ${wrong}: expected 0x${w[wrong]!.toString(16)}, got 0x${g[wrong]!.toString(16)}`)
  })
}

test('all kernels come from the cache the second time', async () => {
  const { backend, program } = state
  assert.is(program!.stats.compiled, kernels.length)
  const again = await backend!.compile(wasm.render(kernels, backend!.caps))
  assert.equal([again.stats.compiled, again.stats.cached], [0, kernels.length])
  const { kernel, inputs } = cases[0]!
  const p = prepare(backend!, again, kernel, inputs)
  await backend!.run(p.recording).done
  cases[0]!.check!(await p.read('out'))
})

if (process.platform !== 'win32') {
  test('Ctrl-C in a terminal, which every process of the group gets, does not end the compiler', async () => {
    const module = (path: string): string => JSON.stringify(new URL(path, import.meta.url).href)
    const code = `const { compileSource } = await import(${module('../runtime/wasm/compile.js')})
      const { wasm } = await import(${module('../codegen/targets/wasm.js')})
      const { wasmCaps } = await import(${module('../runtime/wasm/backend.js')})
      const { cases } = await import(${module('./support/wasm-cases.js')})
      process.on('SIGINT', () => console.log('interrupted'))
      const compiling = compileSource(wasm.render([{ ...cases[0].kernel, name: 'interrupted_kernel' }], wasmCaps(1, true, 'a processor')))
      process.kill(0, 'SIGINT')
      console.log((await compiling).bytes.length > 0 ? 'compiled' : 'nothing')`
    const child = spawn(process.execPath, ['--input-type=module', '-e', code], { stdio: ['ignore', 'pipe', 'pipe'], detached: true })
    let printed = ''
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text: string) => (printed += text))
    await new Promise(resolve => child.on('close', resolve))
    assert.is(printed, 'interrupted\ncompiled\n')
  })
}

test('without relaxed SIMD: sums within their bounds, table lookups exact', async () => {
  const { backend } = state
  const plainCases = [...cases.filter(c => ['e2m1x4', 'packed_ops', 'sums'].includes(c.kernel.name)), sums]
  const source = wasm.render(plainCases.map(c => c.kernel), { ...backend!.caps, arch: 'simd128' })
  assert.not.match(source.prelude, /relaxed/)
  const program = await backend!.compile(source)
  for (const c of plainCases) {
    const got = await runOn(backend!, program, c.kernel, c.inputs, c.result)
    if (c.check) c.check(got)
    else assert.equal(got, interpreted(c.kernel, c.inputs, c.result))
  }
})

test('every intrinsic has a spelling that is tested, or a reason', () => {
  const used = new Set<string>()
  JSON.stringify(kernels.map(k => k.body), (key, value: unknown) => {
    if (key === 'intrinsic') used.add(value as Intrinsic)
    return value
  })
  for (const name of intrinsicNames) {
    const spell = wasm.intrinsic[name]
    if (typeof spell === 'function') assert.ok(used.has(name), `${name} is not tested`)
    else assert.ok(spell.unsupported.length > 0)
  }
})

test('what the target has not is refused by name', () => {
  const { caps } = state.backend!
  const grouped = { ...single('grouped', 1, () => undefined), threads: 64 }
  assert.throws(() => wasm.render([grouped], caps), /kernel grouped.*groups of threads: expected 1 thread on the wasm target, got 64/)
  const lanes = single('lanes', 1, k => k.param('out', 'f32', 'activation', 'write').store(0, call('subgroupAdd', constant('f32', 1))))
  assert.throws(() => wasm.render([lanes], caps), /kernel lanes.*subgroupAdd: a CPU group is one thread/)
  const product = single('product', 1, k => k.var('acc', 'matrixC' satisfies ValueType, call('matrixZero')))
  assert.throws(() => wasm.render([product], caps), /kernel product.*(matrixC|matrixZero)/)
  const large = single('large', 1, k => k.shared('much', 'f32', 2 ** 20).store(0, 1))
  assert.throws(() => wasm.render([large], caps), /kernel large.*shared arrays are too large: expected at most 1048576 bytes, got 4194304/)
})

test.run()
