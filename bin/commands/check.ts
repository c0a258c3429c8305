/**
 * `weft check`: the model against a reference's logits and tokens. Exit code 0 within tolerance, 1 beyond it.
 */
import { dirname } from 'node:path'
import { check, type CheckReport, type TextComparison } from '../../engine/check.js'
import { WeftError } from '../../graph/error.js'
import { kindOf } from '../../weights/files.js'
import { defineCommand, wrongOption } from '../command.js'
import { loadModel } from '../load.js'
import { given, integer, loadOptions, loadOptionsOf, modelOption } from '../options.js'
import { table } from '../table.js'

export const checkCommand = defineCommand({
  positionals: {},
  options: {
    ...modelOption,
    model: { ...modelOption.model, defaultDescription: 'required' },
    expected: { type: 'string', requiresArg: true, describe: 'Folder of expected.json and logits.f32', defaultDescription: 'the model\'s folder' },
    chunk: { type: 'number', requiresArg: true, describe: 'Prompt ids handed over at a time; 1 is token by token', defaultDescription: 'all' },
    ...loadOptions,
    json: { type: 'boolean', default: false, describe: 'Print one JSON object' },
  },
  async run(argv) {
    const load = loadOptionsOf(argv)
    const chunk = integer('--chunk', argv.chunk, 1, 2 ** 24)
    if (argv.model === undefined) throw wrongOption('--model', 'missing', 'the model to check')
    const folder = argv.expected ?? (kindOf(argv.model) === 'directory' ? argv.model : dirname(argv.model))
    if (kindOf(folder) !== 'directory') throw new WeftError({ where: 'check', what: `${folder}: no such folder` })
    const model = await loadModel(argv.model, load)
    try {
      const tolerance = load.kvType === 'f16' ? 1e-2 : undefined
      const report = await check(model, folder, given({ chunk, tolerance }))
      process.stdout.write(argv.json ? `${JSON.stringify(report)}\n` : describe(report))
      return report.ok ? 0 : 1
    } finally {
      await model.close()
    }
  },
})

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

function figure(value: number): string {
  return value === 0 ? '0' : value >= 0.001 && value < 1000 ? String(Number(value.toPrecision(3))) : value.toExponential(1)
}
