/**
 * WebGPU for tests on machines without a GPU: SwiftShader, which comes with the npm package `@sparticuz/chromium`
 * together with a Vulkan loader, and Mesa's lavapipe where it is installed (it adds f16). SwiftShader is unpacked once
 * into a cache folder. Vulkan reads its environment whenever an instance is made, so that one process can use both in turn;
 * the loader, where the system has none, is loaded before Dawn asks for it by name.
 *
 * With WEFT_TEST_GPU=1 the same suites run on the machine's real GPU instead.
 */
import koffi from 'koffi'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { brotliDecompressSync } from 'node:zlib'
import { openWebGpu, type WebGpuOptions } from '../../runtime/webgpu/open.js'
import type { WebGpuBackend } from '../../runtime/webgpu/backend.js'

export type SoftwareGpu = 'swiftshader' | 'lavapipe'

const wanted: ReadonlySet<string> = new Set(['libvk_swiftshader.so', 'libvulkan.so.1', 'vk_swiftshader_icd.json'])

/** Files of a tar archive, by name. */
function* untar(tar: Buffer): Generator<{ readonly name: string; readonly data: Buffer }> {
  const text = (at: number, bytes: number): string => tar.toString('latin1', at, at + bytes).split('\0')[0]!
  for (let at = 0; at + 512 <= tar.length && tar[at] !== 0;) {
    const size = parseInt(text(at + 124, 12), 8)
    yield { name: text(at, 100).replace(/^\.\//, ''), data: tar.subarray(at + 512, at + 512 + size) }
    at += 512 + Math.ceil(size / 512) * 512
  }
}

/** The folder SwiftShader lies in, unpacked on first use; null where the package or the platform lacks it. */
function swiftShaderFolder(): string | null {
  if (process.platform !== 'linux' || process.arch !== 'x64') return null
  let archive: string
  let version: string
  try {
    const entry = createRequire(import.meta.url).resolve('@sparticuz/chromium')
    const root = entry.slice(0, entry.lastIndexOf('chromium') + 'chromium'.length)
    archive = join(root, 'bin', 'swiftshader.tar.br')
    version = (JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { readonly version: string }).version
  } catch {
    return null
  }
  if (!existsSync(archive)) return null
  const folder = join(dirname(archive), '..', '..', '..', '.cache', 'weft', `swiftshader-${version}`)
  if (existsSync(folder)) return folder
  mkdirSync(dirname(folder), { recursive: true })
  const made = mkdtempSync(`${folder}-`)
  for (const { name, data } of untar(brotliDecompressSync(readFileSync(archive)))) {
    if (wanted.has(name)) writeFileSync(join(made, name), data, { mode: 0o755 })
  }
  try {
    renameSync(made, folder)
  } catch (cause) {
    rmSync(made, { recursive: true }) // another process was first
    if (!existsSync(folder)) throw cause
  }
  return folder
}

function lavapipeDriver(): string | null {
  const folder = '/usr/share/vulkan/icd.d'
  const file = existsSync(folder) ? readdirSync(folder).find(n => /^lvp_icd.*\.json$/.test(n)) : undefined
  return file === undefined ? null : join(folder, file)
}

/** What a child process needs in its environment to see this adapter and no other; null where it is not there. */
export function softwareGpuEnv(kind: SoftwareGpu): Record<string, string> | null {
  const swiftShader = swiftShaderFolder()
  const driver = kind === 'lavapipe' ? lavapipeDriver() : swiftShader && join(swiftShader, 'vk_swiftshader_icd.json')
  if (driver === null) return null
  const paths = [swiftShader, process.env['LD_LIBRARY_PATH']].filter(Boolean)
  return { VK_DRIVER_FILES: driver, VK_ICD_FILENAMES: driver, ...(paths.length > 0 ? { LD_LIBRARY_PATH: paths.join(':') } : {}) }
}

export interface TestGpu {
  readonly name: SoftwareGpu | 'gpu'
  /** Opens a backend of its own; the test closes it. */
  open(options?: WebGpuOptions): Promise<WebGpuBackend>
}

/** uvu takes a suite whose set-up fails for one that passed, without a word: the reason is said here, and the process fails. */
async function opened(backend: Promise<WebGpuBackend>): Promise<WebGpuBackend> {
  return backend.catch((e: unknown) => {
    console.error(e instanceof Error ? e.message : e)
    process.on('exit', () => { process.exitCode = 1 })
    throw e
  })
}

/** Keeps a loader in the process under the name Dawn looks for, where the system has none. */
function loadVulkan(): void {
  try {
    koffi.load('libvulkan.so.1', { global: true })
  } catch {
    const folder = swiftShaderFolder()
    if (folder !== null) koffi.load(join(folder, 'libvulkan.so.1'), { global: true })
  }
}

/**
 * The adapters to run suites on: the real GPU if WEFT_TEST_GPU=1, else every software adapter of this machine, or the
 * one that WEFT_TEST_ADAPTER names (the test runner gives each a process of its own).
 */
export function testGpus(): readonly TestGpu[] {
  if (process.env['WEFT_TEST_GPU'] === '1') return [{ name: 'gpu', open: options => opened(openWebGpu(options)) }]
  const only = process.env['WEFT_TEST_ADAPTER'] ?? ''
  return (['swiftshader', 'lavapipe'] as const).flatMap(name => {
    if (only !== '' && only !== name) return []
    const env = softwareGpuEnv(name)
    if (env === null) {
      console.log(`skipped: no ${name} on this machine`)
      return []
    }
    return [{
      name,
      open: (options: WebGpuOptions = {}) => {
        loadVulkan()
        const { LD_LIBRARY_PATH: _, ...vulkan } = env
        Object.assign(process.env, vulkan)
        return opened(openWebGpu({ software: true, ...options }))
      },
    }]
  })
}
