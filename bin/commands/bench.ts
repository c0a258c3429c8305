/**
 * `weft bench`: how fast a model is on a device, where its time goes kernel by kernel, what the device reaches at most, and how
 * two results or two programs compare. Measuring is in `bench/`; here options become what is measured.
 */
import type { Roof } from '../../codegen/roof.js'
import type { LoadOptions } from '../../engine/types.js'
import { loadProfiled, type ProfiledModel } from '../../engine/profile.js'
import { measureRoof, roofOf } from '../../engine/roof.js'
import { openDevice } from '../../engine/device.js'
import { WeftError } from '../../graph/error.js'
import { openLlamaBench } from '../../bench/against.js'
import { compareFiles, showComparison, slower } from '../../bench/compare.js'
import { kernelsOf, type PlanProfile } from '../../bench/kernels.js'
import { describeMachine } from '../../bench/machine.js'
import { formats, machineLines, render, type Report } from '../../bench/report.js'
import { speedsOf, weightsOf, type SpeedRow } from '../../bench/speeds.js'
import { randomModel, randomTypes } from '../../weights/random.js'
import { shapeNames } from '../../graph/models/shapes.js'
import type { ModelSource } from '../../weights/model.js'
import { defineCommand, wrongOption } from '../command.js'
import { writeTextFile } from '../input.js'
import { modelName, withSoftwareGpu } from '../load.js'
import { given, integer, loadOptions, loadOptionsOf, modelOption } from '../options.js'
import { note } from '../terminal.js'

const subjects = ['model', 'kernels', 'roof'] as const
const list = { type: 'string', requiresArg: true } as const

/** Options that say which model is measured, shared with `weft tune`. */
export const shapeOptions = {
  ...modelOption,
  shape: { type: 'string', requiresArg: true, describe: `Random weights in the shape of a model instead: ${shapeNames.join(', ')}` },
  weights: { type: 'string', requiresArg: true, default: 'nvfp4', describe: `Their type: ${randomTypes.join(', ')}` },
} as const

export const benchCommand = defineCommand({
  positionals: { what: { choices: subjects, default: 'model', describe: 'The model end to end, its kernels one by one, or the device\'s measured roof' } },
  options: {
    ...shapeOptions,
    ...loadOptions,
    prompt: { ...list, alias: 'p', default: '512,2048', describe: 'Lengths of prompts to prefill, with commas; 0 for none' },
    decode: { ...list, alias: 'n', default: '128', describe: 'Numbers of tokens to decode; 0 for none' },
    depth: { ...list, alias: 'd', default: '0', describe: 'Positions already in the cache' },
    runs: { type: 'number', requiresArg: true, alias: 'r', default: 3, describe: 'Measured runs of each test' },
    warmup: { type: 'number', requiresArg: true, default: 1, describe: 'Runs of each test before those' },
    batch: { type: 'number', requiresArg: true, alias: 'b', describe: 'Rows of a prompt computed together', defaultDescription: '2048, on a processor 256' },
    format: { choices: formats, requiresArg: true, default: 'table', describe: 'html is one file with charts, of the model and its kernels' },
    out: { type: 'string', requiresArg: true, describe: 'Write to this file instead of standard output' },
    op: { type: 'string', requiresArg: true, describe: 'Only kernels of this op (fusedLinear, attention, …)' },
    untuned: { type: 'boolean', default: false, describe: 'Leave out what weft tune found on this device' },
    against: { choices: ['llama.cpp'], requiresArg: true, describe: 'Run another program on the same shapes, test by test in turn; with --shape' },
    'llama-bench': { type: 'string', requiresArg: true, describe: 'With --against llama.cpp: its program llama-bench' },
    'peer-version': { type: 'string', requiresArg: true, describe: 'With --against: the version to name in results', defaultDescription: 'what the program says' },
    compare: { type: 'string', nargs: 2, describe: 'Compare two files that --format json wrote: before, after' },
    'fail-above': { type: 'string', requiresArg: true, describe: 'With --compare: end with code 1 where a row became slower by more than this (5%)' },
  },
  async run(argv) {
    if (argv.compare !== undefined) return compare(argv.compare as unknown as readonly string[], argv['fail-above'])
    if (argv['fail-above'] !== undefined) throw wrongOption('--fail-above', 'given without --compare')
    const counts = { prompts: positive('--prompt', argv.prompt), decodes: positive('--decode', argv.decode), depths: integers('--depth', argv.depth) }
    const runs = integer('--runs', argv.runs, 1, 10_000)!
    const warmup = integer('--warmup', argv.warmup, 0, 10_000)!
    const needed = Math.max(0, ...counts.depths) + Math.max(0, ...counts.prompts, ...counts.decodes.map(n => n + 2)) + 2
    const own = loadOptionsOf(argv)
    const options = given<LoadOptions>({ ...own, context: own.context ?? (needed > 32768 ? needed : undefined), chunk: integer('--batch', argv.batch, 1, 65536), tuned: argv.untuned ? false : undefined })
    if (argv.what === 'roof') return showRoof(options)
    const [speeds, kernels] = argv.format === 'html' ? [argv.what === 'model', true] : [argv.what === 'model', argv.what === 'kernels']
    const peerProgram = againstOf(argv, speeds)
    const source = sourceOf(argv.shape, argv.weights, argv.model)
    const { loaded, roof } = await loadForBench(source, options)
    const { simd, units } = loaded.backend.caps
    const peer = peerProgram === null ? null : openLlamaBench({ program: peerProgram, version: argv['peer-version'] ?? null, shape: argv.shape!, weights: argv.weights, runs, threads: simd ? units : null })
    try {
      const name = argv.shape ?? modelName(argv.model)
      const rows: SpeedRow[] = []
      if (speeds) {
        for await (const row of speedsOf(loaded.model, name, roof, { ...counts, runs, warmup })) {
          note(`${row.test} ${row.tokens} at ${row.depth}: ${row.mean.toPrecision(4)} tokens/s`)
          rows.push(peer === null ? row : { ...row, peer: await peer.measure(row) })
        }
      }
      const found = kernels ? await kernelsOf(loaded, roof, { prompt: counts.prompts.length > 0 ? Math.max(...counts.prompts) : null, decode: counts.decodes.length > 0, depth: counts.depths[0]!, runs }) : []
      const report: Report = {
        machine: describeMachine(loaded.backend, roof), model: name, weights: weightsOf(loaded.model), compute: loaded.model.compute, rows,
        kernels: onlyOp(found, argv.op),
      }
      const text = argv.format === 'html' ? await (await import('../../bench/html.js')).htmlReport(report) : render(report, argv.format, argv.what === 'kernels' ? 'kernels' : 'speeds')
      if (argv.out === undefined) process.stdout.write(text)
      else {
        writeTextFile(argv.out, text)
        note(`written to ${argv.out}`)
      }
      return 0
    } finally {
      peer?.close()
      await loaded.model.close()
    }
  },
})

/** The peer's program, or null where none was asked for. Throws a WeftError with exit code 2. */
function againstOf(argv: { readonly against?: string | undefined; readonly 'llama-bench'?: string | undefined; readonly 'peer-version'?: string | undefined; readonly shape?: string | undefined }, speeds: boolean): string | null {
  if (argv.against === undefined) {
    for (const option of ['llama-bench', 'peer-version'] as const) if (argv[option] !== undefined) throw wrongOption(`--${option}`, 'given without --against')
    return null
  }
  if (argv['llama-bench'] === undefined) throw wrongOption('--against', 'its program is not known', '--llama-bench PATH')
  if (argv.shape === undefined) throw wrongOption('--against', 'given without --shape', 'a shape that both run on')
  if (!speeds) throw wrongOption('--against', 'the peer has no kernels to show', 'weft bench model')
  return argv['llama-bench']
}

/** A model of random weights, a path, or null for the built-in model. */
export function sourceOf(shape: string | undefined, weights: string, model: string | undefined): ModelSource | string | null {
  if (shape === undefined) return model ?? null
  if (model !== undefined) throw wrongOption('--shape', 'given together with --model', 'one of the two')
  return randomModel(shape, weights)
}

/** Loads a model with its launches under watch, after the device's roof was measured. */
async function loadForBench(source: ModelSource | string | null, options: LoadOptions): Promise<{ readonly loaded: ProfiledModel; readonly roof: Roof }> {
  let roof: Roof | undefined
  const loaded = await loadProfiled(source, { ...(await withSoftwareGpu(options)), onNotice: note }, async backend => {
    roof = await roofOf(backend, true)
  })
  return { loaded, roof: roof! }
}

function onlyOp(profiles: readonly PlanProfile[], op: string | undefined): readonly PlanProfile[] {
  if (op === undefined) return profiles
  const ops = [...new Set(profiles.flatMap(p => p.rows.map(r => r.op)))]
  if (profiles.length > 0 && !ops.includes(op)) throw wrongOption('--op', 'no kernel of this op', ops.join(', '), op)
  return profiles.map(p => ({ ...p, rows: p.rows.filter(r => r.op === op) }))
}

async function showRoof(options: LoadOptions): Promise<number> {
  const backend = await openDevice({ ...(await withSoftwareGpu(options)), onNotice: note })
  try {
    const now = await measureRoof(backend)
    const roof = await roofOf(backend, true)
    process.stdout.write(`${machineLines(describeMachine(backend, roof)).join('\n')}\n`)
    note(`just now: ${now.gbps.toFixed(1)} GB/s, ${now.gflops.toFixed(1)} GFLOP/s; the best of this device and driver is kept`)
    return 0
  } finally {
    await backend.close()
  }
}

function compare(files: readonly string[], failAbove: string | undefined): number {
  const most = failAbove === undefined ? null : share('--fail-above', failAbove)
  const compared = compareFiles(files[0]!, files[1]!)
  process.stdout.write(showComparison(compared))
  if (most === null) return 0
  const failed = slower(compared, most)
  if (failed.length === 0) return 0
  throw new WeftError({ where: 'bench', what: `${failed.length} of ${compared.rows.length} rows became slower by more than ${failAbove}, the worst by ${(100 * (failed[0]!.ratio - 1)).toFixed(1)}%: ${failed[0]!.key}` })
}

function share(option: string, text: string): number {
  const match = /^(\d+(?:\.\d+)?)\s*%$/.exec(text)
  if (match === null) throw wrongOption(option, 'wrong value', 'a percentage such as 5%', JSON.stringify(text))
  return Number(match[1]) / 100
}

/** Integers with commas between them. Throws a WeftError with exit code 2. */
function integers(option: string, text: string): readonly number[] {
  return text.split(',').map(part => {
    if (!/^\d+$/.test(part.trim())) throw wrongOption(option, 'wrong value', 'integers with commas between them', JSON.stringify(text))
    return integer(option, Number(part), 0, 2 ** 24)!
  })
}

const positive = (option: string, text: string): readonly number[] => integers(option, text).filter(n => n > 0)
