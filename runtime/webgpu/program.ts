/**
 * Pipelines from WGSL text: all modules first, then all pipelines asynchronously and together, which is when the
 * driver compiles them on its own threads. Bind group layouts are explicit and shared by kernels whose params are bound
 * alike. Compilation errors carry the kernel's name, the compiler's message and the line of text it points to.
 */
import { WeftError } from '../../graph/error.js'
import type { KernelText, Source } from '../../codegen/target.js'
import { boundReadOnly } from '../../codegen/targets/wgsl.js'
import type { Param } from '../../codegen/kernel.js'
import type { Program } from '../backend.js'
import { computeStage, oneLine } from './device.js'

export interface CompiledKernel {
  readonly name: string
  readonly params: readonly Param[]
  readonly module: GPUShaderModule
  readonly pipeline: GPUComputePipeline
  readonly bindings: GPUBindGroupLayout
  readonly layout: GPUPipelineLayout
}

export class WebGpuProgram implements Program {
  readonly kernels: ReadonlySet<string>

  constructor(readonly compiled: ReadonlyMap<string, CompiledKernel>, readonly stats: Program['stats']) {
    this.kernels = new Set(compiled.keys())
  }
}

/** Layouts by how their params are bound: one letter each, `r` read-only or `w` read-write. */
export class Layouts {
  private readonly made = new Map<string, { readonly bindings: GPUBindGroupLayout; readonly layout: GPUPipelineLayout }>()

  constructor(private readonly device: GPUDevice) {}

  of(params: readonly Param[]): { readonly bindings: GPUBindGroupLayout; readonly layout: GPUPipelineLayout } {
    const key = params.map(p => (boundReadOnly(p) ? 'r' : 'w')).join('')
    const known = this.made.get(key)
    if (known) return known
    const bindings = this.device.createBindGroupLayout({
      label: key,
      entries: params.map((p, binding) => ({ binding, visibility: computeStage, buffer: { type: boundReadOnly(p) ? 'read-only-storage' : 'storage' } })),
    })
    const made = { bindings, layout: this.device.createPipelineLayout({ label: key, bindGroupLayouts: [bindings] }) }
    this.made.set(key, made)
    return made
  }
}

/** The compiler's first error, with the line of text it is about. */
async function compilerMessage(module: GPUShaderModule, text: string): Promise<string | null> {
  const { messages } = await module.getCompilationInfo()
  const error = messages.find(m => m.type === 'error')
  if (error === undefined) return null
  const line = text.split('\n')[error.lineNum - 1]?.trim()
  return `${oneLine(error.message)}${line ? ` at line ${error.lineNum}: ${line}` : ''}`
}

/** Throws a WeftError that names the first kernel that does not compile. */
export async function compileProgram(device: GPUDevice, layouts: Layouts, source: Source): Promise<WebGpuProgram> {
  const start = performance.now()
  if (source.target !== 'wgsl') throw new WeftError({ where: 'webgpu', what: 'device text of another target', expected: 'wgsl', got: source.target })
  const made = source.kernels.map(kernel => {
    device.pushErrorScope('validation')
    const module = device.createShaderModule({ label: kernel.name, code: source.prelude + kernel.text })
    const invalid = device.popErrorScope()
    const shapes = layouts.of(kernel.params)
    const pipeline = device.createComputePipelineAsync({ label: kernel.name, layout: shapes.layout, compute: { module } })
    return { kernel, module, invalid, shapes, pipeline }
  })
  // All are awaited before any error is thrown, so that no rejection is left alone.
  const pipelines = await Promise.allSettled(made.map(m => m.pipeline))
  const invalid = await Promise.all(made.map(m => m.invalid))
  const compiled = new Map<string, CompiledKernel>()
  for (const [i, { kernel, module, shapes }] of made.entries()) {
    const result = pipelines[i]!
    if (result.status === 'rejected' || invalid[i]) await refuse(kernel, module, source.prelude, invalid[i] ?? null, result.status === 'rejected' ? result.reason : null)
    else compiled.set(kernel.name, { name: kernel.name, params: kernel.params, module, pipeline: result.value, ...shapes })
  }
  return new WebGpuProgram(compiled, { compiled: made.length, cached: 0, ms: performance.now() - start })
}

async function refuse(kernel: KernelText, module: GPUShaderModule, prelude: string, invalid: GPUError | null, cause: unknown): Promise<never> {
  const message = await compilerMessage(module, prelude + kernel.text)
  const fallback = invalid?.message ?? (cause instanceof Error ? cause.message : String(cause))
  throw new WeftError({ where: `kernel ${kernel.name}`, what: `does not compile for WebGPU: ${message ?? oneLine(fallback)}`, cause: cause ?? invalid })
}
