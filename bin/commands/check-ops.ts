/** The report of a comparison op by op, for people: a table up to the first op that differs, and what is known about it. */
import type { OpComparison, TraceReport } from '../../engine/check-trace.js'
import type { Side } from '../../engine/hypothesis.js'
import { figure, table } from '../table.js'

export function describeOps(r: TraceReport): string {
  const lines = [
    ...(r.prompt === null ? [] : [promptLine(r.prompt)]),
    comparisons(r.ops).trimEnd(),
    ...(r.unknown.length === 0 ? [] : [`not in the model: ${few(r.unknown)}`]),
    ...(r.missing.length === 0 ? [] : [`not in the trace: ${few(r.missing)}`]),
    ...(r.fused === null ? [] : [fusedLine(r.fused)]),
    ...(r.first === null ? [] : explained(r, r.first)),
  ]
  const verdict = `${r.model} on ${r.device}, ${r.compute}, against ${r.maker}; ${r.tokens} tokens, relative error at most ${figure(r.tolerance)}`
  return `${lines.join('\n')}\n${r.ok ? 'passed' : 'FAILED'}: ${verdict}\n`
}

function comparisons(ops: readonly OpComparison[]): string {
  const rows = ops.map(o => [o.op, figure(o.relativeError), figure(o.largestDifference), String(o.token), o.ok ? 'ok' : 'WRONG'])
  return table([['op', 'relative error', 'largest difference', 'token', ''], ...rows], [1, 2, 3])
}

function fusedLine(ops: readonly OpComparison[]): string {
  const worst = ops.reduce<OpComparison | null>((w, o) => (w !== null && w.relativeError >= o.relativeError ? w : o), null)
  return worst === null ? 'fused: none of these ops is visible' : `fused: ${ops.length} ops visible, the largest relative error ${figure(worst.relativeError)} at ${worst.op}${worst.ok ? '' : ', WRONG'}`
}

function promptLine({ ok, template, difference, mistake }: NonNullable<TraceReport['prompt']>): string {
  if (ok) return `prompt: ${template === null ? 'ids' : 'template and ids'} as in the trace`
  return `prompt: WRONG: ${difference}\nguess: ${mistake}`
}

function explained({ diagnosis, fused, tolerance, maker }: TraceReport, first: OpComparison): readonly string[] {
  const at = `first difference: ${first.op}, relative error ${figure(first.relativeError)} at token ${first.token}${fused === null ? '' : ', with fusion alone: one of its rules or kernels is at fault (WEFT_CHECK=1 names the launch)'}`
  if (diagnosis === null) return [at]
  const { errors, guess, tried, factor } = diagnosis
  const who = (side: Side): string => (side === 'weft' ? 'weft' : 'the trace')
  const right = (['weft', 'trace'] as const).filter(side => errors[side] <= tolerance)
  const judged = right.length === 1
    ? `on its own inputs ${who(right[0]!)} does what the graph says of this model's weights, ${who(right[0] === 'weft' ? 'trace' : 'weft')} does not (off by ${figure(errors[right[0] === 'weft' ? 'trace' : 'weft'])})`
    : right.length === 2 ? 'both do what the graph says on their own inputs: small differences before it have grown, or an op that the trace lacks differs'
      : `neither does what the graph says of this model's weights (weft is off by ${figure(errors.weft)}, the trace by ${figure(errors.trace)})`
  const named = guess === null
    ? right.length === 2 ? [] : [`guess: none: no known mistake explains it (${tried} tried)`]
    : [`guess: ${guess.mistake}: in ${guess.side === 'weft' ? 'weft' : `the trace (${maker})`} ${guess.says}; that explains its numbers to ${figure(guess.error)}`]
  return [at, judged, ...(factor === null ? [] : [`weft's values are the trace's times ${figure(factor)}`]), ...named]
}

const few = (names: readonly string[]): string => (names.length > 8 ? `${names.slice(0, 8).join(', ')} and ${names.length - 8} more` : names.join(', '))
