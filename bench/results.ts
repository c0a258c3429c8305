/**
 * README's table of speeds, made from the files under `bench/results/`: what `weft bench --format json` printed, each with the
 * commit, device, driver and date it was measured with. `npm run readme-table` writes it; a test holds the two in step.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { WeftError } from '../graph/error.js'
import type { Machine } from './machine.js'
import { packageFolder } from './machine.js'
import { percent } from './numbers.js'
import type { SpeedRow } from './speeds.js'

/** Of a report, what the table is made of. */
export interface Result {
  readonly machine: Pick<Machine, 'chip' | 'cores' | 'backend' | 'device' | 'driver' | 'commit' | 'date' | 'roof'>
  readonly model: string
  readonly weights: string
  readonly rows: readonly Pick<SpeedRow, 'test' | 'tokens' | 'depth' | 'mean' | 'gbps' | 'peer'>[]
}

const markers = { begin: '<!-- speeds: begin (npm run readme-table makes this from bench/results) -->', end: '<!-- speeds: end -->' } as const
const backends: Readonly<Record<string, string>> = { cuda: 'CUDA', webgpu: 'WebGPU', wasm: 'WebAssembly' }

const isRecord = (v: unknown): v is Readonly<Record<string, unknown>> => typeof v === 'object' && v !== null && !Array.isArray(v)

/** The results of a folder, in the order of their names. Throws a WeftError that names a file of another form. */
export function readResults(folder: string): readonly Result[] {
  return readdirSync(folder).filter(n => n.endsWith('.json')).sort().map(name => {
    const file = join(folder, name)
    const parsed: unknown = JSON.parse(readFileSync(file, 'utf8'))
    const machine = isRecord(parsed) ? parsed['machine'] : null
    const named = isRecord(machine) && ['chip', 'backend', 'device', 'driver', 'commit', 'date'].every(k => typeof machine[k] === 'string')
    const measured = isRecord(machine) && typeof machine['cores'] === 'number' && isRecord(machine['roof']) && typeof machine['roof']['gbps'] === 'number'
    if (!isRecord(parsed) || !named || !measured || !Array.isArray(parsed['rows']) || parsed['rows'].length === 0) throw new WeftError({ where: 'results', what: `${file}: not what weft bench --format json prints in a checkout`, expected: 'machine with chip, cores, backend, device, driver, commit, date and roof, and rows' })
    return parsed as unknown as Result
  })
}

/** Names of a chip as its drivers write them: WebGPU's have dashes for what is no letter. */
const plain = (chip: string): string => chip.toLowerCase().replace(/[^a-z0-9]+/g, ' ').trim()

/** The table: for each chip and model a line for each backend, and one for the peer that ran beside it. */
export function speedTable(results: readonly Result[]): string {
  const lines: string[] = ['| chip | model, weights | | prefill, tokens/s | decode, tokens/s | of the memory\'s speed |', '|---|---|---|---|---|---|']
  let above = ''
  for (const r of results) {
    const chip = r.machine.backend === 'wasm' ? `${r.machine.cores} cores, ${r.machine.chip}` : r.machine.chip
    const group = `${plain(chip)} | ${r.model}, ${r.weights}`
    // The longest prompt and the most tokens, on an empty cache.
    const longest = (test: SpeedRow['test']): Result['rows'][number] | undefined => r.rows.filter(x => x.test === test && x.depth === 0).sort((a, b) => b.tokens - a.tokens)[0]
    const [prefill, decode] = [longest('prefill'), longest('decode')]
    const speed = (row: Result['rows'][number] | undefined, mean: number | undefined): string => (row === undefined || mean === undefined ? '' : `${mean >= 1000 ? Math.round(mean).toLocaleString('en-US') : mean >= 100 ? mean.toFixed(0) : mean.toFixed(1)} (${row.tokens})`)
    const share = decode === undefined ? '' : percent(decode.gbps / r.machine.roof.gbps, 0)
    lines.push(`| ${group === above ? ' | ' : `${chip} | ${r.model}, ${r.weights}`} | weft, ${backends[r.machine.backend] ?? r.machine.backend} | ${speed(prefill, prefill?.mean)} | ${speed(decode, decode?.mean)} | ${share} |`)
    const peer = decode?.peer ?? prefill?.peer
    if (peer !== undefined) lines.push(`|  |  | ${peer.program} | ${speed(prefill, prefill?.peer?.mean)} | ${speed(decode, decode?.peer?.mean)} | |`)
    above = group
  }
  return `${lines.join('\n')}\n`
}

/** README with its table made anew. Throws a WeftError where the markers are gone. */
export function withTable(readme: string, table: string): string {
  const [from, to] = [readme.indexOf(markers.begin), readme.indexOf(markers.end)]
  if (from < 0 || to < from) throw new WeftError({ where: 'README.md', what: 'the markers of the table of speeds are gone', expected: markers.begin })
  return `${readme.slice(0, from + markers.begin.length)}\n\n${table}\n${readme.slice(to)}`
}

export const readmeFile = (): string => join(packageFolder(), 'README.md')
export const resultsFolder = (): string => join(packageFolder(), 'bench', 'results')

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  writeFileSync(readmeFile(), withTable(readFileSync(readmeFile(), 'utf8'), speedTable(readResults(resultsFolder()))))
}
