/**
 * How much memory a GPU has and how much of it is free, which WebGPU does not tell: NVIDIA's management library and the files of
 * Linux's amdgpu driver do. Cards are found by the adapter's name or vendor; where several fit, which of them Dawn took is not
 * known, and the one with the most free memory speaks for all, so that a model is refused only where no card could hold it.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { MemoryInfo } from '../backend.js'
import { openLibrary } from '../library.js'

const unknown: MemoryInfo = { free: null, total: null }

/** The card with the most free memory of those that could be meant. */
export function roomiest(cards: readonly MemoryInfo[]): MemoryInfo {
  return cards.reduce((best, card) => ((card.free ?? -1) > (best.free ?? -1) ? card : best), unknown)
}

/** Names as Dawn writes them: «NVIDIA H200» is `nvidia-h200`. */
const plain = (name: string): string => name.toLowerCase().replace(/[^a-z0-9]+/g, '-').replace(/^-|-$/g, '')

/** Cards of amdgpu: `mem_info_vram_total` and `mem_info_vram_used`, in bytes (the kernel's documentation of amdgpu, «Memory usage»). */
export function amdCards(drm: string): readonly MemoryInfo[] {
  if (!existsSync(drm)) return []
  const bytes = (path: string): number | null => {
    const text = existsSync(path) ? readFileSync(path, 'utf8').trim() : ''
    return /^\d+$/.test(text) ? Number(text) : null
  }
  return readdirSync(drm).filter(name => /^card\d+$/.test(name)).flatMap(name => {
    const of = (file: string): number | null => bytes(join(drm, name, 'device', file))
    const [total, used] = [of('mem_info_vram_total'), of('mem_info_vram_used')]
    return total === null || used === null ? [] : [{ free: Math.max(0, total - used), total }]
  })
}

/** What the management library says of each card (nvml.h); none where there is no such library. */
async function nvidiaCards(device: string, platform: NodeJS.Platform): Promise<() => readonly MemoryInfo[]> {
  const library = await openLibrary('the NVIDIA management library', platform === 'win32' ? ['nvml.dll'] : ['libnvidia-ml.so.1'])
  const { func } = library
  const count = func<(n: (number | null)[]) => number>('int nvmlDeviceGetCount_v2(_Out_ unsigned int *deviceCount)')
  const handleOf = func<(index: number, handle: (bigint | null)[]) => number>('int nvmlDeviceGetHandleByIndex_v2(unsigned int index, _Out_ void **device)')
  const nameOf = func<(handle: bigint, name: Uint8Array, length: number) => number>('int nvmlDeviceGetName(void *device, void *name, unsigned int length)')
  const memoryOf = func<(handle: bigint, memory: BigUint64Array) => number>('int nvmlDeviceGetMemoryInfo(void *device, void *memory)')
  if (func<() => number>('int nvmlInit_v2()')() !== 0) return () => []
  const cards: bigint[] = []
  const counted: (number | null)[] = [null]
  if (count(counted) !== 0) return () => []
  for (let i = 0; i < counted[0]!; i++) {
    const handle: (bigint | null)[] = [null]
    const name = new Uint8Array(96)
    if (handleOf(i, handle) !== 0 || nameOf(handle[0]!, name, name.length) !== 0) continue
    if (plain(Buffer.from(name.subarray(0, name.indexOf(0))).toString()) === plain(device)) cards.push(handle[0]!)
  }
  return () => cards.flatMap(card => {
    const memory = new BigUint64Array(3) // total, free, used
    return memoryOf(card, memory) === 0 ? [{ total: Number(memory[0]), free: Number(memory[1]) }] : []
  })
}

/** Memory of the card behind an adapter, asked anew at each call; unknown where its driver does not say. */
export async function videoMemory(info: { readonly vendor: string; readonly device: string }, platform: NodeJS.Platform = process.platform): Promise<() => MemoryInfo> {
  const vendor = info.vendor.toLowerCase()
  if (vendor === 'amd' && platform === 'linux') return () => roomiest(amdCards('/sys/class/drm'))
  if (vendor !== 'nvidia') return () => unknown
  const cards = await nvidiaCards(info.device, platform).catch(() => (): readonly MemoryInfo[] => [])
  return () => roomiest(cards())
}
