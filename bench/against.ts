/**
 * Another program on the same work: llama.cpp's `llama-bench`, on a GGUF file of the shapes and types that weft runs on, one
 * test after the other in turn with weft's, so that what the machine does meanwhile meets both.
 */
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, statfsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { WeftError } from '../graph/error.js'
import { randomModel } from '../weights/random.js'
import { writeGguf } from './gguf-model.js'
import type { Peer, SpeedRow } from './speeds.js'

export interface LlamaBench {
  /** One test as weft did it. Throws a WeftError with the program's last words if it fails. */
  measure(row: SpeedRow): Promise<Peer>
  close(): void
}

export interface LlamaBenchOptions {
  readonly program: string
  /** Named in place of the build that the program tells of. */
  readonly version: string | null
  readonly shape: string
  readonly weights: string
  readonly runs: number
  /** Threads where a processor computes, or null on a GPU. */
  readonly threads: number | null
}

const isRecord = (v: unknown): v is Readonly<Record<string, unknown>> => typeof v === 'object' && v !== null

/** Writes the model for the program into the system's folder for passing files; `close` removes it. */
export function openLlamaBench(options: LlamaBenchOptions): LlamaBench {
  const folder = mkdtempSync(join(tmpdir(), 'weft-peer-'))
  const close = (): void => rmSync(folder, { recursive: true, force: true })
  try {
    const model = randomModel(options.shape, options.weights, 'gguf')
    const { bavail, bsize } = statfsSync(folder)
    if (bavail * bsize < model.bytes * 1.02) throw new WeftError({ where: '--against', what: `no room in ${folder} for the peer's model`, expected: `${(model.bytes / 1e9).toFixed(1)} GB`, got: `${((bavail * bsize) / 1e9).toFixed(1)} GB` })
    const file = join(folder, 'model.gguf')
    writeGguf(model, file)
    return { measure: row => measure(options, file, row), close }
  } catch (error) {
    close()
    throw error
  }
}

async function measure({ program, version, runs, threads }: LlamaBenchOptions, file: string, row: SpeedRow): Promise<Peer> {
  const device = threads === null ? ['-ngl', '99', '-fa', '1'] : ['-t', String(threads), '-ngl', '0']
  const test = row.test === 'prefill' ? ['-p', String(row.tokens), '-n', '0'] : ['-p', '0', '-n', String(row.tokens)]
  const output = await run(program, ['-m', file, ...device, ...test, '-d', String(row.depth), '-r', String(runs), '-o', 'json'])
  const { name, mean, deviation } = readLlamaBench(output)
  return { program: version === null ? name : `llama.cpp ${version}`, mean, deviation, ratio: row.mean / mean }
}

/** The one test of what `llama-bench -o json` printed. Throws a WeftError where that is not there. */
export function readLlamaBench(output: string): { readonly name: string; readonly mean: number; readonly deviation: number } {
  const wrong = (what: string): WeftError => new WeftError({ where: '--llama-bench', what, expected: 'one test, as llama-bench -o json prints it', got: JSON.stringify(output.slice(0, 200)) })
  let parsed: unknown
  try {
    // Some builds print lines about devices before the array.
    parsed = JSON.parse(output.slice(output.indexOf('[\n')))
  } catch {
    throw wrong('its output is no JSON')
  }
  const row: unknown = Array.isArray(parsed) ? parsed[0] : undefined
  if (!isRecord(row) || typeof row['avg_ts'] !== 'number' || typeof row['stddev_ts'] !== 'number' || !(row['avg_ts'] > 0)) throw wrong('its output has no speed')
  // A build outside of its repository calls its commit unknown, and its number 0.
  const build = [row['build_commit'], row['build_number']].find(b => (typeof b === 'string' || typeof b === 'number') && b !== 'unknown' && b !== 0)
  return { name: `llama.cpp${build === undefined ? '' : ` ${build}`}`, mean: row['avg_ts'], deviation: row['stddev_ts'] }
}

function run(program: string, args: readonly string[]): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] })
    const out: Buffer[] = []
    const err: Buffer[] = []
    child.stdout.on('data', (b: Buffer) => out.push(b))
    child.stderr.on('data', (b: Buffer) => err.push(b))
    child.on('error', cause => reject(new WeftError({ where: '--llama-bench', what: `${program} does not start: ${cause.message}`, cause })))
    child.on('close', (code, signal) => {
      if (code === 0) resolve(Buffer.concat(out).toString())
      else reject(new WeftError({ where: '--llama-bench', what: `${program} ended with ${signal ?? `code ${code}`}: ${Buffer.concat(err).toString().trim().split('\n').slice(-2).join(' ').slice(-400)}` }))
    })
  })
}
