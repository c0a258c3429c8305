/**
 * A model's speed from end to end: prefill and decode, as the engine does them (greedy, on random ids), in tokens/s. Every
 * test runs once unmeasured, then several times; what is shown is the mean with its deviation, and the median. Decoding
 * reads every weight for every token, so its speed is also given in GB/s and as a share of what the memory moves: measure
 * that on the machine and pass it as --bandwidth; without it the chip's data sheet is taken.
 *
 *     node dist/bench/model.js --model PATH --device cuda -p 512,2048 -n 128 -d 0,4096 -r 3
 *     node dist/bench/model.js --model PATH --device cuda --kernels      # one decode step and one prefill chunk by kernel
 */
import { parseArgs } from 'node:util'
import { load } from '../engine/load.js'
import { peakBandwidth } from '../engine/peaks.js'
import { loadProfiled, type LaunchTime, type RunTime } from '../engine/profile.js'
import type { Compute, DeviceName, GenerateStats, LoadOptions, Model, Session } from '../engine/types.js'
import { WeftError } from '../graph/error.js'

const usage = `usage: node dist/bench/model.js [--model PATH] [--device D] [-p 512,2048] [-n 128] [-d 0] [-r 3] [--compute f32|f16] [--kv-type f32|f16]
  [--threads N] [--context N] [--chunk N] [--software] [--bandwidth GB/s] [--kernels] [--json]

  -p  lengths of prompts to prefill, 0 for none     -n  tokens to decode, 0 for none
  -d  positions already in the cache                -r  measured runs of each test
  --software   WebGPU on a processor                --kernels  the time of each kernel instead`

interface Options {
  readonly model: string | null
  readonly load: LoadOptions
  readonly prompts: readonly number[]
  readonly decodes: readonly number[]
  readonly depths: readonly number[]
  readonly runs: number
  readonly bandwidth: number | null
  readonly kernels: boolean
  readonly json: boolean
}

interface Result {
  readonly test: string
  readonly tokens: number
  readonly depth: number
  /** Tokens/s of each measured run. */
  readonly speeds: readonly number[]
  readonly mean: number
  readonly deviation: number
  readonly median: number
  /** Of decoding: weights and cache read, in GB/s, at the median. */
  readonly gigabytesPerSecond: number | null
}

const median = (values: readonly number[]): number => {
  const sorted = [...values].sort((a, b) => a - b)
  return (sorted[(sorted.length - 1) >> 1]! + sorted[sorted.length >> 1]!) / 2
}
const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0)

function readOptions(args: readonly string[]): Options | null {
  const text = { type: 'string' } as const
  const flag = { type: 'boolean', default: false } as const
  const { values } = parseArgs({
    args: [...args],
    options: {
      model: text, device: { ...text, default: 'auto' }, compute: text, 'kv-type': text, threads: text, context: text, chunk: text, bandwidth: text,
      prompt: { ...text, short: 'p', default: '512,2048' }, decode: { ...text, short: 'n', default: '128' }, depth: { ...text, short: 'd', default: '0' },
      runs: { ...text, short: 'r', default: '3' }, software: flag, kernels: flag, json: flag, help: { ...flag, short: 'h' },
    },
  })
  if (values.help) return null
  const numbers = (option: string, list: string, least: number): readonly number[] => list.split(',').map(part => {
    const n = Number(part)
    if (part.trim() === '' || !Number.isInteger(n) || n < least || n > 2 ** 24) throw new WeftError({ where: option, what: 'wrong value', expected: `integers from ${least}, with commas between them`, got: part, exitCode: 2 })
    return n
  })
  const one = (option: string, value: string): number => numbers(option, value, 1)[0]!
  const type = (option: string, value: string): Compute => {
    if (value === 'f32' || value === 'f16') return value
    throw new WeftError({ where: option, what: 'wrong value', expected: 'f32 or f16', got: value, exitCode: 2 })
  }
  const [prompts, decodes, depths] = [numbers('-p', values.prompt, 0).filter(n => n > 0), numbers('-n', values.decode, 0).filter(n => n > 0), numbers('-d', values.depth, 0)]
  // Decoding begins after one position at least, and a step more than is counted is made.
  const needed = Math.max(0, ...depths) + Math.max(0, ...prompts, ...decodes.map(n => n + 2)) + 2
  const context = values.context !== undefined ? one('--context', values.context) : needed > 32768 ? needed : undefined
  return {
    model: values.model ?? null, prompts, decodes, depths, runs: one('-r', values.runs), kernels: values.kernels, json: values.json,
    bandwidth: values.bandwidth === undefined ? null : one('--bandwidth', values.bandwidth),
    load: {
      device: values.device as DeviceName, softwareGpu: values.software, onNotice: line => process.stderr.write(`${line}\n`),
      ...(context === undefined ? {} : { context }),
      ...(values.compute === undefined ? {} : { compute: type('--compute', values.compute) }),
      ...(values['kv-type'] === undefined ? {} : { kvType: type('--kv-type', values['kv-type']) }),
      ...(values.threads === undefined ? {} : { threads: one('--threads', values.threads) }),
      ...(values.chunk === undefined ? {} : { chunk: one('--chunk', values.chunk) }),
    },
  }
}

/** Ids that follow no pattern but are the same in every run: xorshift. */
function randomIds(count: number, vocab: number, seed: number): Uint32Array {
  let state = seed * 2654435761 + 1 >>> 0
  return Uint32Array.from({ length: count }, () => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) % vocab
  })
}

/** The figures of one greedy generation of up to `count` tokens after `ids`. */
async function generate(session: Session, ids: Uint32Array, count: number): Promise<GenerateStats> {
  for await (const { done } of session.generate(ids, { maxTokens: count, temperature: 0, repeatPenalty: 1 })) if (done) return done.stats
  throw new WeftError({ where: 'bench', what: 'the generation ended without its figures' })
}

/** One test; `measure` does it once and gives tokens/s and GB/s. */
async function repeat(test: string, tokens: number, depth: number, runs: number, measure: () => Promise<{ readonly speed: number; readonly gbps: number | null }>): Promise<Result> {
  await measure()
  const all = []
  for (let i = 0; i < runs; i++) all.push(await measure())
  const speeds = all.map(m => m.speed)
  const mean = sum(speeds) / runs
  const rates = all.flatMap(m => m.gbps ?? [])
  return {
    test, tokens, depth, speeds, mean, median: median(speeds),
    deviation: runs > 1 ? Math.sqrt(sum(speeds.map(s => (s - mean) ** 2)) / (runs - 1)) : 0,
    gigabytesPerSecond: rates.length > 0 ? median(rates) : null,
  }
}

/** Tokens/s of a prompt of `count` ids after `depth` others that the cache holds. */
function prefill(session: Session, vocab: number, count: number, depth: number, runs: number): Promise<Result> {
  const ids = randomIds(depth + count, vocab, 1)
  return repeat(`prefill ${count}`, count, depth, runs, async () => {
    // The others are there already from the second time on; of all a prompt's ids at least the last runs again.
    session.truncate(depth)
    if (session.length < depth) await session.logits(ids.subarray(session.length, depth), [])
    return { speed: (await generate(session, ids, 1)).prefillTokensPerSecond, gbps: null }
  })
}

/** Tokens/s of `count` steps after `depth` positions. A text that ends by itself before half of them is replaced by another. */
async function decode(session: Session, vocab: number, count: number, depth: number, runs: number): Promise<Result> {
  for (let seed = 1; seed <= 8; seed++) {
    const ids = randomIds(Math.max(1, depth), vocab, seed)
    session.truncate(0)
    if ((await generate(session, ids, count + 1)).generatedTokens <= count / 2) continue
    return repeat(`decode ${count}`, count, depth, runs, async () => {
      session.truncate(ids.length)
      const stats = await generate(session, ids, count + 1)
      return { speed: stats.decodeTokensPerSecond, gbps: stats.decodeGBps }
    })
  }
  throw new WeftError({ where: 'bench', what: `the model ends every text within ${Math.ceil(count / 2)} tokens`, expected: 'a smaller -n' })
}

async function speeds(model: Model, o: Options): Promise<readonly Result[]> {
  const results: Result[] = []
  const session = model.session()
  for (const depth of o.depths) {
    for (const count of o.prompts) results.push(await prefill(session, model.config.vocab, count, depth, o.runs))
    for (const count of o.decodes) results.push(await decode(session, model.config.vocab, count, depth, o.runs))
    session.truncate(0)
  }
  session.close()
  return results
}

function showLoad({ stats, device, compute }: Model): string {
  const s = (seconds: number): string => `${seconds.toFixed(2)} s`
  return `${device}, ${compute}\nload ${s(stats.loadSeconds)}: open ${s(stats.openSeconds)}, plans ${s(stats.planSeconds)}, kernel text ${s(stats.generateTextSeconds)}${stats.textCached ? ' (cached)' : ''}, `
    + `compilation ${s(stats.compileSeconds)} (${stats.kernelsCompiled} compiled, ${stats.kernelsCached} cached), weights ${s(stats.uploadSeconds)} (${(stats.weightBytes / 1e9).toFixed(3)} GB)\n`
}

function table(rows: readonly (readonly string[])[], left: number): string {
  const widths = rows[0]!.map((_, c) => Math.max(...rows.map(row => row[c]!.length)))
  return rows.map(row => `${row.map((cell, c) => (c < left ? cell.padEnd(widths[c]!) : cell.padStart(widths[c]!))).join('  ').trimEnd()}\n`).join('')
}

function showSpeeds(results: readonly Result[], bandwidth: number | null): string {
  const number = (n: number): string => n.toFixed(n < 100 ? 2 : n < 1000 ? 1 : 0)
  return table([
    ['test', 'depth', 'tokens/s', '±', 'median', 'GB/s', `of ${bandwidth ?? 'an unknown'} GB/s`],
    ...results.map(r => [
      r.test, String(r.depth), number(r.mean), number(r.deviation), number(r.median), r.gigabytesPerSecond === null ? '' : number(r.gigabytesPerSecond),
      r.gigabytesPerSecond === null || bandwidth === null ? '' : `${((100 * r.gigabytesPerSecond) / bandwidth).toFixed(1)}%`,
    ]),
  ], 1)
}

/** Launches of several runs of one plan: each with the median of its times. */
function medians(runs: readonly RunTime[]): readonly LaunchTime[] {
  return runs[0]!.launches.map((l, i) => ({ ...l, microseconds: median(runs.map(r => r.launches[i]!.microseconds)) }))
}

interface KernelTimes {
  readonly kernel: string
  readonly made: string
  readonly count: number
  readonly microseconds: number
  readonly bytes: number
  readonly flops: number
}

/** Launches added up by kernel, the longest first. */
function byKernel(launches: readonly LaunchTime[]): readonly KernelTimes[] {
  const groups = new Map<string, LaunchTime[]>()
  for (const l of launches) groups.set(l.kernel.name, [...(groups.get(l.kernel.name) ?? []), l])
  return [...groups].map(([kernel, own]) => ({
    kernel, made: [own[0]!.kernel.schedule, ...Object.entries(own[0]!.kernel.knobs).map(([k, v]) => `${k} ${v}`)].join(' '),
    count: own.length, microseconds: sum(own.map(l => l.microseconds)), bytes: sum(own.map(l => l.bytes)), flops: sum(own.map(l => l.flops)),
  })).sort((a, b) => b.microseconds - a.microseconds)
}

function showKernels(what: string, runs: readonly RunTime[], bandwidth: number | null): string {
  const launches = medians(runs)
  const total = sum(launches.map(l => l.microseconds))
  const row = (k: KernelTimes): readonly string[] => {
    const gbps = k.microseconds > 0 ? k.bytes / k.microseconds / 1e3 : 0
    const share = bandwidth === null ? '' : `${((100 * gbps) / bandwidth).toFixed(0)}%`
    return [k.kernel, k.made, String(k.count), k.microseconds.toFixed(1), `${((100 * k.microseconds) / total).toFixed(1)}%`, gbps.toFixed(gbps < 10 ? 2 : 0), share, (k.microseconds > 0 ? k.flops / k.microseconds / 1e6 : 0).toFixed(3)]
  }
  const all = { kernel: 'all', made: '', count: launches.length, microseconds: total, bytes: sum(launches.map(l => l.bytes)), flops: sum(launches.map(l => l.flops)) }
  const rows = [['kernel', 'schedule', 'launches', 'µs', 'share', 'GB/s', 'of memory', 'TFLOP/s'], ...byKernel(launches).map(row), row(all)]
  return `\n${what}: plan ${runs[0]!.plan}, ${runs[0]!.tokens} rows, depth ${runs[0]!.depth}, medians of ${runs.length} runs\n${table(rows, 2)}`
}

/** The kernels of one decode step and of one prefill chunk: the longest of each that -n and -p ask for, after the first -d. */
async function kernels(o: Options): Promise<number> {
  const { model, profile } = await loadProfiled(o.model, o.load)
  try {
    const bandwidth = o.bandwidth ?? peakBandwidth(model.device)
    const [session, { vocab }, depth] = [model.session(), model.config, o.depths[0]!]
    const found: { readonly what: string; readonly runs: readonly RunTime[] }[] = []
    if (o.decodes.length > 0) {
      // The first runs bring clocks up and make what timing needs.
      const runs = (await profile(async () => void (await generate(session, randomIds(Math.max(1, depth), vocab, 1), 9 + o.runs)))).filter(r => r.plan === 'decode')
      if (runs.length < o.runs) throw new WeftError({ where: 'bench', what: 'the model ended its text at once', expected: 'another -d' })
      found.push({ what: 'one decode step', runs: runs.slice(-o.runs) })
    }
    if (o.prompts.length > 0) {
      const count = Math.max(...o.prompts)
      const ids = randomIds(depth + count, vocab, 1)
      const runs: RunTime[] = []
      for (let i = 0; i <= o.runs; i++) {
        session.truncate(0)
        if (depth > 0) await session.logits(ids.subarray(0, depth), [])
        const [first] = await profile(async () => void (await session.logits(ids.subarray(depth), [count - 1])))
        if (i > 0) runs.push(first!)
      }
      found.push({ what: 'one prefill chunk', runs })
    }
    if (o.json) process.stdout.write(`${JSON.stringify({ device: model.device, compute: model.compute, bandwidth, plans: found.map(f => ({ what: f.what, rows: f.runs[0]!.tokens, depth: f.runs[0]!.depth, kernels: byKernel(medians(f.runs)) })) })}\n`)
    else process.stdout.write(showLoad(model) + found.map(f => showKernels(f.what, f.runs, bandwidth)).join(''))
    return 0
  } finally {
    await model.close()
  }
}

async function main(args: readonly string[]): Promise<number> {
  const o = readOptions(args)
  if (o === null) {
    process.stdout.write(`${usage}\n`)
    return 0
  }
  if (o.kernels) return kernels(o)
  const model = await load(o.model, o.load)
  try {
    const results = await speeds(model, o)
    const bandwidth = o.bandwidth ?? peakBandwidth(model.device)
    if (o.json) process.stdout.write(`${JSON.stringify({ device: model.device, compute: model.compute, load: model.stats, bandwidth, results })}\n`)
    else process.stdout.write(showLoad(model) + showSpeeds(results, bandwidth))
    return 0
  } finally {
    await model.close()
  }
}

async function exitCode(): Promise<number> {
  try {
    return await main(process.argv.slice(2))
  } catch (error) {
    const wrongOption = error instanceof TypeError && 'code' in error
    process.stderr.write(`${error instanceof WeftError || wrongOption ? error.message : String(error)}\n${wrongOption ? `${usage}\n` : ''}`)
    return error instanceof WeftError ? error.exitCode : wrongOption ? 2 : 1
  }
}

const code = await exitCode()
// A device's own threads may outlive its close; what was written is waited for.
process.stdout.write('', () => process.exit(code))
