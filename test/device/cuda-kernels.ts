/**
 * What is shown on a CUDA device: every case of the kernels' table against the interpreter, and the backend's own
 * promises (order of writes, runs and reads, replay, grids, timing, errors). Each check is a name and a function that
 * throws; the suite that calls them decides how they are reported.
 */
import * as assert from 'uvu/assert'
import { interpret } from '../../codegen/interpret.js'
import type { Kernel } from '../../codegen/kernel.js'
import { u32 } from '../../codegen/value.js'
import { cuda } from '../../codegen/targets/cuda.js'
import type { Backend, BoundLaunch, BoundPlan, BufferView, DeviceBuffer, Program } from '../../runtime/backend.js'
import type { CudaBackend } from '../../runtime/cuda/backend.js'
import { casesFor, noise } from '../support/cuda-kernels.js'
import type { Case } from '../support/cuda-kernels.js'
import { make } from '../support/kernels.js'

export interface Check {
  readonly name: string
  readonly run: (backend: CudaBackend) => Promise<void>
}

const dims = { tokens: 9 }
const viewOf = (buffer: DeviceBuffer): BufferView => ({ buffer, offset: 0, bytes: buffer.bytes })
const bytesOf = (data: ArrayBufferView): Uint8Array => new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
const compile = (backend: CudaBackend, ...kernels: readonly Kernel[]): Promise<Program> => backend.compile(cuda.render(kernels, backend.caps))
const launchOf = (program: Program, kernel: Kernel, ...buffers: readonly DeviceBuffer[]): BoundLaunch => ({ program, kernel: kernel.name, args: buffers.map(viewOf), tiles: kernel.tiles })
const planOf = (label: string, ...launches: readonly BoundLaunch[]): BoundPlan => ({ label, launches, dims, state: { view: launches[0]!.args[0]!, words: {} } })

/** Equal bit by bit, but that any NaN equals any other. */
function compareExactly(what: string, element: string, got: Uint8Array, want: Uint8Array): void {
  assert.is(got.byteLength, want.byteLength, what)
  const half = element.startsWith('f16')
  const words = (b: Uint8Array): Uint16Array | Uint32Array => {
    const own = b.slice().buffer
    return half ? new Uint16Array(own) : new Uint32Array(own)
  }
  const [g, w] = [words(got), words(want)]
  const isNan = (bits: number): boolean => (half ? (bits & 0x7fff) > 0x7c00 : (bits & 0x7fffffff) > 0x7f800000)
  const differing = [...g.keys()].filter(i => g[i] !== w[i] && !(isNan(g[i]!) && isNan(w[i]!)))
  const hex = (v: number): string => `0x${v.toString(16)}`
  assert.is(differing.length, 0, `${what}: ${differing.length} of ${g.length} differ, ${differing.slice(0, 4).map(i => `[${i}] is ${hex(g[i]!)}, not ${hex(w[i]!)}`).join(', ')}`)
}

function compareClosely(what: string, got: Uint8Array, want: Uint8Array, tolerance: number): void {
  const [g, w] = [new Float32Array(got.slice().buffer), new Float32Array(want.slice().buffer)]
  const largest = w.reduce((m, v) => Math.max(m, Math.abs(v)), 0)
  g.forEach((v, i) => {
    const bound = tolerance * Math.max(Math.abs(w[i]!), largest / 64)
    assert.ok(Math.abs(v - w[i]!) <= bound, `${what}[${i}] is ${v}, not ${w[i]} ± ${bound}`)
  })
}

/** Runs a case on a device and compares it with the interpreter. */
export async function checkCase(backend: Backend, program: Program, { kernel, buffers, results }: Case): Promise<void> {
  const expected = Object.fromEntries(Object.entries(buffers).map(([name, bytes]) => [name, { bytes: bytes.slice(0) }]))
  interpret(kernel, expected, { dims, mode: 'fast' })
  const bound = kernel.params.map(p => {
    const buffer = backend.alloc(buffers[p.name]!.byteLength, `${kernel.name}.${p.name}`)
    backend.write(buffer, new Uint8Array(buffers[p.name]!))
    return buffer
  })
  await backend.run(backend.record(planOf(kernel.name, launchOf(program, kernel, ...bound)))).done
  for (const [i, p] of kernel.params.entries()) {
    const got = await backend.read(bound[i]!)
    const tolerance = results[p.name] ?? 0
    const what = `${kernel.name}: ${p.name}`
    if (tolerance === 0) compareExactly(what, p.element, got, new Uint8Array(expected[p.name]!.bytes))
    else compareClosely(what, got, new Uint8Array(expected[p.name]!.bytes), tolerance)
  }
  bound.forEach(b => backend.free(b))
}

/** x[i] = x[i] · 3 + add, over `count` words. */
const step = (add: number, count: number): Kernel => make({ schedule: `step.${add}`, threads: 128, tiles: [{ dim: null, per: 1, times: Math.ceil(count / 128) }] }, (k, tile) => {
  const x = k.param('x', 'u32', 'activation', 'readwrite')
  const i = k.let('i', tile.mul(128).add(k.local))
  k.when(i.lt(count), () => x.store(i, x.load(i).mul(3).add(add)))
})

export const checks: readonly Check[] = [
  {
    name: 'a program compiles, then comes from the disk cache',
    run: async backend => {
      const kernel = step(Math.floor(Math.random() * 2 ** 30), 128)
      const first = await compile(backend, kernel)
      const second = await compile(backend, kernel)
      assert.equal([first.stats.compiled, first.stats.cached, second.stats.compiled, second.stats.cached], [1, 0, 0, 1])
      assert.ok(first.kernels.has(kernel.name))
    },
  },
  {
    name: 'every case agrees with the interpreter',
    run: async backend => {
      const cases = casesFor(backend.caps)
      const program = await compile(backend, ...cases.map(c => c.kernel))
      const failures: string[] = []
      for (const c of cases) await checkCase(backend, program, c).catch((e: unknown) => failures.push(e instanceof Error ? e.message : String(e)))
      assert.equal(failures, [])
    },
  },
  {
    name: 'memory is zeroed, and writes, copies and reads keep their order and every byte',
    run: async backend => {
      const bytes = 80 * 2 ** 20 + 12
      const [a, b] = [backend.alloc(bytes, 'a'), backend.alloc(bytes, 'b')]
      assert.ok((await backend.read(a)).every(v => v === 0))
      const data = bytesOf(noise(bytes / 4, 11))
      const kept = data.slice()
      backend.write(a, data)
      data.fill(0xff)
      backend.copy(a, 4, b, 8, bytes - 8)
      const whole = backend.read(a)
      backend.write(a, Uint8Array.of(1, 2, 3, 4), 4)
      const [before, after, copied] = [await whole, await backend.read(a, 4, 4), await backend.read(b, 8, bytes - 8)]
      assert.is(Buffer.compare(before, kept), 0, 'a read sees what was there when it was asked for')
      assert.equal([...after], [1, 2, 3, 4])
      assert.is(Buffer.compare(copied, kept.subarray(4, bytes - 4)), 0)
      assert.is((await backend.read(a, 0, 0)).byteLength, 0)
      backend.free(a)
      backend.free(b)
    },
  },
  {
    name: 'a plan replays in order, several times over, and runs return before it ends',
    run: async backend => {
      const count = 1000
      const kernels = [step(1, count), step(2, count), step(7, count)]
      const program = await compile(backend, ...kernels)
      const x = backend.alloc(4 * count, 'x')
      const recording = backend.record(planOf('steps', ...kernels.map(k => launchOf(program, k, x)), ...kernels.map(k => launchOf(program, k, x))))
      const expect = (rounds: number): number => {
        let v = 0
        for (let r = 0; r < rounds; r++) for (const add of [1, 2, 7, 1, 2, 7]) v = (Math.imul(v, 3) + add) >>> 0
        return v
      }
      const [first, second] = [backend.run(recording, 5), backend.run(recording)]
      await second.done
      await first.done
      assert.ok(new Uint32Array((await backend.read(x)).slice().buffer).every(v => v === expect(6)))
      const timings = await backend.time(recording)
      assert.equal(timings.map(t => t.kernel), [...kernels, ...kernels].map(k => k.name))
      assert.ok(timings.every(t => t.microseconds > 0 && t.microseconds < 1e5), timings.map(t => t.microseconds).join(', '))
      assert.is(new Uint32Array((await backend.read(x)).slice().buffer)[count - 1], expect(7), 'a timed run is one run')
      // One after another without waiting: a queue of a hundred.
      const tickets = Array.from({ length: 100 }, () => backend.run(recording))
      await Promise.all(tickets.map(t => t.done))
      assert.is(new Uint32Array((await backend.read(x)).slice().buffer)[0], expect(107))
      backend.run(recording)
      backend.release(recording)
      assert.is(new Uint32Array((await backend.read(x)).slice().buffer)[0], expect(108), 'what runs is waited for')
      assert.throws(() => backend.run(recording), /plan steps was not recorded on this device/)
      backend.free(x)
    },
  },
  {
    name: 'a grid of 200,000 tiles reaches every one; a plan without tiles runs',
    run: async backend => {
      const count = 200_000
      const kernel = make({ schedule: 'wide', threads: 32, tiles: [{ dim: null, per: 1, times: count }] }, (k, tile) => {
        const out = k.param('out', 'u32', 'activation', 'write')
        k.when(k.local.eq(5), () => out.store(tile, tile.add(u32(1))))
      })
      const program = await compile(backend, kernel)
      const out = backend.alloc(4 * count, 'out')
      await backend.run(backend.record(planOf('wide', launchOf(program, kernel, out)))).done
      assert.ok(new Uint32Array((await backend.read(out)).slice().buffer).every((v, i) => v === i + 1))
      await backend.run(backend.record({ ...planOf('none', launchOf(program, kernel, out)), launches: [] })).done
      backend.free(out)
    },
  },
  {
    name: 'arguments are checked when a plan is recorded',
    run: async backend => {
      const kernel = step(3, 128)
      const program = await compile(backend, kernel)
      const [x, gone] = [backend.alloc(512, 'x'), backend.alloc(512, 'gone')]
      backend.free(gone)
      const good = launchOf(program, kernel, x)
      const bad: readonly [BoundLaunch, RegExp][] = [
        [{ ...good, args: [] }, /\[plan bad, kernel step_3\] arguments: expected 1, got 0/],
        [{ ...good, kernel: 'nothing' }, /no such kernel/],
        [{ ...good, args: [{ buffer: x, offset: 4, bytes: 8 }] }, /param x\] offset into buffer «x»: expected a multiple of 256, got 4/],
        [{ ...good, args: [{ buffer: x, offset: 256, bytes: 512 }] }, /within its 512 bytes/],
        [{ ...good, args: [viewOf(gone)] }, /«gone» is not of this device, or was freed/],
      ]
      for (const [launch, message] of bad) assert.throws(() => backend.record(planOf('bad', launch)), message)
      assert.throws(() => backend.write(x, new Uint8Array(8), 508), /write to «x»: expected multiples of 4 within its 512 bytes/)
      assert.throws(() => backend.free(gone), /«gone»/)
      backend.free(x)
    },
  },
  {
    name: 'memory that is not there is refused by name',
    run: async backend => {
      const { total, free } = backend.memory()
      assert.ok(total! > 0 && free! > 0 && free! <= total!)
      assert.throws(() => backend.alloc(total! * 4, 'too much'), /\[cuda\] no memory for «too much» on .*: expected \d+ bytes \(.* GB\), got \d+ bytes free/)
      backend.free(backend.alloc(4, 'and goes on'))
    },
  },
]

/** Bytes a second of upload through pinned memory, and microseconds from run to resolved ticket of a small plan. */
export async function measure(backend: CudaBackend): Promise<{ readonly uploadGBs: number; readonly ticketMicroseconds: number; readonly perKernelMicroseconds: number }> {
  const data = bytesOf(noise(64 * 2 ** 20, 12))
  const buffer = backend.alloc(data.byteLength, 'upload')
  backend.write(buffer, data)
  await backend.read(buffer, 0, 4)
  let started = performance.now()
  for (let i = 0; i < 4; i++) backend.write(buffer, data)
  await backend.read(buffer, 0, 4)
  const uploadGBs = (4 * data.byteLength) / (performance.now() - started) / 1e6
  backend.free(buffer)

  const kernel = step(5, 128)
  const program = await compile(backend, kernel)
  const x = backend.alloc(512, 'x')
  const recording = backend.record(planOf('latency', ...Array.from({ length: 200 }, () => launchOf(program, kernel, x))))
  const single = backend.record(planOf('latency', launchOf(program, kernel, x)))
  const median = async (n: number, f: () => Promise<void>): Promise<number> => {
    const times: number[] = []
    for (let i = 0; i < n; i++) {
      started = performance.now()
      await f()
      times.push(performance.now() - started)
    }
    return 1000 * times.sort((a, b) => a - b)[n >> 1]!
  }
  const ticketMicroseconds = await median(200, () => backend.run(single).done)
  const perKernelMicroseconds = (await median(50, () => backend.run(recording, 10).done)) / 2000
  backend.free(x)
  return { uploadGBs, ticketMicroseconds, perKernelMicroseconds }
}
