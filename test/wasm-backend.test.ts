/**
 * The WebAssembly backend: the same bits over 1, 2 and 3 threads, live dims, repeated runs, order of writes and runs,
 * failures that name what failed, and a process that ends by itself.
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { wasm } from '../codegen/targets/wasm.js'
import { call, constant } from '../codegen/value.js'
import { dataSegments } from '../runtime/wasm/compile.js'
import { openWasm, type WasmBackend } from '../runtime/wasm/backend.js'
import type { WasmRecording } from '../runtime/wasm/recording.js'
import type { BoundPlan, BufferView, DeviceBuffer, Program, Recording } from '../runtime/backend.js'
import { bytesOf, single } from './support/wasm-kernels.js'

const width = 96
const rows = { dim: 'tokens', per: 1, times: 1 }
const constantTiles = (times: number) => ({ dim: null, per: 1, times })

/** out[row] = Σ f(x[row, …]), in pieces of unequal length, so that tiles end in any order. */
const rowSums = single('row_sums', 1, (k, tile) => {
  const [x, out] = [k.param('x', 'f32', 'activation'), k.param('out', 'f32', 'activation', 'write')]
  const sum = k.var('sum', 'f32', 0)
  k.for({ to: tile.mod(7).mul(40).add(1) }, () => k.for({ to: width }, i => sum.add(call('exp', x.load(tile.mul(width).add(i))))))
  out.store(tile, sum.value)
}, { tiles: [rows] })
/** x[row, i] += out[row] / 2^20: makes each turn of a repeated run depend on the last. */
const feedBack = single('feed_back', 1, (k, tile) => {
  const [x, out] = [k.param('x', 'f32', 'activation', 'readwrite'), k.param('out', 'f32', 'activation')]
  k.for({ to: width }, i => {
    const at = k.let('at', tile.mul(width).add(i))
    x.store(at, x.load(at).add(out.load(tile).mul(2 ** -20)))
  })
}, { tiles: [rows, constantTiles(1)] })
/** One tile that adds 1 to the live count: the launch that advances the state. */
const grow = single('grow', 1, k => {
  const state = k.param('state', 'u32', 'state', 'readwrite')
  state.store(0, state.load(0).add(1))
})
const trap = single('trap', 3, (k, tile) => {
  const out = k.param('out', 'u32', 'activation', 'readwrite')
  k.when(tile.eq(2), () => out.store(0, constant('u32', 1).div(out.load(1))))
})
const slow = single('slow', 8, (k, tile) => {
  const out = k.param('out', 'f32', 'activation', 'readwrite')
  const sum = k.var('sum', 'f32', out.load(tile))
  k.for({ to: 20000 }, i => sum.add(call('exp', i.convert('f32').mul(-1e-3))))
  out.store(tile, sum.value)
})

interface Session {
  readonly backend: WasmBackend
  readonly programs: readonly Program[]
}
async function open(threads: number): Promise<Session> {
  const backend = await openWasm({ threads })
  const render = (k: Parameters<typeof wasm.render>[0]) => wasm.render(k, backend.caps)
  return { backend, programs: [await backend.compile(render([rowSums, feedBack, slow])), await backend.compile(render([grow, trap]))] }
}
const sessions: Session[] = []
const cache = mkdtempSync(join(tmpdir(), 'weft-wasm-'))
const before = process.env['WEFT_CACHE']
test.before(async () => {
  process.env['WEFT_CACHE'] = cache
  for (const threads of [1, 2, 3]) sessions.push(await open(threads))
})
test.after(async () => {
  for (const s of sessions) await s.backend.close()
  if (before === undefined) delete process.env['WEFT_CACHE']
  else process.env['WEFT_CACHE'] = before
  rmSync(cache, { recursive: true, force: true })
})

const view = (buffer: DeviceBuffer): BufferView => ({ buffer, offset: 0, bytes: buffer.bytes })

interface Chain {
  readonly plan: BoundPlan
  readonly x: DeviceBuffer
  readonly out: DeviceBuffer
  readonly state: DeviceBuffer
}
/** Sums, feedback, then one more row: launches of both programs, so that the plan has several segments. */
function chain({ backend, programs }: Session, live: number, most: number): Chain {
  const [x, out, state] = [backend.alloc(64 * width * 4, 'x'), backend.alloc(64 * 4, 'out'), backend.alloc(256, 'state')] as const
  backend.write(x, bytesOf(Float32Array.from({ length: 64 * width }, (_, i) => Math.sin(i))))
  backend.write(state, bytesOf(Uint32Array.of(live)))
  const plan: BoundPlan = {
    label: 'chain', dims: { tokens: most }, state: { view: view(state), words: { tokens: 0 } },
    launches: [
      { program: programs[0]!, kernel: 'row_sums', args: [view(x), view(out), view(state)], tiles: rowSums.tiles },
      { program: programs[0]!, kernel: 'feed_back', args: [view(x), view(out), view(state)], tiles: feedBack.tiles },
      { program: programs[1]!, kernel: 'grow', args: [view(state)], tiles: grow.tiles },
    ],
  }
  return { plan, x, out, state }
}

/** The chain's meaning in float32, row by row. */
function expected(live: number, most: number, times: number): Float32Array {
  const { fround } = Math
  const x = Float32Array.from({ length: 64 * width }, (_, i) => Math.sin(i))
  const out = new Float32Array(64)
  for (let t = 0; t < times; t++) {
    for (let row = 0; row < Math.min(live + t, most); row++) {
      let sum = 0
      for (let n = 0; n < (row % 7) * 40 + 1; n++) for (let i = 0; i < width; i++) sum = fround(sum + fround(Math.exp(x[row * width + i]!)))
      out[row] = sum
      for (let i = 0; i < width; i++) x[row * width + i] = fround(x[row * width + i]! + fround(sum * 2 ** -20))
    }
  }
  return out
}

test('live dims, several programs in a plan, repeated runs: the same bits on any number of threads', async () => {
  const results: Uint8Array[] = []
  for (const s of sessions) {
    const c = chain(s, 5, 20)
    const recording = s.backend.record(c.plan)
    await s.backend.run(recording).done
    s.backend.run(recording, 18)
    results.push(await s.backend.read(c.out))
    assert.is(new Uint32Array((await s.backend.read(c.state, 0, 4)).slice().buffer)[0], 24)
    for (const b of [c.x, c.out, c.state]) s.backend.free(b)
  }
  assert.equal(results[1], results[0])
  assert.equal(results[2], results[0])
  const got = new Float32Array(results[0]!.slice().buffer)
  expected(5, 20, 19).forEach((want, i) => assert.ok(Math.abs(got[i]! - want) <= 1e-4 * Math.abs(want), `row ${i}: ${got[i]}, expected ${want}`))
})

test('a plan without live rows runs nothing, and an empty plan ends', async () => {
  const s = sessions[1]!
  const c = chain(s, 0, 20)
  await s.backend.run(s.backend.record({ ...c.plan, launches: c.plan.launches.slice(0, 2) }), 3).done
  assert.equal([...(await s.backend.read(c.out))].filter(b => b !== 0), [])
  await s.backend.run(s.backend.record({ ...c.plan, launches: [] }), 3).done
})

test('writes, copies, runs and reads happen in the order asked for, and each launch is timed', async () => {
  const { backend, programs } = sessions[1]!
  const [out, other] = [backend.alloc(256, 'out'), backend.alloc(256, 'other')]
  const launch = { program: programs[0]!, kernel: 'slow', args: [view(out)], tiles: slow.tiles }
  const recording = backend.record({ label: 'slow', dims: {}, launches: [launch, launch], state: { view: view(out), words: {} } })
  const data = Float32Array.of(1000)
  backend.run(recording)
  backend.copy(out, 0, other, 0, 4)
  backend.write(out, bytesOf(data))
  data[0] = 5
  const after = backend.run(recording)
  backend.copy(out, 0, other, 4, 4)
  backend.write(out, bytesOf(Float32Array.of(3)))
  const first = new Float32Array((await backend.read(other)).slice().buffer)
  assert.ok(first[0]! > 1900 && first[0]! < 2100, String(first[0]))
  assert.ok(Math.abs(first[1]! - first[0]! - 1000) < 1, String(first[1]))
  await after.done
  assert.is(new Float32Array((await backend.read(out, 0, 4)).slice().buffer)[0], 3)
  const timings = await backend.time(recording)
  assert.equal(timings.map(t => t.kernel), ['slow', 'slow'])
  assert.ok(timings.every(t => t.microseconds > 1 && t.microseconds < 1e7), JSON.stringify(timings))
})

test('a trap names its kernel, and the backend goes on', async () => {
  for (const { backend, programs } of sessions) {
    const out = backend.alloc(256, 'out')
    const launch = { program: programs[1]!, kernel: 'trap', args: [view(out)], tiles: trap.tiles }
    const plan: BoundPlan = { label: 'traps', dims: {}, launches: [launch], state: { view: view(out), words: {} } }
    const recording = backend.record(plan)
    const message = /\[kernel trap\] trapped in launch 0 of traps: .*(divi|zero)/
    await backend.run(recording, 2).done.then(() => assert.unreachable(), (e: Error) => assert.match(e.message, message))
    await backend.read(out).then(() => assert.unreachable(), (e: Error) => assert.match(e.message, message))
    backend.write(out, bytesOf(Uint32Array.of(0, 1)))
    await backend.run(recording).done
    assert.is(new Uint32Array((await backend.read(out, 0, 4)).slice().buffer)[0], 1)
  }
})

test('a compile error names the kernel and the line', async () => {
  const { backend } = sessions[0]!
  const source = wasm.render([rowSums, grow], backend.caps)
  const kernels = source.kernels.map(k => (k.name === 'grow' ? { ...k, text: k.text.replace('store<u32>(', 'store<u32>(missing + ') } : k))
  await backend.compile({ ...source, kernels }).then(() => assert.unreachable(), (e: Error) => assert.match(e.message, /^\[kernel grow\] asc: ERROR.*missing.* in `store<u32>/))
})

test('a released recording gives its memory to the next, after the runs of it', async () => {
  const { backend } = sessions[0]!
  const c = chain(sessions[0]!, 5, 20)
  const place = (recording: Recording): number => (recording as WasmRecording).launches
  const first = backend.record(c.plan)
  backend.run(first, 3)
  backend.release(first)
  assert.is.not(place(backend.record(c.plan)), place(first), 'still running')
  await backend.read(c.out)
  assert.is(place(backend.record(c.plan)), place(first))
  for (const b of [c.x, c.out, c.state]) backend.free(b)
})

test('memory: zeroed, reused, limited, refused with the figures', async () => {
  const { backend } = sessions[0]!
  const a = backend.alloc(1000, 'a')
  backend.write(a, new Uint8Array(1000).fill(7))
  backend.free(a)
  const b = backend.alloc(900, 'b')
  assert.equal([...(await backend.read(b))].filter(v => v !== 0), [])
  const { free, total } = backend.memory()
  assert.ok(free! > 0 && total! >= free! && total! < 2 ** 32)
  assert.throws(() => backend.alloc(5 * 2 ** 30, 'weights'), /\[wasm\] no memory for weights: it needs 5\.00 GiB, with .* in use, and WebAssembly has at most 4\.00 GiB/)
  assert.throws(() => backend.write(b, new Uint8Array(904)), /write of buffer b: expected within 0 to 900/)
  assert.throws(() => backend.write(b, new Uint8Array(3)), /multiples of 4/)
  assert.throws(() => sessions[1]!.backend.free(b), /belongs to another backend/)
})

test('a plan that does not fit its kernels is refused', () => {
  const { backend, programs } = sessions[0]!
  const out = backend.alloc(256, 'out')
  const plan = (kernel: string, args: readonly BufferView[]): BoundPlan =>
    ({ label: 'wrong', dims: {}, launches: [{ program: programs[1]!, kernel, args, tiles: [] }], state: { view: view(out), words: {} } })
  assert.throws(() => backend.record(plan('grown', [])), /kernel grown.*is not in its program/)
  assert.throws(() => backend.record(plan('grow', [])), /kernel grow.*arguments: expected 1, got 0/)
  assert.throws(() => backend.record(plan('grow', [{ buffer: out, offset: 256, bytes: 4 }])), /param state of kernel grow.*outside of buffer out/)
})

test('compiled modules carry no data', () => {
  assert.is(dataSegments(Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0)), 0)
  assert.is(dataSegments(Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0, 5, 3, 1, 0, 1, 11, 7, 1, 0, 0x41, 0, 0x0b, 1, 9)), 1)
})

test('a closed backend refuses work, and a process with an open one ends by itself', async () => {
  const backend = await openWasm({ threads: 1 })
  const buffer = backend.alloc(4, 'x')
  await backend.close()
  await backend.close()
  assert.throws(() => backend.write(buffer, new Uint8Array(4)), /the backend is closed/)
  const url = new URL('../runtime/wasm/backend.js', import.meta.url).href
  const script = `import { openWasm } from ${JSON.stringify(url)}; const b = await openWasm({ threads: 2 }); b.alloc(64, 'x'); console.log('left')`
  assert.is(execFileSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8', timeout: 20000 }), 'left\n')
})

test.run()
