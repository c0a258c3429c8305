/**
 * What a person sees beside the text: everything here goes to standard error, so that standard output is the text alone and can
 * be piped. Colour and the progress bar need a terminal; the lines themselves are always written.
 */
import type { Interface } from 'node:readline'
import type { GenerateStats, LoadStats, StopReason } from '../engine/types.js'

/** Writes a line that is not an error: which device, which model, how fast. */
export function note(line: string): void {
  const text = `weft: ${line}`
  const dim = process.stderr.isTTY && !process.env['NO_COLOR']
  process.stderr.write(dim ? `\x1b[2m${text}\x1b[22m\n` : `${text}\n`)
}

/** Writes the one line of an error. */
export function complain(message: string): void {
  process.stderr.write(`weft: ${oneLine(message)}\n`)
}

/** A text without line breaks and control characters, which could hide or fake what stands on a line. */
export function oneLine(text: string): string {
  return text.replace(/[\s\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g, ' ').trim()
}

/** Shows the prompt again, without what was typed so far: readline would keep it, behind a cursor that is gone to the front. */
export function promptAnew(lines: Interface): void {
  for (const name of ['e', 'u']) lines.write('', { ctrl: true, name })
  lines.prompt()
}

export interface Progress {
  readonly update: (done: number, total: number) => void
  /** Takes the bar off the screen; safe to call when none was shown. */
  readonly end: () => void
}

/** A bar for bytes on their way. Silent where standard error is no terminal. */
export async function progressBar(what: 'weights' | 'download' = 'weights'): Promise<Progress> {
  if (!process.stderr.isTTY) return { update: () => {}, end: () => {} }
  const { SingleBar, Presets } = await import('cli-progress')
  const bar = new SingleBar({ stream: process.stderr, format: `${what} [{bar}] {percentage}%  {done} of {all}`, clearOnComplete: true, linewrap: null, hideCursor: null, gracefulExit: false }, Presets.legacy)
  let started = false
  return {
    update(done, total) {
      const shown = { done: bytes(done), all: bytes(total) }
      if (started) bar.update(done, shown)
      else bar.start(total, done, shown)
      started = true
    },
    end() {
      if (started) bar.stop()
      started = false
    },
  }
}

const units = ['bytes', 'kB', 'MB', 'GB', 'TB'] as const

/** `1.3 GB`: powers of 1000, as disks and bandwidths are counted. */
export function bytes(count: number): string {
  const power = Math.min(units.length - 1, Math.floor(Math.log10(Math.max(count, 1)) / 3))
  return `${power === 0 ? count : (count / 1000 ** power).toPrecision(3)} ${units[power]}`
}

/** `135M`, `4.02B`: numbers of parameters. */
export function parameters(count: number): string {
  const scales = [[1e9, 'B'], [1e6, 'M'], [1e3, 'k']] as const
  const [scale, letter] = scales.find(([s]) => count >= s) ?? [1, '']
  return `${scale === 1 ? count : (count / scale).toPrecision(3)}${letter}`
}

/** Where the time of loading went. */
export function loadLine(s: LoadStats): string {
  const parts = [
    `open ${seconds(s.openSeconds)}`,
    `plan ${seconds(s.planSeconds)}${s.plansCached ? ' (cached)' : `, text ${seconds(s.generateTextSeconds)}`}`,
    `upload ${seconds(s.uploadSeconds)}`,
    `compile ${seconds(s.compileSeconds)} more (${s.kernelsCompiled} kernels compiled, ${s.kernelsCached} cached)`,
  ]
  return `load ${seconds(s.loadSeconds)}: ${parts.join(', ')}; weights ${bytes(s.weightBytes)}, cache ${bytes(s.cacheBytes)}`
}

/** How fast the text came. */
export function generateLines(s: GenerateStats): readonly string[] {
  return [
    `prefill ${s.promptTokens} tokens (${s.cachedTokens} from the cache) in ${seconds(s.prefillSeconds)}, ${rate(s.prefillTokensPerSecond)} tokens/s; first token after ${seconds(s.firstTokenSeconds)}`,
    `decode ${s.generatedTokens} tokens in ${seconds(s.decodeSeconds)}, ${rate(s.decodeTokensPerSecond)} tokens/s, ${rate(s.decodeGBps)} GB/s`,
    ...(s.seed === null ? [] : [`drawn with --seed ${s.seed}`]),
  ]
}

/** Why the text ended, where that is worth a line. */
export function reasonLine(reason: StopReason, maxTokens: number | undefined, context: number): string | null {
  switch (reason) {
    case 'stop': return null
    case 'aborted': return null
    case 'length': return `stopped at ${maxTokens} tokens (--max-tokens)`
    case 'context': return `stopped: the context of ${context} tokens is full (--context)`
    default: reason satisfies never
  }
  return null
}

function seconds(s: number): string {
  return s < 1 ? `${(s * 1000).toFixed(s < 0.01 ? 1 : 0)} ms` : `${s.toFixed(2)} s`
}

function rate(value: number): string {
  return Number.isFinite(value) ? value.toPrecision(3).replace(/e\+(\d+)/, (_, e: string) => `e${e}`) : '-'
}
