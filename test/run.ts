/**
 * The test runner behind `npm test`: runs each compiled suite beside it in a process of its own, two at a time, so that
 * a crash, a leak or an endless loop costs one file and not the run. Suites named for WebGPU run once on each software
 * adapter of this machine; `--gpu` and `--cuda` run the suites that know a real device, on it. What a suite skips is said
 * in lines that begin with `skipped:` (or `SKIP`), and shown. The last line is `N passed, N failed` and, if anything
 * was left out, `, N skipped`.
 *
 *     node dist/test/run.js [--gpu | --cuda] [part of a file's name]
 */
import { spawn } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Suites that take a real device, by parts of their names. */
const deviceSuites = {
  '--gpu': { names: ['webgpu', 'parity-real'], env: { WEFT_TEST_GPU: '1' } },
  '--cuda': { names: ['cuda', 'lexicon.test', 'parity.test', 'parity-real', 'schedules.test', 'sequences.test'], env: { WEFT_TEST_CUDA: '1' } },
} as const
const timeoutSeconds = 600

interface Job {
  readonly file: string
  readonly title: string
  readonly env: Readonly<Record<string, string>>
}

interface Result {
  readonly job: Job
  readonly passed: number
  readonly failed: number
  readonly skipped: number
  readonly skips: readonly string[]
  readonly seconds: number
  readonly output: string
}

const folder = dirname(fileURLToPath(import.meta.url))
const root = join(folder, '..', '..')

/** What uvu and the suite printed, counted. A suite that dies before its totals is one failure. */
function read(job: Job, output: string, code: number | null, seconds: number): Result {
  const count = (what: string): number => Number(new RegExp(`^\\s*${what}:\\s+(\\d+)\\s*$`, 'm').exec(output)?.[1] ?? 0)
  const [total, passed, skippedTests] = [count('Total'), count('Passed'), count('Skipped')]
  // uvu's dots stand before what a test prints.
  const skips = output.split('\n').map(l => l.replace(/^[•✘\s]+/, '')).filter(l => /^(SKIP\b|skipped: )/.test(l))
  const failed = total - passed - skippedTests
  return { job, passed, failed: failed === 0 && code !== 0 ? 1 : failed, skipped: skippedTests + skips.length, skips, seconds, output }
}

function run(job: Job): Promise<Result> {
  return new Promise(resolve => {
    const start = performance.now()
    const child = spawn(process.execPath, [join(folder, job.file)], {
      cwd: root, env: { ...process.env, NO_COLOR: '1', FORCE_COLOR: '0', ...job.env }, stdio: ['ignore', 'pipe', 'pipe'],
    })
    const parts: string[] = []
    for (const stream of [child.stdout, child.stderr]) stream.setEncoding('utf8').on('data', (text: string) => parts.push(text))
    const timer = setTimeout(() => {
      parts.push(`\nstopped after ${timeoutSeconds} s\n`)
      child.kill('SIGKILL')
    }, timeoutSeconds * 1000)
    child.on('error', error => parts.push(`\n${error.message}\n`))
    child.on('close', code => {
      clearTimeout(timer)
      resolve(read(job, parts.join(''), code, (performance.now() - start) / 1000))
    })
  })
}

/** Software adapters of this machine, each with the environment that shows no other. */
async function softwareAdapters(): Promise<readonly { readonly kind: string; readonly env: Readonly<Record<string, string>> }[]> {
  const { softwareGpuEnv } = await import('./support/software-gpu.js')
  return (['swiftshader', 'lavapipe'] as const).flatMap(kind => {
    const env = softwareGpuEnv(kind)
    return env === null ? [] : [{ kind, env: { ...env, WEFT_TEST_ADAPTER: kind } }]
  })
}

async function jobsOf(device: keyof typeof deviceSuites | undefined, pattern: string): Promise<readonly Job[]> {
  const files = readdirSync(folder).filter(f => f.endsWith('.test.js') && f.includes(pattern)).sort()
  const plain = (file: string, env: Job['env'] = {}): Job => ({ file, title: file.replace('.test.js', ''), env })
  if (device !== undefined) {
    const { names, env } = deviceSuites[device]
    return files.filter(f => names.some(n => f.includes(n))).map(f => plain(f, env))
  }
  const adapters = files.some(f => f.includes('webgpu')) ? await softwareAdapters() : []
  return files.flatMap(file => {
    if (!file.includes('webgpu') || adapters.length === 0) return [plain(file)]
    return adapters.map(({ kind, env }) => ({ ...plain(file, env), title: `${file.replace('.test.js', '')} on ${kind}` }))
  })
}

function show({ job, passed, failed, skips, seconds, output }: Result): void {
  console.log(`${failed > 0 ? 'FAIL' : '  ok'}  ${job.title}: ${passed} passed${failed > 0 ? `, ${failed} failed` : ''} (${seconds.toFixed(1)} s)`)
  if (failed > 0) console.log(output.trimEnd().replace(/^/gm, '      '))
  else for (const line of skips) console.log(`      ${line}`)
}

async function main(args: readonly string[]): Promise<boolean> {
  const unknown = args.find(a => a.startsWith('--') && !(a in deviceSuites))
  if (unknown !== undefined) {
    console.error(`${unknown} is not an option; there are ${Object.keys(deviceSuites).join(' and ')}`)
    return false
  }
  const device = args.find((a): a is keyof typeof deviceSuites => a in deviceSuites)
  const queue = [...await jobsOf(device, args.find(a => !a.startsWith('--')) ?? '')]
  const results: Result[] = []
  const worker = async (): Promise<void> => {
    for (let job = queue.shift(); job !== undefined; job = queue.shift()) {
      const result = await run(job)
      results.push(result)
      show(result)
    }
  }
  await Promise.all(Array.from({ length: Math.min(2, availableParallelism()) }, worker))
  const sum = (of: 'passed' | 'failed' | 'skipped'): number => results.reduce((n, r) => n + r[of], 0)
  const [passed, failed, skipped] = [sum('passed'), sum('failed'), sum('skipped')]
  console.log(`\n${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`)
  return failed === 0 && passed > 0
}

process.exitCode = (await main(process.argv.slice(2))) ? 0 : 1
