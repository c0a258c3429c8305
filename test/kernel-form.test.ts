/**
 * The parts of the kernel form that fast paths are built on, on the interpreter and on WebAssembly: asynchronous copies,
 * boxes, shared arrays over each other, clusters, deeper pipelines, resident grids, and plans as loops over records of
 * arguments. Mistakes with copies in flight are planted and must be named.
 */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { KernelBuilder } from '../codegen/builder.js'
import { inspectKernel, interpret, type FindingKind } from '../codegen/interpret.js'
import { sharedBytes, type Kernel } from '../codegen/kernel.js'
import { loopsOf } from '../codegen/loops.js'
import type { Launch } from '../codegen/plan.js'
import { resident } from '../codegen/resident.js'
import { stateLayout } from '../codegen/state.js'
import { cuda } from '../codegen/targets/cuda.js'
import { wasm } from '../codegen/targets/wasm.js'
import { u32, Value } from '../codegen/value.js'
import { verify } from '../codegen/verify.js'
import { openWasm } from '../runtime/wasm/backend.js'
import { boxes, clustered, halves, pipelined, pooled, ring, type CopyCase } from './support/copy-kernels.js'
import { make, onlineSoftmax, tiledProduct, treeReduction } from './support/kernels.js'
import { runOn } from './support/wasm-kernels.js'
import { cudaProfiles } from './support/chips.js'

const bytes = (a: ArrayBufferView): Uint8Array => new Uint8Array(a.buffer, a.byteOffset, a.byteLength).slice()
const floats = (b: Uint8Array): readonly number[] => [...new Float32Array(b.slice().buffer)]

function interpreted({ kernel, inputs }: CopyCase, mode: 'checked' | 'fast'): readonly number[] {
  verify(kernel)
  const buffers = Object.fromEntries(Object.entries(inputs).map(([name, a]) => [name, { bytes: bytes(a) }]))
  interpret(kernel, buffers, { dims: {}, mode })
  return floats(buffers['out']!.bytes)
}

const onGroups: readonly CopyCase[] = [
  ring(64, 9, 3, 'f32x4'), ring(64, 2, 4, 'f32'), halves(64), boxes('f32'), boxes('f32x4'), pooled(64), clustered(2), clustered(4),
  ...[1, 2, 3, 4].map(stages => pipelined(64, stages)),
]
for (const c of onGroups) {
  for (const mode of ['checked', 'fast'] as const) {
    test(`${c.kernel.schedule}, interpreted ${mode}`, () => assert.equal(interpreted(c, mode), [...c.want]))
  }
}

const onOne: readonly CopyCase[] = [ring(1, 9, 3, 'f32x4'), ring(1, 5, 2, 'f32'), halves(1), pooled(1), ...[1, 2, 3, 4].map(stages => pipelined(1, stages))]
test('one thread a group, on WebAssembly', async () => {
  const backend = await openWasm({ threads: 1 })
  try {
    const program = await backend.compile(wasm.render(onOne.map(c => c.kernel), backend.caps))
    for (const c of onOne) assert.equal(floats(await runOn(backend, program, c.kernel, c.inputs, 'out')), [...c.want], c.kernel.schedule)
  } finally {
    await backend.close()
  }
})

test('arrays that share a place take their memory once', () => {
  assert.is(sharedBytes(pooled(64).kernel), 2 * 256 * 4)
  assert.is(sharedBytes(ring(64, 9, 3, 'f32x4').kernel), 3 * 64 * 16)
})

interface Planted {
  readonly what: string
  readonly kind: FindingKind
  readonly says: RegExp
  readonly body: (k: KernelBuilder) => void
}
const from = (k: KernelBuilder) => k.param('x', 'f32', 'activation')
const into = (k: KernelBuilder) => k.param('out', 'f32', 'activation', 'write')
const map = { rows: 8, cols: 8, boxRows: 8, boxCols: 8 }
const planted: readonly Planted[] = [
  {
    what: 'a read of what is still being copied', kind: 'race', says: /thread 0 of tile 0 reads s\[0\] .*where a copy is under way that statement 1/,
    body: k => {
      const s = k.shared('s', 'f32', 32)
      s.copy(k.local, from(k), k.local)
      k.copyCommit()
      into(k).store(k.local, s.load(k.local))
      k.copyWait(0)
    },
  },
  {
    what: 'a read of another thread\'s copy without a barrier', kind: 'race', says: /thread 1 of tile 0 reads s\[0\] .*thread 0 writes it in statement 1/,
    body: k => {
      const s = k.shared('s', 'f32', 32)
      s.copy(k.local, from(k), k.local)
      k.copyCommit()
      k.copyWait(0)
      into(k).store(k.local, s.load(k.local.and(30)))
    },
  },
  {
    what: 'a wait that lets the batch wanted stay under way', kind: 'race', says: /where a copy is under way/,
    body: k => {
      const s = k.shared('s', 'f32', 32)
      s.copy(k.local, from(k), k.local)
      k.copyCommit()
      k.copyWait(1)
      k.barrier()
      into(k).store(k.local, s.load(k.local))
      k.copyWait(0)
    },
  },
  {
    what: 'a copy that nobody waits for', kind: 'unfinished copy', says: /tile 0 ends while a copy to s is under way/,
    body: k => k.shared('s', 'f32', 32).copy(k.local, from(k), k.local),
  },
  {
    what: 'a copy from beyond the param', kind: 'out of bounds', says: /thread 0 of tile 0 reads x\[64\], past its 64 elements/,
    body: k => {
      k.shared('s', 'f32', 32).copy(k.local, from(k), k.local.add(64))
      k.copyCommit()
      k.copyWait(0)
    },
  },
  {
    what: 'halves copied to an odd place', kind: 'out of bounds', says: /a copy begins at s\[4\], which is no multiple of 8/,
    body: k => {
      k.shared('s', 'f16', 264).copy(k.local.mul(8).add(4), k.param('x', 'u32x4', 'cache'), k.local.mod(16))
      k.copyCommit()
      k.copyWait(0)
    },
  },
  {
    what: 'a box read before it landed', kind: 'race', says: /where a copy is under way/,
    body: k => {
      const [x, s, a] = [k.tensor('x', 'f32', 'weight', map), k.shared('s', 'f32', 64), k.arrivals(1)]
      x.copy(0, s, 0, 0, 0)
      a.commit(0)
      k.barrier()
      into(k).store(k.local, s.load(k.local))
      a.wait(0, 0)
    },
  },
  {
    what: 'a wait for a phase nobody closed', kind: 'endless wait', says: /waits for a phase of arrival 0 that nobody has closed/,
    body: k => k.arrivals(1).wait(0, 0),
  },
  {
    what: 'a box at an odd place', kind: 'out of bounds', says: /a bulk copy begins at s\[4\], byte 16, which is no multiple of 128/,
    body: k => {
      const [x, s, a] = [k.tensor('x', 'f32', 'weight', map), k.shared('s', 'f32', 96), k.arrivals(1)]
      x.copy(0, s, 4, 0, 0)
      a.commit(0)
      a.wait(0, 0)
    },
  },
  {
    what: 'a stage that overwrites what another still reads', kind: 'race', says: /b\[0\].*reads it|a\[\d+\].*writes it/,
    body: k => {
      const [a, b] = [k.shared('a', 'f32', 32, 0), k.shared('b', 'u32', 32, 0)]
      a.store(k.local, 1)
      k.barrier()
      into(k).store(k.local, a.load(k.local.xor(1)))
      b.store(k.local, 2)
    },
  },
]
for (const p of planted) {
  test(`found: ${p.what}`, () => {
    const kernel = make({}, p.body)
    const buffers = Object.fromEntries(kernel.params.map(param => [param.name, { bytes: new ArrayBuffer(256) }]))
    const findings = inspectKernel(kernel, buffers, { dims: {} })
    assert.equal([...new Set(findings.map(f => f.kind))], [p.kind], findings.map(f => f.message).join('\n'))
    assert.match(findings.map(f => f.message).join('\n'), p.says)
  })
}

const loadOf = (param: string): Value => new Value({ kind: 'load', type: 'f32', param, index: u32(0).expr })
const refused: readonly (readonly [string, (k: KernelBuilder) => void, RegExp])[] = [
  ['a copy between element types', k => k.shared('s', 'f16x4', 32).copy(0, from(k), 0), /copy from x of f32 to s of f16x4: expected one element type/],
  ['a copy of halves', k => k.shared('s', 'f16', 32).copy(0, k.param('x', 'f16', 'weight'), 0), /of at least 4 bytes/],
  ['a load from a tensor map', k => { k.tensor('x', 'f32', 'weight', map); k.let('v', loadOf('x')) }, /param x is a tensor map: expected bulk copies only/],
  ['a box of half a line', k => void k.tensor('x', 'f32', 'weight', { ...map, boxCols: 2 }), /rows of the tensor map x: expected multiples of 16 bytes/],
  ['a box too tall', k => void k.tensor('x', 'f32', 'weight', { ...map, boxRows: 257 }), /at most 256 scalars a side/],
  ['a box that lanes place', k => k.tensor('x', 'f32', 'weight', map).copy((k.arrivals(1), 0), k.shared('s', 'f32', 64), 0, k.local, 0), /a bulk copy with an operand that varies, so in divergent flow/],
  ['a box in divergent flow', k => k.when(k.local.eq(0), () => k.arrivals(1).commit(0)), /a commit of bulk copies in divergent flow/],
  ['an arrival that is not there', k => k.arrivals(1).wait(1, 0), /arrival: expected one of 1, got 1/],
  ['an array at an odd byte', k => k.shared('s', 'f32', 4, 16).store(0, 1), /place of shared array s: expected a multiple of 128 bytes, got 16/],
]
for (const [what, body, says] of refused) test(`refused: ${what}`, () => assert.throws(() => verify(make({}, body)), says))

test('targets without them refuse bulk copies and clusters', () => {
  assert.throws(() => cuda.render([boxes('f32').kernel], cudaProfiles.sm_80), /bulk copies on NVIDIA A100: expected a chip of sm_90 or later, got sm_80/)
  assert.throws(() => cuda.render([clustered(2).kernel], cudaProfiles.sm_80), /groups of a cluster on NVIDIA A100: expected at most 1, got 2/)
  const single = { ...boxes('f32').kernel, threads: 1 }
  assert.throws(() => wasm.render([single], { ...cudaProfiles.sm_80, target: 'wasm' }), /the wasm target has no bulk copies/)
})

const walks: readonly (readonly [string, Kernel, Readonly<Record<string, Float32Array>>])[] = [
  ['a tree reduction', treeReduction(5, 300, 64), { x: Float32Array.from({ length: 1500 }, (_, i) => i % 97) }],
  ['a tiled product', tiledProduct(40, 35, 50), { a: Float32Array.from({ length: 2000 }, (_, i) => i % 7), b: Float32Array.from({ length: 1750 }, (_, i) => i % 5) }],
  ['an online softmax', onlineSoftmax(3, 200, 64), { x: Float32Array.from({ length: 600 }, (_, i) => (i % 31) / 7) }],
]
for (const [what, kernel, inputs] of walks) {
  test(`${what} over a resident grid`, () => {
    const state = stateLayout(8, 1, 256)
    const run = (k: Kernel): readonly number[] => {
      verify(k)
      const buffers = Object.fromEntries([...Object.entries(inputs).map(([n, a]) => [n, { bytes: bytes(a) }]), ['out', { bytes: new Uint8Array(16384) }]]) as Record<string, { bytes: Uint8Array }>
      interpret(k, buffers, { dims: {} })
      return floats(buffers['out']!.bytes)
    }
    for (const groups of [1, 2, 7]) assert.equal(run(resident(kernel, groups, state)), run(kernel), `${groups} groups`)
  })
}

test('a resident grid follows the live dims', () => {
  const state = stateLayout(8, 1, 256)
  const kernel = make({ threads: 1, tiles: [{ dim: 'tokens', per: 2, times: 3 }] }, (k, tile) => k.param('out', 'u32', 'activation', 'write').store(tile, tile.add(1)))
  const words = new Uint32Array(state.totalWords)
  words[state.words.tokens] = 5
  const out = new Uint32Array(12)
  interpret(resident(kernel, 4, state), { out: { bytes: out.buffer }, state: { bytes: words.buffer } }, { dims: {} })
  assert.equal([...out], [1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 0, 0])
  assert.throws(() => resident(clustered(2).kernel, 4, state), /a resident grid of clusters/)
})

test('repeated launches are loops', () => {
  const kernels = new Map([...'eabch'].map(name => [name, { name } as Kernel]))
  const launches = (text: string): readonly Launch[] => [...text].map(name => ({ kernel: kernels.get(name)! }) as Launch)
  assert.equal(loopsOf(launches('eabcabcabch')), [{ first: 0, length: 1, times: 1 }, { first: 1, length: 3, times: 3 }, { first: 10, length: 1, times: 1 }])
  assert.equal(loopsOf(launches('eabab')), [{ first: 0, length: 1, times: 1 }, { first: 1, length: 2, times: 2 }])
  assert.equal(loopsOf(launches('eahb')), [{ first: 0, length: 4, times: 1 }])
  assert.equal(loopsOf(launches('aaaa')), [{ first: 0, length: 1, times: 4 }])
  assert.equal(loopsOf([]), [])
})

test.run()
