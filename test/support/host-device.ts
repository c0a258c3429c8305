/**
 * Kernels of HIP and Metal on a machine that has neither: clang compiles their text for the processor, over headers that
 * give it the little it asks of a device (`host/`), and a group of threads is run as fibers. What this shows is that the
 * text is right C++ and means what the kernel form does; how a real chip flushes or rounds it cannot show.
 */
import { spawn, spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import koffi from 'koffi'
import type { Caps } from '../../codegen/caps.js'
import { targets } from '../../codegen/compile.js'
import { tileCount } from '../../codegen/kernel.js'
import type { KernelText, Source, Target } from '../../codegen/target.js'
import { WeftError } from '../../graph/error.js'
import type { Backend, BoundPlan, DeviceBuffer, MemoryInfo, Program, Recording, Ticket, Timing } from '../../runtime/backend.js'

const headers = fileURLToPath(new URL('../../../test/support/host/', import.meta.url))

/** A clang that knows the architectures of today, or why there is none. */
export function findClang(): { readonly path: string } | { readonly missing: string } {
  for (const path of ['clang-19', 'clang-20', 'clang-21', 'clang-18', 'clang']) {
    const asked = spawnSync(path, ['--version'], { encoding: 'utf8' })
    const version = Number(/clang version (\d+)/.exec(asked.stdout ?? '')?.[1] ?? 0)
    if (version >= 17) return { path }
  }
  return { missing: 'no clang of version 17 or later' }
}

/** Runs clang over a text; returns what it wrote to standard output. Throws its first errors. */
export async function clang(path: string, args: readonly string[], source: string): Promise<{ readonly text: string }> {
  const child = spawn(path, [...args, ...(args.includes('-o') ? [] : ['-o', '-']), '-'], { stdio: ['pipe', 'pipe', 'pipe'] })
  const [out, said]: [Buffer[], Buffer[]] = [[], []]
  child.stdout.on('data', (b: Buffer) => out.push(b))
  child.stderr.on('data', (b: Buffer) => said.push(b))
  child.stdin.on('error', () => undefined)
  child.stdin.end(source)
  const code = await new Promise<number | null>((resolve, reject) => child.on('close', resolve).on('error', reject))
  const log = Buffer.concat(said).toString()
  if (code !== 0) throw new Error(`${path} ${args.join(' ')}: ${log.split('\n').filter(l => l.includes('error')).slice(0, 5).join('; ') || log}`)
  return { text: Buffer.concat(out).toString() }
}

interface Dialect {
  readonly include: string
  /** Text as the processor's C++ takes it. */
  readonly adapt: (text: string) => string
  /** Arguments beyond the buffers. */
  readonly ids: (text: string) => readonly string[]
}

const idOf = [['threadgroup_position_in_grid', 'host::tile'], ['thread_index_in_threadgroup', 'host::local'], ['thread_index_in_simdgroup', 'host::lane()'], ['simdgroup_index_in_threadgroup', 'host::local / host::lanes']] as const

const dialects: Readonly<Partial<Record<Caps['target'], Dialect>>> = {
  hip: { include: '#include "hip.h"\n', adapt: text => text, ids: () => [] },
  // Only declarations of arrays can be told to be static: pointers have the same address space.
  msl: { include: '', adapt: text => text.replace(/^ {2}threadgroup (\w+ \w+\[\d+\];)$/gm, '  static $1'), ids: text => idOf.filter(([attribute]) => text.includes(`[[${attribute}]]`)).map(([, value]) => value) },
}

/** The whole translation unit: kernels, and for each a function that runs tiles of it over an array of addresses. */
function unit({ prelude, kernels, caps, target }: Source): string {
  const dialect = dialects[target]!
  const entry = (k: KernelText): string => {
    const args = [...k.params.map((_, i) => `host::Any{a[${i}]}`), ...dialect.ids(k.text)].join(', ')
    return `extern "C" void run_${k.name}(void* const* a, unsigned tiles) { host::run([](void* const* a) { ${k.name}(${args}); }, a, tiles, ${k.threads}, ${caps.subgroup!.max}); }`
  }
  return [dialect.include, dialect.adapt(prelude), ...kernels.flatMap(k => [dialect.adapt(k.text), entry(k)])].join('\n')
}

class HostBuffer implements DeviceBuffer {
  readonly data: Uint8Array
  constructor(readonly label: string, readonly bytes: number) {
    this.data = new Uint8Array(new ArrayBuffer(Math.max(16, bytes)))
  }
}
class HostProgram implements Program {
  constructor(readonly kernels: ReadonlySet<string>, readonly stats: Program['stats'], readonly run: ReadonlyMap<string, (args: BigUint64Array, tiles: number) => void>) {}
}
class HostRecording implements Recording {
  constructor(readonly plan: BoundPlan) {}
  get label(): string {
    return this.plan.label
  }
}
const own = (b: DeviceBuffer): HostBuffer => {
  if (b instanceof HostBuffer) return b
  throw new WeftError({ where: 'host', what: `${b.label} is another backend's` })
}

/** A chip that is not there, on this processor. Work is done when it is asked for. */
export class HostBackend implements Backend {
  /** The engine knows no other name for what a processor does. */
  readonly name = 'wasm'
  readonly target: Target
  readonly description: string
  private readonly folder = mkdtempSync(join(tmpdir(), 'weft-host-'))
  private units = 0

  constructor(readonly caps: Caps, private readonly compiler: string) {
    this.target = targets[caps.target]
    this.description = `${caps.chip} on the processor`
  }
  memory(): MemoryInfo {
    return { free: null, total: null }
  }
  alloc(bytes: number, label: string): DeviceBuffer {
    return new HostBuffer(label, bytes)
  }
  free(): void {}
  write(buffer: DeviceBuffer, data: Uint8Array, at = 0): void {
    own(buffer).data.set(data, at)
  }
  async read(buffer: DeviceBuffer, at = 0, bytes = buffer.bytes - at): Promise<Uint8Array> {
    return own(buffer).data.slice(at, at + bytes)
  }
  copy(from: DeviceBuffer, fromAt: number, to: DeviceBuffer, toAt: number, bytes: number): void {
    own(to).data.set(own(from).data.slice(fromAt, fromAt + bytes), toAt)
  }
  async compile(source: Source): Promise<Program> {
    const started = performance.now()
    const library = join(this.folder, `${this.units++}.so`)
    const options = ['-x', 'c++', '-std=c++17', '-O0', '-march=native', '-ffp-contract=off', '-shared', '-fPIC', '-Wl,-Bsymbolic', '-w', '-ferror-limit=5', `-I${headers}`, '-o', library]
    await clang(this.compiler, options, unit(source))
    const loaded = koffi.load(library)
    const run = new Map(source.kernels.map(k => [k.name, loaded.func(`void run_${k.name}(void *args, uint32_t tiles)`) as (args: BigUint64Array, tiles: number) => void]))
    return new HostProgram(new Set(run.keys()), { compiled: run.size, cached: 0, ms: performance.now() - started }, run)
  }
  record(plan: BoundPlan): Recording {
    return new HostRecording(plan)
  }
  release(): void {}
  run(recording: Recording, times = 1): Ticket {
    const { plan } = recording as HostRecording
    for (let i = 0; i < times; i++) {
      for (const { program, kernel, args, tiles } of plan.launches) {
        const addresses = BigUint64Array.from(args, a => BigInt(koffi.address(own(a.buffer).data)) + BigInt(a.offset))
        ;(program as HostProgram).run.get(kernel)!(addresses, tileCount(tiles, plan.dims))
      }
    }
    return { done: Promise.resolve() }
  }
  async time(): Promise<readonly Timing[]> {
    throw new WeftError({ where: 'host', what: 'has no clock of a device' })
  }
  async close(): Promise<void> {
    rmSync(this.folder, { recursive: true, force: true })
  }
}
