/**
 * WebGPU in Node: Dawn, from the npm package `webgpu`, over the system's Vulkan (Metal and Direct3D 12 elsewhere).
 * A software adapter is opened only by a caller that asks for one: on a processor the WebAssembly backend is the one
 * to take. Why there is no adapter is told in words that say what to install.
 */
import { existsSync, readdirSync } from 'node:fs'
import { availableParallelism, freemem, totalmem } from 'node:os'
import { WeftError } from '../../graph/error.js'
import { firstLine, openLibrary } from '../library.js'
import { describe, isSoftware } from './adapter.js'
import { WebGpuBackend } from './backend.js'
import { videoMemory } from './video-memory.js'

export interface WebGpuOptions {
  /** Take a software adapter, and only one. Without it only a real GPU is taken. */
  readonly software?: boolean
  /** Dawn's checks of every call of the API; on unless told. Turn them off only for plans that passed with them in the same process. */
  readonly validated?: boolean
  /**
   * Dawn's clamps of every index in a kernel, which cost up to a third of a prompt's speed on a GPU. weft's kernels keep within their
   * buffers whatever a model's file says, as the interpreter shows and as CUDA, which has no such clamps, needs of them;
   * so they are on only for software adapters, unless told.
   */
  readonly robust?: boolean
  /** A part of the adapter's name, where there are several. */
  readonly adapter?: string
}

/** An adapter, or why there is none, for `weft devices`. */
export interface WebGpuAdapterInfo {
  readonly description: string
  readonly software: boolean
  readonly features: readonly string[]
  readonly maxBufferBytes: number
}

const backends: Readonly<Partial<Record<NodeJS.Platform, string>>> = { linux: 'vulkan', darwin: 'metal', win32: 'd3d12' }

function dawnOptions({ validated = true, adapter, software = false, robust = software }: WebGpuOptions): string[] {
  // NVIDIA's f16 is held back by Dawn since old drivers had faults in it; the tests of intrinsics run on it. Kernels write
  // shared arrays before they read them, which the interpreter checks: zeroing them first costs a pass over them in every
  // group, and on software adapters most of the time it takes to compile a kernel.
  const enable = ['allow_unsafe_apis', 'vulkan_enable_f16_on_nvidia', 'disable_workgroup_init', ...(validated ? [] : ['skip_validation']), ...(robust ? [] : ['disable_robustness'])]
  const backend = backends[process.platform]
  return [
    ...(backend ? [`backend=${backend}`] : []),
    ...(adapter === undefined ? [] : [`adapter=${adapter}`]),
    `enable-dawn-features=${enable.join(',')}`,
    'disable-dawn-features=timestamp_quantization',
  ]
}

/** Where the Vulkan loader does not load, Dawn prints lines of its own: it is not asked then. */
async function needLoader(): Promise<void> {
  if (process.platform !== 'linux') return
  try {
    await openLibrary('the Vulkan loader', ['libvulkan.so.1'])
  } catch (cause) {
    const got = cause instanceof WeftError ? cause.got : undefined
    throw new WeftError({ where: 'webgpu', what: `no Vulkan loader (Debian and Ubuntu: apt install libvulkan1): ${got ?? firstLine(cause)}`, cause })
  }
}

async function dawn(options: WebGpuOptions): Promise<GPU> {
  await needLoader()
  try {
    const { create } = await import('webgpu')
    return create(dawnOptions(options))
  } catch (cause) {
    throw new WeftError({ where: 'webgpu', what: `the package webgpu does not load on ${process.platform}-${process.arch}: ${cause instanceof Error ? cause.message : String(cause)}`, cause })
  }
}

async function request(gpu: GPU, options: GPURequestAdapterOptions): Promise<GPUAdapter | null> {
  try {
    return await gpu.requestAdapter(options)
  } catch (cause) {
    // Dawn lists the adapters there are when a name fits none.
    const message = cause instanceof Error ? cause.message : String(cause)
    throw new WeftError({ where: 'webgpu', what: message.replace(/\s*\n\s*\*?\s*/g, ' ').trim(), cause })
  }
}

/**
 * Opens an adapter. Throws a WeftError that says why there is none. While the backend is open the process stays alive;
 * after `close()` it may end.
 */
export async function openWebGpu(options: WebGpuOptions = {}): Promise<WebGpuBackend> {
  let gpu: GPU | null = await dawn(options)
  let adapter = await request(gpu, { powerPreference: 'high-performance' })
  // Dawn's fallback adapter is SwiftShader alone: another software adapter comes as an ordinary one, if it is the only one.
  if (options.software && adapter !== null && !isSoftware(adapter.info)) adapter = await request(gpu, { forceFallbackAdapter: true })
  if (adapter === null) throw new WeftError({ where: 'webgpu', what: whyNoAdapter() })
  const software = isSoftware(adapter.info)
  if (software && !options.software) {
    throw new WeftError({ where: 'webgpu', what: `no GPU, only a software adapter (${describe(adapter.info)})` })
  }
  const language = new Set(gpu.wgslLanguageFeatures)
  return WebGpuBackend.of(adapter, {
    language,
    threads: availableParallelism(),
    memory: software ? () => ({ free: freemem(), total: totalmem() }) : await videoMemory(adapter.info),
    // Dawn keeps Node's event loop alive for as long as its GPU object is referenced.
    release: () => { gpu = null },
  })
}

/** Every adapter Dawn offers: the one it prefers, and a software one. Throws a WeftError if there is none at all. */
export async function webGpuAdapters(): Promise<readonly WebGpuAdapterInfo[]> {
  const gpu = await dawn({})
  const found = new Map<string, WebGpuAdapterInfo>()
  for (const options of [{ powerPreference: 'high-performance' }, { powerPreference: 'low-power' }, { forceFallbackAdapter: true }] as const) {
    const adapter = await request(gpu, options)
    if (adapter === null) continue
    const { info } = adapter
    found.set(describe(info), { description: describe(info), software: isSoftware(info), features: [...adapter.features].sort(), maxBufferBytes: adapter.limits.maxBufferSize })
  }
  if (found.size === 0) throw new WeftError({ where: 'webgpu', what: whyNoAdapter() })
  return [...found.values()]
}

/** What is missing for an adapter beside the loader, as far as files tell. */
export function whyNoAdapter(platform: NodeJS.Platform = process.platform, env: NodeJS.ProcessEnv = process.env): string {
  if (platform !== 'linux') return 'no adapter: no graphics driver offers one'
  const given = env['VK_DRIVER_FILES'] ?? env['VK_ICD_FILENAMES']
  const folders = ['/usr/share/vulkan/icd.d', '/etc/vulkan/icd.d', '/usr/local/share/vulkan/icd.d']
  const drivers = given !== undefined
    ? given.split(':').filter(f => existsSync(f))
    : folders.filter(f => existsSync(f)).flatMap(f => readdirSync(f).filter(n => n.endsWith('.json')))
  if (drivers.length === 0) return `no Vulkan driver: ${given !== undefined ? `VK_DRIVER_FILES names no file that exists (${given})` : `no ICD file in ${folders.join(', ')}`}`
  return `no adapter: the Vulkan drivers found (${drivers.join(', ')}) offer no device`
}
