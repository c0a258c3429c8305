/**
 * `npm run fuzz`: a million mutants of valid files, or as many as are asked for. Reports executions for each kind of file, what was
 * found, how many distinct errors there are and how many of them only came late, and what of the readers ran; Ctrl-C ends the run with
 * the report of what was tried. A finding is tried again by its number:
 *
 *     npm run fuzz [-- --mutants N] [--seed S] [--only MUTANT] [--no-coverage]
 */
import { parseArgs } from 'node:util'
import { mergeCoverage } from './coverage.js'
import { fuzz } from './pool.js'
import { fuzzTargets } from './targets.js'
import { targetOf, tryMutant } from './worker.js'

const { values } = parseArgs({ options: { mutants: { type: 'string', default: '1000000' }, seed: { type: 'string', default: '1' }, only: { type: 'string' }, messages: { type: 'boolean', default: false }, 'no-coverage': { type: 'boolean', default: false } } })

const row = (cells: readonly (string | number)[], widths: readonly number[]): void => console.log(cells.map((c, i) => (i === 0 ? String(c).padEnd(widths[i]!) : String(c).padStart(widths[i]!))).join('  '))
const share = (part: number, whole: number): string => `${((100 * part) / Math.max(1, whole)).toFixed(1)}%`

async function one(mutant: number): Promise<boolean> {
  const target = targetOf(fuzzTargets(), mutant)
  const { message, finding } = await tryMutant(target, values.seed, mutant)
  console.log(`${target.name}, mutant ${mutant} of seed ${values.seed}: ${finding ?? message ?? 'accepted'}`)
  return finding === null
}

async function all(): Promise<boolean> {
  const mutants = Number(values.mutants)
  const stop = new AbortController()
  process.once('SIGINT', () => stop.abort())
  const report = await fuzz({ seed: values.seed, mutants, coverage: !values['no-coverage'], signal: stop.signal, onProgress: tried => process.stderr.isTTY && process.stderr.write(`\r${tried} of ${mutants}`) })
  if (process.stderr.isTTY) process.stderr.write('\r\x1b[K')
  console.log(`seed ${values.seed}: ${report.total} executions in ${report.seconds.toFixed(0)} s (${Math.round(report.total / report.seconds)} a second), ${share(report.accepted, report.total)} accepted, peak memory ${Math.round(report.peakBytes / 1e6)} MB\n`)
  for (const [name, n] of Object.entries(report.executions)) row([name, n], [24, 9])
  // The errors of the first fiftieth are the well-known ones: npm test sees them too.
  const late = [...report.messages].filter(([, mutant]) => mutant >= mutants / 50)
  console.log(`\n${report.messages.size} distinct errors, ${late.length} of them not among the first ${Math.ceil(mutants / 50)} mutants`)
  for (const [kind, mutant] of values.messages ? report.messages : late.slice(0, 40)) console.log(`  ${mutant}  ${kind}`)
  if (report.coverage.length > 0) {
    console.log('\nwhat ran of the readers')
    const files = mergeCoverage(report.coverage)
    for (const f of files) row([f.file, `${f.covered} of ${f.lines} lines`, share(f.covered, f.lines), `${f.called} of ${f.functions} functions`], [36, 18, 7, 20])
    const [covered, lines] = [files.reduce((n, f) => n + f.covered, 0), files.reduce((n, f) => n + f.lines, 0)]
    row(['all', `${covered} of ${lines} lines`, share(covered, lines)], [36, 18, 7])
  }
  console.log(`\n${report.findings.length} findings`)
  for (const { mutant, target, what } of report.findings) console.log(`\n${target}, --seed ${values.seed} --only ${mutant}:\n${what}`)
  if (report.peakBytes > 1e9) console.log(`memory above 1 GB: ${report.peakBytes} bytes`)
  return report.findings.length === 0 && report.peakBytes <= 1e9 && report.total === mutants
}

process.exitCode = (values.only === undefined ? await all() : await one(Number(values.only))) ? 0 : 1
