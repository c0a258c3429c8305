/** What the driver walks: launch records with their argument records, as `shaders/wasm.ts` lays them out, in one block. */
import { check } from '../../graph/error.js'
import { launchRecord } from '../../shaders/wasm.js'
import type { BoundPlan, BufferView, Program, Recording } from '../backend.js'
import type { Param } from '../../codegen/kernel.js'
import type { Segment } from './worker.js'

export class WasmProgram implements Program {
  readonly kernels: ReadonlySet<string>
  /** Number in the driver's switch, and params, by kernel. */
  readonly index: ReadonlyMap<string, { readonly number: number; readonly params: readonly Param[] }>

  constructor(readonly id: number, kernels: readonly { readonly name: string; readonly params: readonly Param[] }[], readonly stats: Program['stats']) {
    this.index = new Map(kernels.map((k, number) => [k.name, { number, params: k.params }]))
    this.kernels = new Set(this.index.keys())
  }
}

export class WasmRecording implements Recording {
  constructor(
    readonly label: string,
    readonly launches: number,
    readonly names: readonly string[],
    readonly state: number,
    readonly segments: readonly Segment[],
  ) {}
}

/** Words of a plan's records, given the address they will stand at, and the segments of the plan. */
export function encode(plan: BoundPlan, at: number, addressOf: (v: BufferView, what: string) => number): { readonly words: Uint32Array; readonly segments: readonly Segment[] } {
  const argsAt = plan.launches.length * launchRecord.bytes
  const words = new Uint32Array(recordBytes(plan) / 4)
  const segments: Segment[] = []
  let nextArgs = argsAt
  plan.launches.forEach((launch, n) => {
    const where = `kernel ${launch.kernel}`
    const { program } = launch
    check(program instanceof WasmProgram, where, 'its program was compiled by another backend')
    const known = program.index.get(launch.kernel)
    check(known !== undefined, where, 'is not in its program', [...program.kernels].join(', '))
    check(known.params.length === launch.args.length, where, 'arguments', String(known.params.length), String(launch.args.length))
    check(launch.tiles.length <= launchRecord.maxFactors, where, 'tile factors', `at most ${launchRecord.maxFactors}`, String(launch.tiles.length))
    const record = (n * launchRecord.bytes) / 4
    words[record + launchRecord.kernel / 4] = known.number
    words[record + launchRecord.args / 4] = at + nextArgs
    words[record + launchRecord.factors / 4] = launch.tiles.length
    launch.tiles.forEach((f, i) => {
      const word = f.dim === null ? -1 : plan.state.words[f.dim]
      check(word !== undefined, where, `dim ${f.dim} has no word in the state buffer`)
      words.set([word, f.per, f.times, f.dim === null ? 1 : (plan.dims[f.dim] ?? 0xffffffff)], record + (launchRecord.first + i * launchRecord.factorBytes) / 4)
    })
    launch.args.forEach((view, i) => {
      words[nextArgs / 4 + i] = addressOf(view, `param ${known.params[i]!.name} of kernel ${launch.kernel}`)
    })
    nextArgs += argBytes(launch.args.length)
    const last = segments.at(-1)
    if (last?.module === program.id) segments[segments.length - 1] = { module: program.id, to: n + 1 }
    else segments.push({ module: program.id, to: n + 1 })
  })
  return { words, segments }
}

const argBytes = (count: number): number => Math.ceil((count * 4) / 16) * 16

export function recordBytes(plan: BoundPlan): number {
  return plan.launches.reduce((n, l) => n + launchRecord.bytes + argBytes(l.args.length), 0)
}
