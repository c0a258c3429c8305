/**
 * `weft check`: the model against a reference's logits and tokens, against a trace op by op, or across backends. Exit code 0
 * within tolerance, 1 beyond it.
 */
import { dirname } from 'node:path'
import { check, readExpected, type CheckReport, type TextComparison } from '../../engine/check.js'
import { checkAgainst, checkTrace } from '../../engine/check-trace.js'
import { readTrace } from '../../engine/trace-file.js'
import type { DeviceName, LoadOptions } from '../../engine/types.js'
import { WeftError } from '../../graph/error.js'
import { kindOf } from '../../weights/files.js'
import { defineCommand, wrongOption } from '../command.js'
import { loadModel, modelPath, withSoftwareGpu } from '../load.js'
import { deviceOf, given, integer, loadOptions, loadOptionsOf, modelOption, positive } from '../options.js'
import { hasPrompt, promptOptions, tracedPrompt } from '../prompt.js'
import { figure, table } from '../table.js'
import { note } from '../terminal.js'
import { describeOps } from './check-ops.js'

export const checkCommand = defineCommand({
  positionals: {},
  options: {
    ...modelOption,
    model: { ...modelOption.model, defaultDescription: 'required' },
    expected: { type: 'string', requiresArg: true, describe: 'Folder of expected.json and logits.f32', defaultDescription: 'the model\'s folder' },
    trace: { type: 'string', requiresArg: true, describe: 'Compare op by op with this trace, of docs/parity/reference.py or weft trace' },
    against: { type: 'string', requiresArg: true, describe: 'Compare op by op on these devices (wasm,webgpu,cuda) with --device, or with the evaluator where none is given' },
    ...promptOptions,
    tolerance: { type: 'number', requiresArg: true, describe: 'Largest relative error of a row', defaultDescription: '1e-4 with f32, 1e-3 with i16, 1e-2 with f16; op by op twice that but for f32' },
    chunk: { type: 'number', requiresArg: true, describe: 'Prompt ids handed over at a time; 1 is token by token', defaultDescription: 'all' },
    ...loadOptions,
    json: { type: 'boolean', default: false, describe: 'Print one JSON object' },
  },
  async run(argv) {
    const load = loadOptionsOf(argv)
    const options = given({ chunk: integer('--chunk', argv.chunk, 1, 2 ** 24), tolerance: positive('--tolerance', argv.tolerance, 10) })
    if (argv.model === undefined) throw wrongOption('--model', 'missing', 'the model to check')
    const path = await modelPath(argv.model)
    const prompted = hasPrompt(argv)
    const [first, second] = [['--expected', argv.expected], ['--trace', argv.trace], ['--against', argv.against]].filter(([, v]) => v !== undefined)
    if (second !== undefined) throw wrongOption(second[0]!, `given together with ${first![0]}`, 'one of the two')
    if (prompted && argv.against === undefined) throw wrongOption(argv.prompt === undefined ? '--ids' : '--prompt', 'given without --against', 'the prompt of the trace or of expected.json')
    const print = (report: unknown, text: () => string): void => void process.stdout.write(argv.json ? `${JSON.stringify(report)}\n` : text())

    if (argv.trace !== undefined) {
      const report = await checkTrace(path, readTrace(argv.trace), await shown(load), options)
      print(report, () => describeOps(report))
      return report.ok ? 0 : 1
    }
    const folder = argv.expected ?? (kindOf(path) === 'directory' ? path : dirname(path))
    if (argv.against !== undefined) {
      const others = await Promise.all(devicesOf(argv.against).map(device => shown({ ...load, device })))
      const base = await shown({ ...load, device: load.device === 'auto' ? 'reference' : load.device! })
      const reports = await checkAgainst(path, base, others, model => (prompted ? tracedPrompt(model, argv).ids : readExpected(folder).prompt), {
        ...options, onReport: report => argv.json || process.stdout.write(describeOps(report)),
      })
      if (argv.json) process.stdout.write(`${JSON.stringify(reports)}\n`)
      return reports.every(r => r.ok) ? 0 : 1
    }
    if (kindOf(folder) !== 'directory') throw new WeftError({ where: 'check', what: `${folder}: no such folder` })
    const model = await loadModel(path, load)
    try {
      const report = await check(model, folder, { ...(load.kvType === 'f16' ? { tolerance: 1e-2 } : {}), ...options })
      print(report, () => describe(report))
      return report.ok ? 0 : 1
    } finally {
      await model.close()
    }
  },
})

/** What the engine says while it loads, shown. */
async function shown(load: LoadOptions): Promise<LoadOptions> {
  return { ...(await withSoftwareGpu(load)), onNotice: note }
}

function devicesOf(list: string): readonly DeviceName[] {
  const names = list.split(',').map(name => name.trim())
  if (names.includes('auto')) throw wrongOption('--against', 'no single device', 'wasm, webgpu, cuda, cuda:N or reference', 'auto')
  return names.map(name => deviceOf(name, '--against'))
}

/** The report for people: one line a comparison, each with its verdict. */
export function describe(r: CheckReport): string {
  const { logits, tokens } = r
  const verdict = (ok: boolean): string => (ok ? 'ok' : 'WRONG')
  const rows = [
    ['logits', verdict(logits.ok), `${logits.rows} rows, relative error ${figure(logits.relativeError)} at position ${logits.position} (at most ${figure(r.tolerance)}), largest difference δ ${figure(logits.largestDifference)}`],
    ['tokens', verdict(tokens.ok), `${tokens.equal} of ${tokens.count} equal; ${tokens.decided} have a margin over 2δ, of these ${tokens.wrong} differ`],
  ]
  const first = tokens.firstWrong ?? tokens.firstDifference
  if (first !== null) {
    const verdictOnIt = first.wrong ? 'over' : 'within'
    rows.push(['', '', `first that differs: token ${first.index}, ${first.got} instead of ${first.expected}, margin ${figure(first.margin)}, ${verdictOnIt} 2δ ${figure(2 * logits.largestDifference)}`])
  }
  if (r.template !== null) rows.push(['template', verdict(r.template.equal), comparison(r.template, 'rendered as expected')])
  if (r.promptIds !== null) rows.push(['prompt ids', verdict(r.promptIds.equal), comparison(r.promptIds, 'as expected')])
  return `${table(rows)}${r.ok ? 'passed' : 'FAILED'}: ${r.model} on ${r.device}, ${r.compute}\n`
}

function comparison({ difference }: TextComparison, same: string): string {
  return difference === undefined ? same : `differs at ${difference.index}: expected ${difference.expected}, got ${difference.got}`
}
