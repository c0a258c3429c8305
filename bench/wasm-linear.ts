/**
 * Micro-benchmark of the CPU's matrix products: Gweights/s (rows × weights where rows are many) and GB/s of each schedule
 * and choice of knobs, over more weights than caches hold. A figure is the best of several runs, as other work on the
 * machine only ever slows one.
 *
 *     node dist/bench/wasm-linear.js [threads] [types] [rows] [inner] [out] [parts]
 */
import { weight, input } from '../graph/graph.js'
import { fusedLinear, linear } from '../graph/ops/linear.js'
import type { Kernel } from '../codegen/kernel.js'
import { attempt, knobChoices, type Context } from '../codegen/schedule.js'
import { schedules } from '../codegen/schedules/index.js'
import { stateLayout } from '../codegen/state.js'
import { weightLayout } from '../codegen/types/layout.js'
import { wasm } from '../codegen/targets/wasm.js'
import { openWasm } from '../runtime/wasm/backend.js'

const [threads = 1, , rows = 1, inner = 1024, out = 3072, parts = 1] = process.argv.slice(2).map(Number)
const types = (process.argv[3] ?? 'nvfp4').split(',')
const weightsInAll = rows > 1 ? 8 : 24

const backend = await openWasm({ threads })
const state = stateLayout(Math.max(rows, 8), 1, 256)
for (const type of types) {
  const layout = weightLayout(type, out * parts, inner, true)
  const x = input('x', { dtype: 'float', shape: [{ name: 'tokens', max: rows }, inner] })
  const w = weight(['w'], type, [out * parts, inner])
  const node = parts === 1 ? linear(x, w) : fusedLinear({ x, weight: w, epilogue: 'siluMul' })
  const context: Context = {
    caps: backend.caps, state, compute: 'f32', kv: 'f32', layout: () => layout,
    extent: size => (typeof size === 'number' ? size : { dim: 'tokens', min: rows, max: rows }),
  }
  const kernels: Kernel[] = []
  for (const s of schedules.filter(s => s.op === node.op.name && !s.name.endsWith('plain'))) {
    for (const knobs of knobChoices(s)) {
      const made = attempt(s, node, context, knobs)
      if ('reject' in made) continue
      kernels.push({ ...made.steps[0]!.kernel, name: `k${kernels.length}` })
    }
    // The schedule an engine would take, with all its knobs.
    if (kernels.length > 0) break
  }
  const program = await backend.compile(wasm.render(kernels, backend.caps))
  const view = (bytes: number) => ({ buffer: backend.alloc(bytes, 'bench'), offset: 0, bytes })
  const weights = Array.from({ length: weightsInAll }, () => view(layout.bytes))
  for (const v of weights) backend.write(v.buffer, noise(layout.bytes, type))
  const [xs, outs, states] = [view(rows * inner * 4), view(rows * out * 4), view(state.totalWords * 4)]
  backend.write(xs.buffer, new Uint8Array(Float32Array.from({ length: rows * inner }, () => Math.random() - 0.5).buffer))
  backend.write(states.buffer, new Uint8Array(Uint32Array.of(rows, 1).buffer))
  for (const kernel of kernels) {
    const launches = weights.map(v => ({
      program, kernel: kernel.name, tiles: kernel.tiles,
      args: kernel.params.map(p => (p.name.startsWith('weight') ? v : p.name === 'x' ? xs : p.name === 'state' ? states : outs)),
    }))
    const recording = backend.record({ label: 'bench', launches, dims: { tokens: rows, outputs: 1 }, state: { view: states, words: { tokens: 0, outputs: 1 } } })
    await backend.run(recording, 4).done
    const each: number[] = []
    for (let i = 0; i < (rows > 1 ? 20 : 12); i++) each.push(...(await backend.time(recording)).map(t => t.microseconds))
    each.sort((a, b) => a - b)
    const best = each[Math.floor(each.length / 10)]!
    const knobs = Object.entries(kernel.knobs).map(([k, v]) => `${k} ${v}`).join(' ')
    console.log(`${type} ${kernel.schedule} ${knobs}: ${((rows * layout.rows * inner) / best / 1e3).toFixed(2)} Gweights/s, ${(layout.bytes / best / 1e3).toFixed(2)} GB/s`)
  }
}
await backend.close()

/** Bytes that decode to ordinary numbers, scales among them: zeros, subnormals and infinities run at other speeds. */
function noise(bytes: number, type: string): Uint8Array {
  const data = new Uint8Array(bytes)
  for (let i = 0; i < bytes; i++) data[i] = Math.floor(Math.random() * 256)
  // Every second byte of 16-bit types, every fourth of f32, every scale: an exponent near one.
  const layout = weightLayout(type, out * parts, inner, true)
  const codes = layout.scalesAt > 0 ? layout.scalesAt : bytes
  const wide = type === 'f32' ? 4 : type === 'f16' || type === 'bf16' ? 2 : 0
  if (wide) for (let i = wide - 1; i < codes; i += wide) data[i] = type === 'f16' ? 0x38 : 0x3f
  for (let i = codes; i < bytes; i++) data[i] = type === 'nvfp4' ? 0x30 + (data[i]! & 15) : i % 2 ? 0x2c : data[i]!
  return data
}
