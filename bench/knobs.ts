/**
 * What a schedule's knobs are worth on a device: times every legal choice for the matrix products of a model's shape,
 * over random weights in several copies, so that no cache holds them. Prints µs, GB/s and TFLOP/s, best first.
 *
 *     node dist/bench/knobs.js --device cuda --shape 4b --type nvfp4 --rows 1
 */
import { parseArgs } from 'node:util'
import { amountOf } from '../codegen/kernel.js'
import { attempt, knobChoices, type Context, type Schedule } from '../codegen/schedule.js'
import { schedules } from '../codegen/schedules/index.js'
import { stateLayout } from '../codegen/state.js'
import { targets } from '../codegen/compile.js'
import { weightLayout } from '../codegen/types/layout.js'
import { openDevice } from '../engine/device.js'
import { input, weight } from '../graph/graph.js'
import { fusedLinear } from '../graph/ops/linear.js'
import { floats } from '../graph/tensor.js'
import type { Node } from '../graph/op.js'
import type { BufferView, DeviceBuffer } from '../runtime/backend.js'
import type { DeviceName } from '../engine/types.js'

const shapes: Readonly<Record<string, readonly (readonly [string, number, number, 'none' | 'siluMul'])[]>> = {
  '4b': [['qkv', 6144, 2560, 'none'], ['o', 2560, 4096, 'none'], ['gateUp', 19456, 2560, 'siluMul'], ['down', 2560, 9728, 'none'], ['head', 151936, 2560, 'none']],
  '0.6b': [['qkv', 4096, 1024, 'none'], ['o', 1024, 2048, 'none'], ['gateUp', 6144, 1024, 'siluMul'], ['down', 1024, 3072, 'none'], ['head', 151936, 1024, 'none']],
}

const { values: options } = parseArgs({
  options: {
    device: { type: 'string', default: 'wasm' }, shape: { type: 'string', default: '0.6b' }, type: { type: 'string', default: 'nvfp4' },
    rows: { type: 'string', default: '1' }, only: { type: 'string' }, schedule: { type: 'string' }, compute: { type: 'string' }, best: { type: 'string', default: '6' },
  },
})

const rows = Number(options.rows)
const backend = await openDevice({ device: options.device as DeviceName })
const compute = (options.compute ?? (backend.caps.f16 && !backend.caps.simd ? 'f16' : 'f32')) as 'f32' | 'f16'
const state = stateLayout(Math.max(rows, 8), 1, 4096)
const context: Context = {
  caps: backend.caps, state, compute, kv: 'f32',
  extent: size => (typeof size === 'number' ? size : { dim: 'tokens', min: rows, max: rows }),
  layout: n => weightLayout(n.attributes['type'] as string, n.type.shape[0] as number, (n.type.shape[1] as number | undefined) ?? 1, backend.caps.simd),
}

/** More than any cache holds, as far as the copies go. */
const coldBytes = backend.caps.simd ? 2 ** 28 : 2 ** 28
const random = (bytes: number): Uint8Array => {
  const data = new Uint8Array(bytes)
  let seed = 1
  for (let i = 0; i < bytes; i++) data[i] = (seed = (Math.imul(seed, 1103515245) + 12345) >>> 0) >>> 24 & 0x77
  return data
}
const whole = (buffer: DeviceBuffer): BufferView => ({ buffer, offset: 0, bytes: buffer.bytes })

for (const [name, out, inner, epilogue] of shapes[options.shape]!) {
  if (options.only && options.only !== name) continue
  const x = input('x', floats({ name: 'tokens', max: rows }, inner))
  const w = weight(['w'], options.type, [out, inner])
  const norm = rows <= 8 && !backend.caps.simd && (name === 'qkv' || name === 'gateUp') ? weight(['n'], 'f32', [inner]) : null
  const residual = name === 'o' || name === 'down' ? input('residual', floats({ name: 'tokens', max: rows }, out)) : null
  const node: Node = fusedLinear({ x, weight: w, norm, residual, eps: 1e-6, epilogue })
  const layout = context.layout(w)
  const copies = Math.max(2, Math.min(32, Math.ceil(coldBytes / layout.bytes)))
  const bytes = random(Math.min(layout.bytes, 2 ** 24))
  const weights = Array.from({ length: copies }, (_, i) => {
    const buffer = backend.alloc(layout.bytes, `${name} ${i}`)
    for (let at = 0; at < layout.bytes; at += bytes.length) backend.write(buffer, bytes.subarray(0, Math.min(bytes.length, layout.bytes - at)), at)
    return buffer
  })
  const activations = [inner, inner, out, out].map((width, i) => {
    const buffer = backend.alloc(rows * width * 4, `activation ${i}`)
    backend.write(buffer, new Uint8Array(Float32Array.from({ length: rows * width }, (_, n) => Math.sin(n)).buffer))
    return buffer
  })
  const states = backend.alloc(state.totalWords * 4, 'state')
  backend.write(states, new Uint8Array(Uint32Array.of(rows, rows).buffer))
  const results: { readonly text: string; readonly us: number }[] = []
  const candidates = schedules.filter((s: Schedule) => s.op === 'fusedLinear' && !s.name.endsWith('plain') && (!options.schedule || s.name.endsWith(options.schedule)))
  const made = candidates.flatMap(s => [...knobChoices(s)].flatMap(knobs => {
    const lowered = attempt(s, node, context, knobs)
    return 'reject' in lowered ? [] : [{ s, knobs, kernel: lowered.steps[0]!.kernel }]
  }))
  const named = made.map((m, i) => ({ ...m.kernel, name: `k${i}` }))
  const program = named.length ? await backend.compile(targets[backend.caps.target].render(named, backend.caps)) : null
  for (const [i, { s, knobs }] of made.entries()) {
    const kernel = named[i]!
    const launches = weights.map(wb => ({
      program: program!, kernel: kernel.name, tiles: kernel.tiles,
      args: kernel.params.map(p => whole(p.name.startsWith('weight') ? wb : p.name === 'state' ? states : activations[['x', 'norm', 'residual', 'out'].indexOf(p.name)]!)),
    }))
    const recording = backend.record({ label: name, launches, dims: { tokens: rows, outputs: rows }, state: { view: whole(states), words: state.words } })
    await backend.run(recording, 1).done
    const times = 5
    const from = performance.now()
    await backend.run(recording, times).done
    const us = ((performance.now() - from) * 1000) / (times * copies)
    const gbps = amountOf(kernel.cost.bytes, { tokens: rows }) / us / 1e3
    const tflops = amountOf(kernel.cost.flops, { tokens: rows }) / us / 1e6
    results.push({ us, text: `${name.padEnd(7)} ${s.name.padEnd(20)} ${JSON.stringify(knobs).padEnd(60)} ${us.toFixed(1).padStart(9)} µs ${gbps.toFixed(0).padStart(6)} GB/s ${tflops.toFixed(2).padStart(7)} TFLOP/s` })
  }
  results.sort((a, b) => a.us - b.us).slice(0, Number(options.best)).forEach(r => console.log(r.text))
  for (const b of [...weights, ...activations, states]) backend.free(b)
}
await backend.close()
