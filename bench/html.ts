/**
 * The report as one HTML file that needs nothing else: text, tables and charts that are drawn here, without a browser, by
 * Observable Plot over a DOM of its own. Charts take their colours from the page's custom properties, so that one drawing
 * is readable in light and in dark. What a mark stands for shows when the pointer rests on it, without any script.
 */
import type { PlotOptions } from '@observablehq/plot'
import { WeftError } from '../graph/error.js'
import type { KernelRow, PlanProfile } from './kernels.js'
import { figure, percent } from './numbers.js'
import { knobsText, machineLines, reasonsOf, type Report } from './report.js'
import type { SpeedRow } from './speeds.js'

type PlotModule = typeof import('@observablehq/plot')

interface Canvas {
  readonly plot: PlotModule
  /** The DOM that charts are made in. */
  readonly document: NonNullable<PlotOptions['document']>
}

/** Ops in the order of their colours; the others share the last. */
const palette = 8

const escape = (text: string): string => text.replace(/[&<>"]/g, c => ({ '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' })[c]!)

async function openCanvas(): Promise<Canvas> {
  try {
    const [plot, { parseHTML }] = await Promise.all([import('@observablehq/plot'), import('linkedom')])
    return { plot, document: parseHTML('<!doctype html><html><body></body></html>').document }
  } catch (cause) {
    throw new WeftError({ where: '--format', what: `html needs the packages @observablehq/plot and linkedom: ${cause instanceof Error ? cause.message : String(cause)}`, cause })
  }
}

const frame = { width: 960, marginLeft: 64, marginRight: 24, marginTop: 24, marginBottom: 42, style: { background: 'none', fontSize: '12px', overflow: 'visible' } } as const

/** Powers of ten of a logarithmic axis. */
const tick = (v: number): string => (Math.abs(Math.log10(v) - Math.round(Math.log10(v))) > 1e-9 ? '' : v >= 1e-3 && v < 1e5 ? String(Number(v.toPrecision(1))) : v.toExponential(0))

/** Ops by the time they take, with the colour each has in every chart. */
function colours(profiles: readonly PlanProfile[]): { readonly domain: readonly string[]; readonly range: readonly string[] } {
  const time = new Map<string, number>()
  for (const r of profiles.flatMap(p => p.rows.map(row => ({ op: row.op, share: (row.us * row.launches) / p.us })))) time.set(r.op, (time.get(r.op) ?? 0) + r.share)
  const domain = [...time].sort((a, b) => b[1] - a[1]).map(([op]) => op)
  return { domain, range: domain.map((_, i) => `var(--series-${Math.min(i, palette - 1) + 1})`) }
}

const describe = (r: KernelRow, plan: string): string =>
  `${r.kernel}\n${r.problem}\n${plan}, ${r.launches} × ${figure(r.us)} µs\n${knobsText(r.knobs)}\n${figure(r.gbps)} GB/s, ${figure(r.tflops)} TFLOP/s, ${percent(r.share, 0)} of ${r.roof}`

function roofline({ plot, document }: Canvas, report: Report): string {
  const { roof } = report.machine
  // A processor does not reach a TFLOP/s.
  const unit = Math.max(roof.gflops, roof.matrixGflops ?? 0) < 1000 ? { name: 'GFLOP/s', a: 1e3 } : { name: 'TFLOP/s', a: 1 }
  const points = report.kernels.flatMap(p => p.rows.filter(r => r.flops > 0 && r.bytes > 0 && r.us > 0).map(r => ({
    intensity: r.flops / r.bytes, rate: r.tflops * unit.a, op: r.op, time: (r.us * r.launches) / p.us, plan: p.plan, title: describe(r, p.plan),
  })))
  if (points.length === 0) return ''
  const tops = [{ name: 'f32', rate: (roof.gflops / 1e3) * unit.a }, ...(roof.matrixGflops === null ? [] : [{ name: 'matrix tiles', rate: (roof.matrixGflops / 1e3) * unit.a }])]
  const memory = (intensity: number): number => (intensity * roof.gbps * unit.a) / 1e3
  const ridges = tops.map(t => t.rate / memory(1))
  const from = Math.min(0.05, ...points.map(p => p.intensity)) / 1.5
  const to = Math.max(...ridges.map(r => r * 4), ...points.map(p => p.intensity * 2))
  const line = tops.flatMap((t, i) => [
    ...(i === 0 ? [{ name: t.name, x: from, y: memory(from) }] : [{ name: t.name, x: ridges[0]!, y: tops[0]!.rate }]),
    { name: t.name, x: ridges[i]!, y: t.rate }, { name: t.name, x: to, y: t.rate },
  ])
  return plot.plot({
    ...frame, document, height: 430, grid: true, ariaLabel: 'Roofline',
    x: { type: 'log', label: 'operations for each byte of memory →', domain: [from, to], ticks: 6, tickFormat: tick },
    y: { type: 'log', label: `↑ ${unit.name}`, ticks: 6, tickFormat: tick, domain: [Math.min(...points.map(p => p.rate)) / 2, Math.max(...tops.map(t => t.rate)) * 2] },
    color: { ...colours(report.kernels), legend: true }, r: { range: [2, 16] }, symbol: { domain: ['decode', 'prefill'], range: ['circle', 'diamond2'] },
    marks: [
      plot.line(line, { x: 'x', y: 'y', z: 'name', stroke: 'var(--muted)', strokeWidth: 1.5, clip: true }),
      plot.text(tops, { x: () => to, y: 'rate', text: (t: { readonly name: string; readonly rate: number }) => `${t.name}: ${figure(t.rate)} ${unit.name}`, textAnchor: 'end', dy: -8, fill: 'currentColor' }),
      plot.text([Math.sqrt(from * ridges[0]!)], { x: (v: number) => v, y: memory, text: () => `memory: ${figure(roof.gbps)} GB/s`, textAnchor: 'end', dx: -10, dy: -6, fill: 'currentColor' }),
      plot.dot(points, { x: 'intensity', y: 'rate', r: 'time', fill: 'op', fillOpacity: 0.75, stroke: 'var(--page)', strokeWidth: 1, symbol: 'plan', title: 'title' }),
    ],
  }).outerHTML
}

function bars({ plot, document }: Canvas, report: Report): string {
  const parts = report.kernels.flatMap(p => [...p.rows].sort((a, b) => b.us * b.launches - a.us * a.launches).map(r => ({
    plan: `${p.plan}, ${figure(p.us / 1000)} ms`, share: (r.us * r.launches) / p.us, op: r.op, title: describe(r, p.plan), label: percent((r.us * r.launches) / p.us, 0),
  })))
  if (parts.length === 0) return ''
  return plot.plot({
    ...frame, document, height: 60 + 64 * report.kernels.length, marginLeft: 150, ariaLabel: 'Time by kernel',
    x: { label: 'part of the time →', percent: true, domain: [0, 100] }, y: { label: null }, color: { ...colours(report.kernels), legend: true },
    marks: [
      plot.barX(parts, { x: 'share', y: 'plan', fill: 'op', title: 'title', insetRight: 1, rx: 2 }),
      plot.text(parts, plot.stackX({ x: 'share', y: 'plan', text: (d: { readonly share: number; readonly label: string }) => (d.share > 0.05 ? d.label : null), fill: 'var(--on-series)' })),
    ],
  }).outerHTML
}

/** Tokens/s with their deviation against depth, or against the length of the prompt. */
function speeds({ plot, document }: Canvas, rows: readonly SpeedRow[], x: 'depth' | 'tokens', series: 'depth' | 'tokens', label: string): string {
  if (rows.length === 0) return ''
  const seriesOf = (r: SpeedRow): string => (series === 'depth' ? `depth ${r.depth}` : `${r.tokens} tokens`)
  const names = [...new Set(rows.map(seriesOf))]
  const points = rows.map(r => ({
    x: r[x], mean: r.mean, low: Math.max(0, r.mean - r.deviation), high: r.mean + r.deviation, series: seriesOf(r),
    title: `${r.test} ${r.tokens}, depth ${r.depth}\n${figure(r.mean)} ± ${figure(r.deviation)} tokens/s\n${figure(r.gbps)} GB/s, ${figure(r.tflops)} TFLOP/s, ${percent(r.share)} of ${r.roof}`,
  })).sort((a, b) => a.x - b.x)
  return plot.plot({
    ...frame, document, height: 260, grid: true, ariaLabel: label,
    x: { label: `${label} →`, ticks: [...new Set(points.map(p => p.x))], tickFormat: (v: number) => String(v), inset: 24 },
    y: { label: '↑ tokens/s', domain: [0, Math.max(...points.map(p => p.high)) * 1.15] },
    color: { domain: names, range: names.map((_, i) => `var(--series-${Math.min(i, palette - 1) + 1})`), legend: names.length > 1 },
    marks: [
      plot.ruleY([0]),
      plot.line(points, { x: 'x', y: 'mean', stroke: 'series', strokeWidth: 2 }),
      plot.ruleX(points, { x: 'x', y1: 'low', y2: 'high', stroke: 'series', strokeWidth: 2 }),
      plot.dot(points, { x: 'x', y: 'mean', fill: 'series', r: 5, title: 'title' }),
      // Several series would write over each other; their figures stand in the table.
      plot.text(names.length > 1 ? [] : points, { x: 'x', y: 'high', text: (p: { readonly mean: number }) => figure(p.mean), dy: -10, fill: 'currentColor' }),
    ],
  }).outerHTML
}

function table(head: readonly string[], rows: readonly (readonly string[])[], numbers: ReadonlySet<number>): string {
  const cell = (tag: string) => (text: string, i: number): string => `<${tag}${numbers.has(i) ? ' class="n"' : ''}>${escape(text)}</${tag}>`
  return `<div class="scroll"><table><thead><tr>${head.map(cell('th')).join('')}</tr></thead><tbody>${rows.map(r => `<tr>${r.map(cell('td')).join('')}</tr>`).join('')}</tbody></table></div>`
}

function reasonList(rows: readonly KernelRow[]): string {
  const reasons = [...reasonsOf(rows)]
  return reasons.length === 0 ? '' : `<details><summary>Why not other schedules</summary><ul>${reasons.map(([reason, of]) => `<li>${escape(reason)} <span>(${escape(of.join(', '))})</span></li>`).join('')}</ul></details>`
}

const kernelTable = (p: PlanProfile): string => table(
  ['kernel', 'problem', 'knobs', 'launches', 'µs', 'lost µs', 'GB/s', 'TFLOP/s', 'share', 'roof', 'registers', 'shared', 'tuning'],
  p.rows.map(r => [
    r.kernel, r.problem, knobsText(r.knobs), String(r.launches), figure(r.us), figure(r.lost), figure(r.gbps), figure(r.tflops), percent(r.share, 0), r.roof,
    r.registers === null ? '–' : `${r.registers}${r.spilledBytes ? ` (${r.spilledBytes} B spilled)` : ''}`, String(r.sharedBytes), r.tuned === null ? '–' : `${figure(r.tuned.before)} → ${figure(r.tuned.after)} µs`,
  ]),
  new Set([3, 4, 5, 6, 7, 8, 10, 11, 12]),
) + reasonList(p.rows)

function speedTable(rows: readonly SpeedRow[]): string {
  const peers = rows.some(r => r.peer)
  return table(
    ['test', 'depth', 'tokens/s', '±', 'MB a token', 'GB/s', 'TFLOP/s', 'of the limit', ...(peers ? ['peer', 'its tokens/s', '±', 'weft / peer'] : [])],
    rows.map(r => [
      `${r.test} ${r.tokens}`, String(r.depth), figure(r.mean), figure(r.deviation), figure((r.bytes / (r.test === 'decode' ? 1 : r.tokens)) / 1e6), figure(r.gbps), figure(r.tflops), `${percent(r.share)} of ${r.roof}`,
      ...(peers ? [r.peer?.program ?? '', r.peer ? figure(r.peer.mean) : '', r.peer ? figure(r.peer.deviation) : '', r.peer ? r.peer.ratio.toFixed(2) : ''] : []),
    ]),
    new Set([1, 2, 3, 4, 5, 6, 7, 9, 10, 11]),
  )
}

const style = `
:root { color-scheme: light dark; --page: #fcfcfb; --text: #0b0b0b; --soft: #52514e; --muted: #898781; --line: #e1e0d9; --on-series: #fff;
  --series-1: #2a78d6; --series-2: #008f6b; --series-3: #b86e00; --series-4: #8a3fc7; --series-5: #d0372f; --series-6: #0e8f9e; --series-7: #a8327f; --series-8: #6b6a65 }
@media (prefers-color-scheme: dark) { :root { --page: #1a1a19; --text: #f4f4f2; --soft: #c3c2b7; --muted: #898781; --line: #383835; --on-series: #0b0b0b;
  --series-1: #6aa9f4; --series-2: #3ec9a0; --series-3: #eda94a; --series-4: #c08bf0; --series-5: #f07f78; --series-6: #4cc5d4; --series-7: #e885c0; --series-8: #a9a8a2 } }
body { margin: 0 auto; padding: 2rem 1.5rem 4rem; max-width: 1100px; background: var(--page); color: var(--text); font: 15px/1.5 system-ui, sans-serif }
h1 { font-size: 1.6rem; margin: 0 0 .2rem } h2 { font-size: 1.15rem; margin: 2.4rem 0 .4rem } p { margin: .2rem 0; color: var(--soft) } figure { margin: 0 }
svg { max-width: 100%; height: auto; color: var(--soft) } svg [aria-label$="grid"] { stroke: var(--line); stroke-opacity: 1 }
.scroll { overflow-x: auto } table { border-collapse: collapse; font-size: 12.5px; font-variant-numeric: tabular-nums } th, td { text-align: left; padding: .25rem .7rem .25rem 0; border-bottom: 1px solid var(--line); vertical-align: top }
[id^="kernels"] td:nth-child(2) { min-width: 15em } th { color: var(--soft); font-weight: 600; white-space: nowrap } .n { text-align: right; white-space: nowrap } section[class^="plot"], .chart { margin: .6rem 0 }
details { margin: .8rem 0; font-size: 12.5px } summary { cursor: pointer; color: var(--soft) } li { margin: .15rem 0 } li span { color: var(--soft) }
[class$="-swatches"] { color: var(--text); flex-wrap: wrap }
`

/** The report as a whole HTML document. Throws a WeftError where the plotting library is not installed. */
export async function htmlReport(report: Report): Promise<string> {
  const canvas = await openCanvas()
  const of = (test: SpeedRow['test']): readonly SpeedRow[] => report.rows.filter(r => r.test === test)
  const section = (id: string, title: string, about: string, body: string): string => (body === '' ? '' : `<section id="${id}"><h2>${title}</h2><p>${about}</p><div class="chart">${body}</div></section>\n`)
  const title = `weft bench: ${report.model}, ${report.weights}`
  const parts = [
    section('speeds', 'Tokens a second', 'Mean of the measured runs with its deviation, and the part of the device\'s measured limit.', report.rows.length === 0 ? '' : speedTable(report.rows)),
    section('decode', 'Decoding against depth', 'Tokens a second after that many positions in the cache.', speeds(canvas, of('decode'), 'depth', 'tokens', 'positions in the cache')),
    section('prefill', 'Prefill against length', 'Tokens a second of a prompt of that length.', speeds(canvas, of('prefill'), 'tokens', 'depth', 'tokens of the prompt')),
    section('roofline', 'Roofline', 'Each kernel as a point (circles decode, diamonds prefill), as large as its part of the time; the lines are what this device reaches at most, measured.', roofline(canvas, report)),
    section('time', 'Where the time goes', 'Each kernel\'s part of one decode step, and of one prefill chunk.', bars(canvas, report)),
    ...report.kernels.map(p => section(`kernels-${p.plan}`, `Kernels: ${p.plan}`, `${p.tokens} ${p.tokens === 1 ? 'row' : 'rows'}, depth ${p.depth}, ${figure(p.us / 1000)} ms launch by launch; sorted by the time lost against the limit.`, kernelTable(p))),
  ]
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>${escape(title)}</title><style>${style}</style></head>
<body><h1>${escape(`${report.model}, ${report.weights}, ${report.compute}`)}</h1>
<div id="machine">${machineLines(report.machine).map(l => `<p>${escape(l)}</p>`).join('')}</div>
${parts.join('')}</body></html>
`
}
