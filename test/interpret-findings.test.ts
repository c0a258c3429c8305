/**
 * The interpreter's findings: each planted mistake (a race, a read out of bounds, a divergent barrier, shared memory never written, ...) is
 * named with its kernel, place, threads and statement, and what only looks like one is not.
 */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import type { KernelBuilder, KernelSpec } from '../codegen/builder.js'
import { inspectKernel } from '../codegen/interpret.js'
import type { Finding, FindingKind } from '../codegen/interpret.js'
import type { Kernel } from '../codegen/kernel.js'
import { f32, splat, u32 } from '../codegen/value.js'
import type { Value } from '../codegen/value.js'
import { bound, make } from './support/kernels.js'

/** A kernel with one mistake: what is found, and what its message must say. */
interface Planted {
  readonly what: string
  readonly kind: FindingKind
  readonly says: RegExp
  readonly spec?: Partial<KernelSpec>
  readonly buffers?: Readonly<Record<string, Float32Array | Uint32Array | Uint16Array>>
  readonly subgroupSize?: number
  readonly body: (k: KernelBuilder, tile: Value) => void
}

const planted: readonly Planted[] = [
  {
    what: 'a neighbour read without a barrier', kind: 'race',
    says: /race in kernel test_kernel: thread 1 of tile 0 reads s\[0\] in statement 2 .*thread 0 writes it in statement 1 .*no barrier/,
    body: k => {
      const s = k.shared('s', 'f32', 32)
      s.store(k.local, 1)
      k.param('out', 'f32', 'activation', 'write').store(k.local, s.load(k.local.shr(1)))
    },
  },
  {
    what: 'two threads that write one element', kind: 'race', says: /thread 16 of tile 0 writes out\[0\] .*thread 0 writes it/,
    body: k => k.param('out', 'f32', 'activation', 'write').store(k.local.mod(16), 1),
  },
  {
    what: 'a second turn of a loop that lacks the barrier at its end', kind: 'race', says: /writes s\[\d+\] .*reads it/,
    body: k => {
      const s = k.shared('s', 'f32', 32)
      const out = k.param('out', 'f32', 'activation', 'write')
      const sum = k.var('sum', 'f32', 0)
      k.for({ to: 2 }, i => {
        s.store(k.local, i.convert('f32'))
        k.barrier()
        sum.add(s.load(k.local.xor(1)))
      })
      out.store(k.local, sum.value)
    },
  },
  {
    what: 'tiles that write one element', kind: 'tile conflict', says: /tile 1 writes out\[31\] .*tile 0 writes it .*tiles run in no order/,
    spec: { tiles: [{ dim: null, per: 1, times: 2 }] }, buffers: { out: new Float32Array(64) },
    body: (k, tile) => k.param('out', 'f32', 'activation', 'write').store(tile.mul(31).add(k.local), 1),
  },
  {
    what: 'a tile that reads what another wrote', kind: 'tile conflict', says: /tile 1 reads out\[0\] .*tile 0 writes it/,
    spec: { threads: 1, tiles: [{ dim: null, per: 1, times: 2 }] },
    body: (k, tile) => {
      const out = k.param('out', 'f32', 'activation', 'readwrite')
      out.store(tile, tile.convert('f32').add(out.load(0)))
    },
  },
  {
    what: 'a param past its end', kind: 'out of bounds', says: /thread 31 of tile 0 reads x\[32\], past its 32 elements, in statement 1 `out\[@local\] = x\[@local \+ 1\]`/,
    buffers: { x: new Float32Array(32) },
    body: k => {
      const x = k.param('x', 'f32', 'weight')
      k.param('out', 'f32', 'activation', 'write').store(k.local, x.load(k.local.add(1)))
    },
  },
  {
    what: 'an index below zero', kind: 'out of bounds', says: /thread 0 of tile 0 writes out\[4294967295\]/,
    body: k => k.param('out', 'f32', 'activation', 'write').store(k.local.sub(1), 1),
  },
  {
    what: 'a shared array past its end', kind: 'out of bounds', says: /writes s\[8\], past its 8 elements/,
    body: k => k.shared('s', 'f32x4', 8).store(k.local, splat('f32x4', f32(0))),
  },
  {
    what: 'bytes past the end', kind: 'out of bounds', says: /reads x\[8\], past its 8 elements/, buffers: { x: new Uint32Array(8) },
    body: k => {
      const x = k.param('x', 'u32', 'weight')
      k.param('out', 'u32', 'activation', 'write').store(k.local, x.loadBits(k.local.add(1), 8))
    },
  },
  {
    what: 'a value chosen by select from outside', kind: 'out of bounds', says: /reads x\[16\]/, buffers: { x: new Float32Array(16) },
    body: k => {
      const x = k.param('x', 'f32', 'weight')
      const out = k.param('out', 'f32', 'activation', 'write')
      k.when(k.local.lt(17), () => out.store(k.local, x.load(k.local)))
    },
  },
  {
    what: 'a barrier in divergent flow', kind: 'divergent barrier', says: /thread 0 of tile 0 waits at statement 2 `barrier`, thread 16 has finished/,
    body: k => k.when(k.local.lt(16), () => k.barrier()),
  },
  {
    what: 'a barrier reached in loops of different lengths', kind: 'divergent barrier', says: /thread 1 of tile 0 waits at .*thread 0 has finished/,
    body: k => k.for({ to: k.local }, () => k.barrier()),
  },
  {
    what: 'two barriers for one', kind: 'divergent barrier', says: /thread 0 of tile 0 waits at statement 2 .*thread 16 is at statement 3/,
    body: k => k.when(k.local.lt(16), () => k.barrier(), () => k.barrier()),
  },
  {
    what: 'a subgroup sum in divergent flow', kind: 'divergent subgroup operation', says: /thread 0 of tile 0 waits at statement 2 .*thread 3 has finished/,
    body: k => {
      const out = k.param('out', 'f32', 'activation', 'write')
      k.when(k.lane.lt(3), () => out.store(k.lane, k.call('subgroupAdd', f32(1))))
    },
  },
  {
    what: 'a shuffle beyond the subgroup', kind: 'divergent subgroup operation', says: /lane 0 takes the value of lane 8 of 8/, subgroupSize: 8,
    body: k => {
      const out = k.param('out', 'f32', 'activation', 'write')
      out.store(k.local, k.call('subgroupShuffleXor', k.local.convert('f32'), u32(8)))
    },
  },
  {
    what: 'shared memory that one thread did not write', kind: 'unwritten shared memory',
    says: /thread 31 of tile 0 reads s\[31\] before anything is written there, in statement 4/,
    body: k => {
      const s = k.shared('s', 'f32', 32)
      k.when(k.local.lt(31), () => s.store(k.local, 1))
      k.barrier()
      k.param('out', 'f32', 'activation', 'write').store(k.local, s.load(k.local))
    },
  },
  {
    what: 'shared memory left by the tile before', kind: 'unwritten shared memory', says: /thread 0 of tile 1 reads s\[0\]/,
    spec: { threads: 1, tiles: [{ dim: null, per: 1, times: 2 }] },
    body: (k, tile) => {
      const s = k.shared('s', 'f32', 1)
      k.when(tile.eq(0), () => s.store(0, 1))
      k.param('out', 'f32', 'activation', 'write').store(tile, s.load(0))
    },
  },
  {
    what: 'an index that is not a number', kind: 'bad number', says: /thread 0 of tile 0 converts NaN to an integer in statement 1/,
    buffers: { x: Float32Array.of(NaN) }, spec: { threads: 1 },
    body: k => {
      const x = k.param('x', 'f32', 'weight')
      k.param('out', 'f32', 'activation', 'write').store(x.load(0).convert('u32'), 1)
    },
  },
  {
    what: 'a division by zero', kind: 'bad number', says: /divides by 0/, buffers: { x: new Uint32Array(1) }, spec: { threads: 1 },
    body: k => k.param('out', 'u32', 'activation', 'write').store(0, u32(7).div(k.param('x', 'u32', 'weight').load(0))),
  },
  {
    what: 'a loop that does not advance', kind: 'bad loop', says: /runs a loop that has a step of 0, in statement 1/, buffers: { x: new Uint32Array(1) }, spec: { threads: 1 },
    body: k => {
      const out = k.param('out', 'u32', 'activation', 'write')
      k.for({ to: 4, step: k.param('x', 'u32', 'weight').load(0) }, i => out.store(i, i))
    },
  },
  {
    what: 'a loop past the largest u32', kind: 'bad loop', says: /steps past the largest u32/, buffers: { x: Uint32Array.of(0xffffffff) }, spec: { threads: 1 },
    body: k => {
      const x = k.param('x', 'u32', 'weight')
      const out = k.param('out', 'u32', 'activation', 'write')
      k.for({ from: x.load(0).sub(3), to: x.load(0), step: 2 }, () => out.store(0, 1))
    },
  },
  {
    what: 'lanes that read a matrix tile they stored before a barrier', kind: 'race', says: /thread 0 of tile 0 reads s\[0\] .*subgroup 0 writes it/,
    spec: { subgroupSize: 32 },
    body: k => {
      const s = k.shared('s', 'f32', 256)
      k.matrixStore(s, 0, 16, k.call('matrixZero'))
      k.param('out', 'f32', 'activation', 'write').store(k.local, s.load(k.local))
    },
  },
  {
    what: 'a matrix tile past the end of its array', kind: 'out of bounds', says: /a matrix tile reaches s\[256\], past its 256 elements/,
    spec: { subgroupSize: 32 }, body: k => k.matrixStore(k.shared('s', 'f32', 256), 16, 16, k.call('matrixZero')),
  },
]

function inspect(kernel: Kernel, p: Pick<Planted, 'buffers' | 'subgroupSize'>): readonly Finding[] {
  const given: Record<string, Float32Array | Uint32Array | Uint16Array> = { ...p.buffers }
  for (const param of kernel.params) given[param.name] ??= new Float32Array(64)
  return inspectKernel(kernel, bound(given), { dims: {}, ...(p.subgroupSize === undefined ? {} : { subgroupSize: p.subgroupSize }) })
}

for (const p of planted) {
  test(`found: ${p.what}`, () => {
    const kernel = make(p.spec ?? {}, p.body)
    const findings = inspect(kernel, p)
    assert.ok(findings.length > 0, 'nothing was found')
    assert.equal([...new Set(findings.map(f => f.kind))], [p.kind], findings.map(f => f.message).join('\n'))
    assert.match(findings.map(f => f.message).join('\n'), p.says)
  })
}

test('params over one buffer are seen as one', () => {
  const kernel = make({}, k => {
    const x = k.param('x', 'f32', 'activation')
    const y = k.param('y', 'f32', 'activation')
    k.param('out', 'f32', 'activation', 'write').store(k.local, x.load(k.local).add(y.load(k.local.xor(1))))
  })
  const arena = new ArrayBuffer(512)
  const at = (offset: number) => ({ bytes: arena, offset, length: 128 })
  assert.equal(inspectKernel(kernel, { x: at(0), y: at(256), out: at(0) }, { dims: {} }), [], 'in place is no race')
  const [finding] = inspectKernel(kernel, { x: at(256), y: at(0), out: at(0) }, { dims: {} })
  assert.is(finding?.kind, 'race')
  assert.match(finding!.message, /out\[0\].*reads it|y\[1\].*writes it|y\[0\].*writes it/)
})

test('the right side of && is read only where the left holds', () => {
  const kernel = make({}, k => {
    const x = k.param('x', 'f32', 'weight')
    const out = k.param('out', 'f32', 'activation', 'write')
    k.when(k.local.lt(4).both(x.load(k.local).gt(0)), () => out.store(k.local, 1))
  })
  assert.equal(inspect(kernel, { buffers: { x: new Float32Array(4) } }), [])
})

test.run()
