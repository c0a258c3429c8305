/**
 * The WebGPU backend on every adapter at hand: transfers, recordings and their order, one buffer behind several
 * params, timing, errors in words, and a process that neither ends early nor hangs.
 */
import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { WeftError } from '../graph/error.js'
import type { Kernel } from '../codegen/kernel.js'
import type { Source } from '../codegen/target.js'
import { wgsl } from '../codegen/targets/wgsl.js'
import type { BoundPlan, Program } from '../runtime/backend.js'
import { openWebGpu, whyNoAdapter } from '../runtime/webgpu/open.js'
import type { WebGpuBackend } from '../runtime/webgpu/backend.js'
import { amdCards, roomiest, videoMemory } from '../runtime/webgpu/video-memory.js'
import { splitTiles } from '../runtime/webgpu/recording.js'
import { softwareGpuEnv, testGpus } from './support/software-gpu.js'
import { binary as op, builtin, bytesOf, kernelOf, load, param, planOf, store, thread, u, viewOf, when } from './support/webgpu-kernels.js'

const range = (n: number): number[] => Array.from({ length: n }, (_, k) => k)
const wordsOf = (bytes: Uint8Array): number[] => [...new Uint32Array(bytes.slice().buffer)]

/** x[0] = 2x[0] + 1: its value tells how often and in which order it ran. */
const grow = kernelOf('grow', { threads: 1, params: [param('x', 'u32', 'readwrite')], body: [store('x', u(0), op('+', op('*', load('x', u(0)), u(2)), u(1)))] })
const triple = kernelOf('triple', { threads: 1, params: [param('x', 'u32', 'readwrite')], body: [store('x', u(0), op('*', load('x', u(0)), u(3)))] })
/** out = a + b, all three from one arena. */
const add = kernelOf('add', {
  tiles: [{ dim: 'tokens', per: 64, times: 1 }], params: [param('a', 'u32'), param('b', 'u32'), param('out', 'u32', 'write')],
  body: [store('out', thread(64), op('+', load('a', thread(64)), load('b', thread(64))))],
})
/** Both params are weights, so one buffer may stand behind both. */
const weights = kernelOf('weights', {
  threads: 4, params: [param('v', 'u32x4', 'read', 'weight'), param('w', 'u32', 'read', 'weight'), param('out', 'u32', 'write')],
  body: [when(op('<', builtin('local'), u(4)), store('out', builtin('local'), op('+', load('w', builtin('local')), { kind: 'component', type: 'u32', a: load('v', u(0), 'u32x4'), index: 3 })))],
})
const kernels = [grow, triple, add, weights]

const wrong = (backend: WebGpuBackend, text: string): Source => {
  const source = wgsl.render([grow], backend.caps)
  return { ...source, kernels: [{ ...source.kernels[0]!, name: 'wrong_kernel', text }] }
}
const only = (program: Program, kernel: Kernel, backend: WebGpuBackend, bytes = 256): BoundPlan =>
  planOf(backend, program, [{ kernel, args: kernel.params.map(() => viewOf(backend.alloc(bytes, 'arena'))) }])

interface Failure {
  readonly what: string
  readonly of: (backend: WebGpuBackend, program: Program) => unknown
  readonly says: RegExp
}

const failures: readonly Failure[] = [
  { what: 'a buffer beyond the limit', of: b => b.alloc(2 ** 50, 'huge'), says: /^\[webgpu\] buffer huge is too large for this device: expected at most .* MB, got / },
  { what: 'a size that is none', of: b => b.alloc(-4, 'small'), says: /size of buffer small: expected a whole number of bytes, got -4/ },
  { what: 'a write past the end', of: b => b.write(b.alloc(16, 'short'), new Uint8Array(8), 12), says: /range of buffer short: expected within 16 bytes, got 8 bytes at 12/ },
  { what: 'an unaligned write', of: b => b.write(b.alloc(16, 'odd'), new Uint8Array(4), 2), says: /write to buffer odd: expected place and length in multiples of 4/ },
  { what: 'a read past the end', of: b => b.read(b.alloc(16, 'short'), 8, 16), says: /range of buffer short/ },
  { what: 'a freed buffer', of: b => { const x = b.alloc(16, 'gone'); b.free(x); b.free(x); return b.read(x) }, says: /buffer gone is not of this device, or was freed/ },
  { what: 'a buffer of another device', of: b => b.copy({ label: 'foreign', bytes: 16 }, 0, b.alloc(16, 'own'), 0, 16), says: /buffer foreign is not of this device/ },
  { what: 'too few buffers', of: (b, p) => b.record(planOf(b, p, [{ kernel: add, args: [viewOf(b.alloc(256, 'a'))] }], { tokens: 64 })), says: /^\[test, kernel add\] buffers bound: expected 3, one for each param, got 1/ },
  { what: 'an offset between alignments', of: (b, p) => b.record(planOf(b, p, [{ kernel: grow, args: [viewOf(b.alloc(256, 'arena'), 4)] }])), says: /offset of test, kernel grow: param x in buffer arena: expected a multiple of \d+, got 4/ },
  { what: 'an unknown dim', of: (b, p) => b.record(planOf(b, p, [{ kernel: add, args: range(3).map(() => viewOf(b.alloc(256, 'a'))) }])), says: /kernel add\] number of tiles: .* got NaN/ },
  { what: 'a kernel the program lacks', of: (b, p) => b.record(planOf(b, p, [{ kernel: kernelOf('absent', { params: [], body: [] }), args: [] }])), says: /no kernel absent in the program/ },
  { what: 'a foreign recording', of: b => b.run({ label: 'elsewhere' }), says: /recording elsewhere is of another backend/ },
  { what: 'no runs', of: (b, p) => b.run(b.record(only(p, grow, b)), 0), says: /times to run: expected at least 1, got 0/ },
  { what: 'text that does not parse', of: b => b.compile(wrong(b, 'fn main( {')), says: /^\[kernel wrong_kernel\] does not compile for WebGPU: .*at line 1: fn main\( \{/ },
  { what: 'text that does not type', of: b => b.compile(wrong(b, '@compute @workgroup_size(1)\nfn main() {\n  let x: u32 = 1.5f;\n}')), says: /wrong_kernel\].*at line 3: let x: u32 = 1.5f;/ },
  { what: 'a group that is too large', of: b => b.compile(wrong(b, '@compute @workgroup_size(65536)\nfn main() {}')), says: /^\[kernel wrong_kernel\] does not compile for WebGPU: .*workgroup/i },
  { what: 'text of another target', of: b => b.compile({ ...wrong(b, ''), target: 'cuda' }), says: /device text of another target: expected wgsl, got cuda/ },
]

const thrown = async (act: () => unknown): Promise<unknown> => {
  try {
    await act()
  } catch (e) {
    return e
  }
  return null
}
const says = (e: unknown, pattern: RegExp): void => {
  assert.instance(e, WeftError)
  assert.match((e as WeftError).message, pattern)
  assert.not.match((e as WeftError).message, /\n/)
}

for (const gpu of testGpus()) {
  const test = suite<{ backend: WebGpuBackend; program: Program }>(`backend on ${gpu.name}`)
  test.before(async context => {
    context.backend = await gpu.open()
    context.program = await context.backend.compile(wgsl.render(kernels, context.backend.caps))
  })
  test.after(context => context.backend?.close())

  test('describes itself', ({ backend, program }) => {
    assert.ok(backend.description.length > 0)
    assert.is(backend.software, gpu.name !== 'gpu')
    assert.ok(backend.caps.units >= 1 && backend.caps.maxThreads >= 128 && backend.caps.maxBuffers >= 8)
    assert.equal([...program.kernels], kernels.map(k => k.name))
    assert.is(program.stats.compiled, kernels.length)
  })

  test('knows how much memory is free', ({ backend }) => {
    const { free, total } = backend.memory()
    if (gpu.name === 'gpu' && !/nvidia/i.test(backend.caps.chip)) return console.log(`free memory of ${backend.caps.chip}: ${free ?? 'not told'}`)
    assert.ok(free !== null && total !== null && free > 0 && free <= total && total > 2 ** 28, `${free} of ${total}`)
  })

  test('memory is zeroed, written and read in parts', async ({ backend }) => {
    const x = backend.alloc(1000, 'x')
    assert.ok((await backend.read(x)).every(v => v === 0))
    const data = Uint8Array.from(range(100))
    backend.write(x, data.subarray(4, 24), 12)
    data.fill(255) // may be reused when write returns
    assert.equal([...(await backend.read(x, 9, 10))], [0, 0, 0, 4, 5, 6, 7, 8, 9, 10])
    assert.is((await backend.read(x, 0, 0)).length, 0)
    const parts = await Promise.all(range(10).map(k => backend.read(x, k, 13)))
    const whole = await backend.read(x)
    parts.forEach((part, k) => assert.equal(part, whole.slice(k, k + 13)))
    backend.free(x)
  })

  test('writes and reads larger than a piece', async ({ backend }) => {
    const words = new Uint32Array(10 * 2 ** 20).map((_, k) => Math.imul(k, 2654435761))
    const x = backend.alloc(words.byteLength, 'large')
    backend.write(x, bytesOf(words))
    assert.is(Buffer.compare(await backend.read(x), bytesOf(words)), 0)
    backend.free(x)
  })

  test('copies between and within buffers', async ({ backend }) => {
    const [x, y] = [backend.alloc(64, 'x'), backend.alloc(64, 'y')]
    backend.write(x, bytesOf(Uint32Array.from(range(16))))
    backend.copy(x, 8, y, 16, 12)
    backend.copy(x, 0, x, 32, 8)
    assert.equal(wordsOf(await backend.read(y, 16, 16)), [2, 3, 4, 0])
    assert.equal(wordsOf(await backend.read(x, 32, 12)), [0, 1, 10])
  })

  test('runs in order, many times over', async ({ backend, program }) => {
    const x = backend.alloc(4, 'x')
    const recording = backend.record(planOf(backend, program, [grow, triple, grow].map(kernel => ({ kernel, args: [viewOf(x)] }))))
    const meaning = (times: number, from: number): number => range(times).reduce(v => (Math.imul((v * 2 + 1) >>> 0, 3) * 2 + 1) >>> 0, from)
    await backend.run(recording).done
    assert.equal(wordsOf(await backend.read(x)), [7])
    backend.run(recording, 3)
    backend.run(recording, 700)
    assert.equal(wordsOf(await backend.read(x)), [meaning(704, 0)])
    backend.write(x, bytesOf(Uint32Array.of(5)))
    await backend.run(recording).done
    assert.equal(wordsOf(await backend.read(x)), [meaning(1, 5)])
  })

  test('params that share one buffer', async ({ backend, program }) => {
    const arena = backend.alloc(3 * 1024, 'arena')
    backend.write(arena, bytesOf(Uint32Array.from(range(512))))
    const args = [viewOf(arena, 0, 1024), viewOf(arena, 1024, 1024), viewOf(arena, 2048, 1024)]
    await backend.run(backend.record(planOf(backend, program, [{ kernel: add, args }], { tokens: 200 }))).done
    assert.equal(wordsOf(await backend.read(arena, 2048)), range(256).map(k => 2 * k + 256))
    const [weight, out] = [backend.alloc(16, 'weight'), backend.alloc(16, 'out')]
    backend.write(weight, bytesOf(Uint32Array.of(1, 2, 3, 4)))
    await backend.run(backend.record(planOf(backend, program, [{ kernel: weights, args: [viewOf(weight), viewOf(weight), viewOf(out)] }]))).done
    assert.equal(wordsOf(await backend.read(out)), [5, 6, 7, 8])
  })

  test('launches without tiles, and plans without launches', async ({ backend, program }) => {
    const x = backend.alloc(4, 'x')
    const none = { ...grow, tiles: [{ dim: 'tokens', per: 1, times: 1 }] }
    const recording = backend.record(planOf(backend, program, [{ kernel: none, args: [viewOf(x)] }, { kernel: grow, args: [viewOf(x)] }], { tokens: 0 }))
    await backend.run(recording, 2).done
    assert.equal(wordsOf(await backend.read(x)), [3])
    assert.is((await backend.time(recording)).length, 2)
    await backend.run(backend.record(planOf(backend, program, []))).done
  })

  test('times each launch, and runs it once', async ({ backend, program }) => {
    const x = backend.alloc(4, 'x')
    const recording = backend.record(planOf(backend, program, [grow, triple, grow].map(kernel => ({ kernel, args: [viewOf(x)] }))))
    const timing = await backend.time(recording)
    assert.equal(timing.map(t => t.kernel), ['grow', 'triple', 'grow'])
    assert.ok(timing.every(t => Number.isFinite(t.microseconds) && t.microseconds >= 0 && t.microseconds < 1e7))
    assert.equal(wordsOf(await backend.read(x)), [7])
  })

  for (const failure of failures) {
    test(`says what is wrong: ${failure.what}`, async ({ backend, program }) => {
      says(await thrown(() => failure.of(backend, program)), failure.says)
      await backend.run(backend.record(only(program, grow, backend))).done // and goes on
    })
  }

  test('a run Dawn refuses fails its ticket and all that follows', async () => {
    const backend = await gpu.open()
    const program = await backend.compile(wgsl.render([weights], backend.caps))
    const x = backend.alloc(256, 'both')
    const recording = backend.record(planOf(backend, program, [{ kernel: weights, args: [viewOf(x), viewOf(x), viewOf(x)] }]))
    backend.run(recording) // dropped: must not end the process
    says(await thrown(() => backend.run(recording).done), /^\[webgpu\] .*test: .*both/)
    says(await thrown(() => backend.alloc(4, 'later')), /both/)
    await backend.close()
  })

  test('with and without checks of calls and of indices', async () => {
    for (const options of [{ validated: false, robust: false }, { validated: false }, { robust: true }, { robust: false }]) {
      const backend = await gpu.open(options)
      const program = await backend.compile(wgsl.render([grow], backend.caps))
      const x = backend.alloc(256, 'x')
      await backend.run(backend.record(planOf(backend, program, [{ kernel: grow, args: [viewOf(x)] }])), 5).done
      assert.equal(wordsOf(await backend.read(x, 0, 8)), [31, 0], JSON.stringify(options))
      await backend.close()
    }
  })

  test('closing twice, and using what is closed', async () => {
    const backend = await gpu.open()
    const x = backend.alloc(4, 'x')
    await Promise.all([backend.close(), backend.close()])
    await backend.close()
    for (const act of [() => backend.alloc(4, 'y'), () => backend.read(x), () => backend.write(x, new Uint8Array(4))]) says(await thrown(act), /^\[webgpu\] the device .* was closed/)
  })

  test('a process waits for what it awaits, and ends after close', () => {
    const module = new URL('./support/software-gpu.js', import.meta.url).href
    const code = `const { testGpus } = await import(${JSON.stringify(module)})
      const backend = await testGpus().find(g => g.name === ${JSON.stringify(gpu.name)}).open()
      const x = backend.alloc(4096, 'x')
      await backend.run(backend.record({ label: 'none', launches: [], dims: {}, state: { view: { buffer: x, offset: 0, bytes: 4 }, words: {} } })).done
      console.log('read', (await backend.read(x)).length)
      await backend.close()
      console.log('closed')`
    const child = spawnSync(process.execPath, ['--input-type=module', '-e', code], { encoding: 'utf8', timeout: 60_000, env: { ...process.env, ...(gpu.name === 'gpu' ? {} : softwareGpuEnv(gpu.name)) } })
    assert.is(child.status, 0, child.stderr)
    assert.match(child.stdout, /read 4096\nclosed\n$/)
  })

  if (gpu.name !== 'gpu') {
    test('a software adapter is not taken for a GPU', async () => {
      says(await thrown(() => openWebGpu()), /^\[webgpu\] no GPU, only a software adapter \(.+\)$/)
    })
  }
  test.run()
}

const general = suite('backend without a device')
general('tiles over two dimensions', () => {
  for (const [n, most] of [[1, 65535], [65535, 65535], [65536, 65535], [65537, 65535], [131072, 65535], [196613, 65535], [4294836225, 65535], [7, 2], [9, 3]] as const) {
    const { x, y } = splitTiles(n, most)
    assert.ok(x * y >= n && x <= most, `${n}: ${x} × ${y}`)
  }
  assert.equal(splitTiles(131072, 65535), { x: 32768, y: 4 })
})
general("free memory of AMD's cards, from files of the driver", () => {
  const drm = mkdtempSync(join(tmpdir(), 'weft-drm-'))
  try {
    const files = { 'card0/device/mem_info_vram_total': '8000', 'card0/device/mem_info_vram_used': '7000', 'card1/device/mem_info_vram_total': '16000\n', 'card1/device/mem_info_vram_used': '1000\n',
      'card2/device/vendor': '0x8086', 'card3/device/mem_info_vram_total': 'many', 'card3/device/mem_info_vram_used': '1', 'card1-DP-1/device/mem_info_vram_total': '99999' }
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(join(drm, path)), { recursive: true })
      writeFileSync(join(drm, path), text)
    }
    assert.equal(amdCards(drm), [{ free: 1000, total: 8000 }, { free: 15000, total: 16000 }])
    assert.equal(roomiest(amdCards(drm)), { free: 15000, total: 16000 })
    assert.equal(amdCards(join(drm, 'absent')), [])
    assert.equal(roomiest([]), { free: null, total: null })
  } finally {
    rmSync(drm, { recursive: true })
  }
})
general('free memory that no driver tells is unknown, not an error', async () => {
  for (const vendor of ['intel', 'apple', 'nvidia']) assert.equal((await videoMemory({ vendor, device: 'no-such-card' }))(), { free: null, total: null })
})
general('what is missing for an adapter', () => {
  assert.match(whyNoAdapter('darwin', {}), /no graphics driver offers one/)
  assert.match(whyNoAdapter('linux', { VK_DRIVER_FILES: '/nowhere.json' }), /^no Vulkan driver: VK_DRIVER_FILES names no file that exists \(\/nowhere.json\)$/)
})
general.run()
