/**
 * `weft tune`: finds the fastest schedules and knobs for a model's shapes on a device, and keeps them where loading finds them.
 * The search is in `bench/tune.ts`.
 */
import type { PlanName } from '../../codegen/compile.js'
import { openDevice } from '../../engine/device.js'
import { deviceOf, driverOf } from '../../engine/machine.js'
import { planning } from '../../engine/planning.js'
import { roofOf } from '../../engine/roof.js'
import { knownTuning, saveTuning } from '../../engine/tuned.js'
import { builtInModel, locateModel } from '../../engine/index.js'
import { openModel } from '../../weights/open.js'
import { figure } from '../../bench/numbers.js'
import { tune } from '../../bench/tune.js'
import type { Tuned } from '../../bench/tune-search.js'
import { defineCommand, wrongOption } from '../command.js'
import { writeTextFile } from '../input.js'
import { interruptedCode } from '../interrupt.js'
import { withSoftwareGpu } from '../load.js'
import { integer, loadOptions, loadOptionsOf } from '../options.js'
import { note } from '../terminal.js'
import { table } from '../table.js'
import { shapeOptions, sourceOf } from './bench.js'

const { 'no-fuse': noFuse, ...runOptions } = loadOptions

export const tuneCommand = defineCommand({
  positionals: {},
  options: {
    ...shapeOptions,
    ...runOptions,
    batch: { type: 'number', requiresArg: true, alias: 'b', describe: 'Rows of a prompt computed together', defaultDescription: '2048, on a processor 256' },
    budget: { type: 'string', requiresArg: true, default: '60s', describe: 'How long to search: 90s, 5m' },
    plan: { choices: ['decode', 'prefill', 'small', 'all'], requiresArg: true, default: 'all', describe: 'Tune decoding, prompts, a few rows, or decoding and prompts' },
    op: { type: 'string', requiresArg: true, describe: 'Only problems of this op (fusedLinear, attention, …)' },
    explain: { type: 'boolean', default: false, describe: 'Say how far the model of the chip was from the measurements' },
    anew: { type: 'boolean', default: false, describe: 'Try again what was tried before' },
    forget: { type: 'boolean', default: false, describe: 'Forget what was found on this device, and search for nothing' },
    export: { type: 'string', requiresArg: true, describe: 'Write everything found on this device to a file, as those in codegen/tuned; with --budget 0s without a search' },
    json: { type: 'boolean', default: false, describe: 'Print a JSON array' },
    'no-fuse': noFuse,
  },
  async run(argv, interrupt) {
    const seconds = secondsOf(argv.budget)
    const options = loadOptionsOf(argv)
    const backend = await openDevice({ ...(await withSoftwareGpu(options)), onNotice: note })
    const signal = interrupt.stoppable()
    try {
      if (argv.forget) {
        saveTuning(backend, { device: deviceOf(backend), driver: driverOf(backend), entries: {}, tried: {} })
        note(`nothing is known of ${deviceOf(backend)} any more`)
        return 0
      }
      const found: Tuned[] = []
      if (seconds > 0) {
        const roof = await roofOf(backend)
        const given = sourceOf(argv.shape, argv.weights, argv.model)
        const source = given === null ? await openModel(builtInModel()) : typeof given === 'string' ? await openModel(await locateModel(given, { onNotice: note })) : given
        source.close()
        const plans: readonly PlanName[] = argv.plan === 'all' ? ['decode', 'prefill'] : [argv.plan as PlanName]
        const planned = planning(backend.caps, source.config.maxPositions, { ...options, context: options.context ?? 4096, chunk: integer('--batch', argv.batch, 1, 65536), roof })
        const search = tune(backend, source.config, name => source.tensors.get(name)?.type ?? 'f32', planned, { roof, seconds, plans, op: argv.op ?? null, anew: argv.anew, signal })
        for await (const t of search) {
          note(`${t.plan}, ${t.launches} × ${t.key}: ${figure(t.untuned.us)} µs, ${t.best.name === t.untuned.name ? 'the untuned choice is the fastest' : `${figure(t.best.us)} with ${t.best.name}`} (${t.candidates} tried, ${t.rejected} rejected)`)
          found.push(t)
        }
      }
      if (argv.export !== undefined) exportTo(argv.export)
      process.stdout.write(argv.json ? `${JSON.stringify(found, null, 1)}\n` : found.length === 0 ? '' : show(found, argv.explain))
      return signal.aborted ? interruptedCode : 0
    } finally {
      await backend.close()
    }

    function exportTo(file: string): void {
      const { device, driver, entries } = knownTuning(backend)
      writeTextFile(file, `${JSON.stringify({ device, driver, entries }, null, 1)}\n`)
      note(`${Object.keys(entries).length} choices written to ${file}`)
    }
  },
})

/** Throws a WeftError with exit code 2. */
function secondsOf(text: string): number {
  const match = /^(\d+(?:\.\d+)?)(s|m)?$/.exec(text.trim())
  if (match === null) throw wrongOption('--budget', 'wrong value', 'seconds or minutes such as 60s or 5m', JSON.stringify(text))
  return Number(match[1]) * (match[2] === 'm' ? 60 : 1)
}

function show(found: readonly Tuned[], explain: boolean): string {
  const rows = found.map(t => [t.plan, String(t.launches), figure(t.untuned.us), figure(t.best.us), (t.untuned.us / t.best.us).toFixed(2), t.best.name, t.key])
  const total = (plan: PlanName, which: 'untuned' | 'best'): number => found.filter(t => t.plan === plan).reduce((n, t) => n + t[which].us * t.launches, 0)
  const plans = [...new Set(found.map(t => t.plan))]
  const sums = plans.map(p => `${p}: ${figure(total(p, 'untuned') / 1000)} ms of these kernels untuned, ${figure(total(p, 'best') / 1000)} tuned, ${(total(p, 'untuned') / total(p, 'best')).toFixed(2)} times as fast\n`)
  const text = `${table([['plan', 'launches', 'untuned µs', 'tuned µs', 'gain', 'choice', 'problem'], ...rows], [1, 2, 3, 4])}\n${sums.join('')}`
  if (!explain) return text
  const known = (us: number | null): string => (us === null ? '–' : figure(us))
  const over = (us: number | null, t: Tuned): string => (us === null ? '–' : (us / t.best.us).toFixed(2))
  const lines = found.map(t => [
    t.plan, known(t.untuned.estimate), figure(t.untuned.us), figure(t.untuned.hostUs), known(t.best.estimate), figure(t.best.us), over(t.untuned.us, t), over(t.first.us, t),
    t.correlation === null ? '–' : t.correlation.toFixed(2), t.untuned.name, t.key,
  ])
  return `${text}
the model of the chip, which chooses where nothing was tuned: its estimates and what was measured, in µs (of the untuned choice also by the host's clock, with
what it costs to hand over); time of its choice, and of the first schedule that accepts, over the fastest; rank correlation over all that were timed
${table([['plan', 'estimated', 'untuned', 'host', 'estimated', 'tuned', 'its choice', 'the first', 'correlation', 'which', 'problem'], ...lines], [1, 2, 3, 4, 5, 6, 7, 8])}`
}
