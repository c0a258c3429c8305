/**
 * Results as text: tables for people, Markdown, CSV for spreadsheets, JSON for programs. A table's columns are data, from which
 * all of these are made. The HTML report is in `html.ts`.
 */
import type { KernelRow, PlanProfile } from './kernels.js'
import type { Machine } from './machine.js'
import { figure, percent } from './numbers.js'
import type { SpeedRow } from './speeds.js'

export const formats = ['table', 'json', 'csv', 'markdown', 'html'] as const
export type Format = (typeof formats)[number]

/** What one call of `weft bench` found. */
export interface Report {
  readonly machine: Machine
  readonly model: string
  readonly weights: string
  readonly compute: string
  readonly rows: readonly SpeedRow[]
  readonly kernels: readonly PlanProfile[]
}

interface Column<R> {
  readonly name: string
  readonly text: (row: R) => string
  readonly right?: boolean
}

export const knobsText = (knobs: Readonly<Record<string, number>>): string => Object.entries(knobs).map(([k, v]) => `${k} ${v}`).join(' ')

const speedColumns: readonly Column<SpeedRow>[] = [
  { name: 'test', text: r => `${r.test} ${r.tokens}` },
  { name: 'depth', text: r => String(r.depth), right: true },
  { name: 'tokens/s', text: r => figure(r.mean), right: true },
  { name: '±', text: r => figure(r.deviation), right: true },
  { name: 'weights', text: r => r.weights },
  { name: 'MB a token', text: r => figure((r.bytes / (r.test === 'decode' ? 1 : r.tokens)) / 1e6), right: true },
  { name: 'GB/s', text: r => figure(r.gbps), right: true },
  { name: 'TFLOP/s', text: r => figure(r.tflops), right: true },
  { name: 'of the limit', text: r => `${percent(r.share)} of ${r.roof}`, right: true },
]

/** Where a peer ran beside weft. */
const peerColumns: readonly Column<SpeedRow>[] = [
  { name: 'peer', text: r => r.peer?.program ?? '' },
  { name: 'its tokens/s', text: r => (r.peer ? figure(r.peer.mean) : ''), right: true },
  { name: '±', text: r => (r.peer ? figure(r.peer.deviation) : ''), right: true },
  { name: 'weft / peer', text: r => (r.peer ? r.peer.ratio.toFixed(2) : ''), right: true },
]
const columnsOf = (rows: readonly SpeedRow[]): readonly Column<SpeedRow>[] => (rows.some(r => r.peer) ? [...speedColumns, ...peerColumns] : speedColumns)

const kernelColumns: readonly Column<KernelRow>[] = [
  { name: 'kernel', text: r => r.kernel },
  { name: 'knobs', text: r => knobsText(r.knobs) },
  { name: 'launches', text: r => String(r.launches), right: true },
  { name: 'µs', text: r => figure(r.us), right: true },
  { name: 'lost µs', text: r => figure(r.lost), right: true },
  { name: 'GB/s', text: r => figure(r.gbps), right: true },
  { name: 'TFLOP/s', text: r => figure(r.tflops), right: true },
  { name: 'share', text: r => percent(r.share, 0), right: true },
  { name: 'roof', text: r => r.roof },
  { name: 'registers', text: r => (r.registers === null ? '' : `${r.registers}${r.spilledBytes ? ` (${r.spilledBytes} B spilled)` : ''}`), right: true },
  { name: 'shared', text: r => String(r.sharedBytes), right: true },
  { name: 'tuning', text: r => (r.tuned === null ? '' : `${figure(r.tuned.before)} → ${figure(r.tuned.after)}`), right: true },
  { name: 'problem', text: r => r.problem },
]

function cells<R>(columns: readonly Column<R>[], rows: readonly R[]): readonly (readonly string[])[] {
  return [columns.map(c => c.name), ...rows.map(r => columns.map(c => c.text(r)))]
}

function aligned<R>(columns: readonly Column<R>[], rows: readonly R[]): string {
  const all = cells(columns, rows)
  const widths = columns.map((_, c) => Math.max(...all.map(row => row[c]!.length)))
  return all.map(row => `${row.map((cell, c) => (columns[c]!.right ? cell.padStart(widths[c]!) : cell.padEnd(widths[c]!))).join('  ').trimEnd()}\n`).join('')
}

function markdownTable<R>(columns: readonly Column<R>[], rows: readonly R[]): string {
  const [head, ...body] = cells(columns, rows)
  const line = (row: readonly string[]): string => `| ${row.map(c => c.replaceAll('|', '\\|')).join(' | ')} |\n`
  return line(head!) + `|${columns.map(c => (c.right ? '---:' : '---')).join('|')}|\n` + body.map(line).join('')
}

/** RFC 4180. */
function csvOf(rows: readonly Readonly<Record<string, unknown>>[]): string {
  const names = Object.keys(rows[0] ?? {})
  const cell = (v: unknown): string => {
    const text = v === null ? '' : typeof v === 'object' ? JSON.stringify(v) : String(v)
    return /[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
  }
  return [names.map(cell), ...rows.map(r => names.map(n => cell(r[n])))].map(r => `${r.join(',')}\n`).join('')
}

/** The machine in a few short lines. */
export function machineLines(m: Machine): readonly string[] {
  const matrix = m.roof.matrixGflops === null ? '' : `, ${figure(m.roof.matrixGflops / 1e3)} TFLOP/s of matrix tiles`
  return [
    `${m.device}; ${m.driver}`,
    `measured roof: ${figure(m.roof.gbps)} GB/s, ${figure(m.roof.gflops / 1e3)} TFLOP/s in f32${matrix}`,
    `${m.cores} cores of ${m.processor}, ${(m.memoryBytes / 2 ** 30).toFixed(0)} GiB, Node ${m.node}, weft ${m.version}${m.commit === null ? '' : ` (${m.commit})`}, ${m.date.slice(0, 16).replace('T', ' ')} UTC`,
  ]
}

const titleOf = (p: PlanProfile): string => `${p.plan}: ${p.tokens} ${p.tokens === 1 ? 'row' : 'rows'}, up to ${p.depth} positions attended to, ${figure(p.us / 1000)} ms launch by launch`

/** Why other schedules were not taken: each reason once, with the kernels it is said of. */
export function reasonsOf(rows: readonly KernelRow[]): ReadonlyMap<string, readonly string[]> {
  const kernels = new Map<string, string[]>()
  for (const r of rows) {
    for (const [name, why] of Object.entries(r.rejected)) kernels.set(`${name}: ${why}`, [...(kernels.get(`${name}: ${why}`) ?? []), r.kernel])
  }
  return kernels
}

function reasons(rows: readonly KernelRow[]): string {
  const kernels = reasonsOf(rows)
  return kernels.size === 0 ? '' : `why not others:\n${[...kernels].map(([reason, of]) => `  ${reason} (${of.join(', ')})\n`).join('')}`
}

/** @param what the model's speeds, or its kernels */
export function render(report: Report, format: Exclude<Format, 'html'>, what: 'speeds' | 'kernels'): string {
  const head = [`${report.model}, ${report.weights}, ${report.compute}`, ...machineLines(report.machine)]
  const allKernels = report.kernels.flatMap(p => p.rows)
  switch (format) {
    case 'table': {
      const body = what === 'speeds' ? aligned(columnsOf(report.rows), report.rows) : report.kernels.map(p => `${titleOf(p)}\n${aligned(kernelColumns, p.rows)}${reasons(p.rows)}`).join('\n')
      return `${head.join('\n')}\n\n${body}`
    }
    case 'markdown': {
      const body = what === 'speeds' ? markdownTable(columnsOf(report.rows), report.rows) : report.kernels.map(p => `### ${titleOf(p)}\n\n${markdownTable(kernelColumns, p.rows)}`).join('\n')
      return `${head.map(l => `- ${l}\n`).join('')}\n${body}`
    }
    case 'csv': {
      const { device, driver, commit, date } = report.machine
      const common = { model: report.model, device, driver, commit, date }
      return csvOf(what === 'speeds' ? report.rows.map(({ speeds, peer, ...r }) => ({ ...r, ...common, speeds: speeds.join(' '), peer: peer?.program ?? null, peerMean: peer?.mean ?? null, ratio: peer?.ratio ?? null })) : allKernels.map(r => ({ ...r, knobs: knobsText(r.knobs), ...common })))
    }
    case 'json': return `${JSON.stringify(what === 'speeds' ? report : allKernels, null, 1)}\n`
    default: return format satisfies never
  }
}
