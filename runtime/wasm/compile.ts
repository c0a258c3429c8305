/**
 * From text to module bytes: the kernels of a source and the driver go to `asc` as one file, in a child process, through
 * the disk cache. The module imports its memory and must carry no data of its own, or every worker's instantiation would
 * write into memory that others use; this is checked.
 */
import { spawn } from 'node:child_process'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import type { Source } from '../../codegen/target.js'
import { functionName } from '../../codegen/targets/wasm-names.js'
import { check, WeftError } from '../../graph/error.js'
import { driver } from '../../shaders/wasm.js'
import { cacheGet, cacheKey, cachePut } from '../cache.js'
import { maxPages } from './memory.js'

// Without optimization: V8's own makes the same machine code of it, and a first start is over a third sooner.
const options = [
  '--runtime', 'stub', '--importMemory', '--noExportMemory', '--sharedMemory', '--initialMemory', '1', '--maximumMemory', String(maxPages),
  '--optimizeLevel', '0', '--shrinkLevel', '0', '--noAssert', '--noColors', '--use', 'abort=',
  '--enable', 'simd', '--enable', 'threads', '--enable', 'relaxed-simd', '--disableWarning',
]

export interface Compiled {
  readonly bytes: Uint8Array
  readonly cached: boolean
}

/** Throws a WeftError with the kernel's name and the compiler's message. @param started a compiler that waits already, which is used or ended */
export async function compileSource(source: Source, started: Compiler | null = null): Promise<Compiled> {
  const names = source.kernels.map(k => k.name)
  const twice = names.find((name, i) => names.indexOf(name) !== i)
  check(twice === undefined, 'wasm', `two kernels of one source are named ${twice}`)
  const text = [source.prelude, ...source.kernels.map(k => k.text), driver(names.map(functionName))].join('\n')
  const key = cacheKey(compilerVersion(), options.join(' '), text)
  const known = cacheGet('wasm', key)
  if (known && dataSegments(known) === 0) {
    started?.stop()
    return { bytes: known, cached: true }
  }
  const bytes = await (started ?? startCompiler()).compile(text)
  check(dataSegments(bytes) === 0, 'wasm', 'the compiled module has static data', 'none, as its memory is shared', `${dataSegments(bytes)} segments`)
  cachePut('wasm', key, bytes)
  return { bytes, cached: false }
}

function compilerVersion(): string {
  const { version } = createRequire(import.meta.url)('assemblyscript/package.json') as { readonly version: string }
  return version
}

/** A process of `asc`, which takes one text. Starting takes it about as long as compiling. */
export interface Compiler {
  /** Throws a WeftError with the kernel's name and the compiler's message. */
  compile(text: string): Promise<Uint8Array>
  /** Ends a compiler that is not wanted after all. */
  stop(): void
}

export function startCompiler(): Compiler {
  // In a group of its own: Ctrl-C in a terminal reaches the whole group, and what it means is for this process to say.
  const child = spawn(process.execPath, [fileURLToPath(new URL('./asc-child.js', import.meta.url)), ...options], { stdio: ['pipe', 'pipe', 'pipe'], detached: true })
  const [out, err]: [Buffer[], Buffer[]] = [[], []]
  const ended = new Promise<number | string>((resolve, reject) => {
    child.stdout.on('data', (b: Buffer) => out.push(b))
    child.stderr.on('data', (b: Buffer) => err.push(b))
    child.on('error', cause => reject(new WeftError({ where: 'wasm', what: 'asc could not be started', cause })))
    child.on('close', (code, signal) => resolve(signal ?? code ?? 1))
  })
  // Told to who compiles; a compiler that is stopped ends as it may.
  ended.catch(() => undefined)
  // A compiler that died early closes its input; what it said is reported by its end.
  child.stdin.on('error', () => undefined)
  return {
    async compile(text) {
      child.stdin.end(text)
      const code = await ended
      if (code !== 0) throw compileError(text, Buffer.concat(err).toString() || `asc ended with ${code}`)
      return new Uint8Array(Buffer.concat(out))
    },
    stop: () => void child.kill('SIGKILL'),
  }
}

/** The first error of asc's messages, with the kernel it lies in and the line of text. */
function compileError(text: string, messages: string): WeftError {
  const message = /^(?:ERROR|FAILURE)[^\n]*/m.exec(messages)?.[0] ?? messages.trim().split('\n')[0] ?? 'no message'
  const at = /in kernels\.ts\((\d+),\d+\)/.exec(messages)
  const lines = text.split('\n')
  const line = at ? Number(at[1]) : 0
  const head = lines.slice(0, line).reverse().find(l => l.startsWith('export function '))
  const kernel = head && /^export function kernel_(\w+)/.exec(head)?.[1]
  return new WeftError({
    where: kernel ? `kernel ${kernel}` : 'wasm',
    what: `asc: ${message}${line > 0 ? ` in \`${lines[line - 1]!.trim()}\`` : ''}`,
  })
}

/** Data segments of a module: section 11's count. */
export function dataSegments(module: Uint8Array): number {
  let at = 8
  const leb = (): number => {
    let value = 0
    for (let shift = 0; ; shift += 7) {
      const byte = module[at++] ?? 0
      value += (byte & 0x7f) * 2 ** shift
      if (byte < 128) return value
    }
  }
  while (at < module.length) {
    const id = module[at++]
    const size = leb()
    if (id === 11) return leb()
    at += size
  }
  return 0
}
