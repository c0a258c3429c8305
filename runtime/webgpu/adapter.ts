/**
 * What an adapter is and can do: its capabilities as kernels are rendered for, the features and limits to ask a device
 * for, and whether a processor stands behind it. Nothing here is of Node: an adapter of a browser is read the same way.
 */
import { matrixShape } from '../../codegen/intrinsics.js'
import type { Caps } from '../../codegen/caps.js'

/** Dawn's list of matrix shapes, which the type package lacks. */
interface MatrixConfig {
  readonly componentType: string
  readonly resultComponentType: string
  readonly M: number
  readonly N: number
  readonly K: number
}

const wantedFeatures: readonly string[] = ['shader-f16', 'subgroups', 'subgroup-size-control', 'timestamp-query', 'chromium-experimental-subgroup-matrix']

const wantedLimits = [
  'maxBufferSize', 'maxStorageBufferBindingSize', 'maxStorageBuffersPerShaderStage', 'maxComputeWorkgroupStorageSize',
  'maxComputeInvocationsPerWorkgroup', 'maxComputeWorkgroupSizeX', 'maxComputeWorkgroupsPerDimension',
] as const satisfies readonly (keyof GPUSupportedLimits)[]

/** WebGPU does not tell how many multiprocessors a chip has: those of large chips, by the adapter's name. */
const unitsByChip: readonly (readonly [RegExp, number])[] = [[/\bh[12]00\b/i, 132], [/\ba100\b/i, 108], [/\b5090\b/, 170], [/\b4090\b/, 128]]
/** Otherwise a middle-sized chip of the vendor: a schedule only asks whether it makes enough tiles. */
const unitsByVendor: Readonly<Record<string, number>> = { nvidia: 80, amd: 48, intel: 32, apple: 16, qualcomm: 8, arm: 8 }

/** Whether a processor does the work of a GPU. */
export function isSoftware(info: GPUAdapterInfo): boolean {
  return info.isFallbackAdapter === true || /swiftshader|llvmpipe|lavapipe|basic render/i.test(`${info.architecture} ${info.device} ${info.description}`)
}

/** Chip and driver in one line. */
export function describe(info: GPUAdapterInfo): string {
  const driver = info.description.trim()
  const chip = info.device.replace(/-+$/, '')
  // On some drivers the description names the driver alone: «NVIDIA: 580.159.04 …».
  if (isSoftware(info) && driver) return driver
  return [chip, driver].filter(Boolean).join(', ') || [info.vendor, info.architecture].filter(Boolean).join(' ') || 'unnamed adapter'
}

function chipName(info: GPUAdapterInfo): string {
  if (/swiftshader/i.test(describe(info))) return 'SwiftShader'
  if (/llvmpipe/i.test(describe(info))) return 'llvmpipe'
  // Dawn writes the device's name with dashes for what is no letter: nvidia-h200.
  return info.device.replace(/-+$/, '') || describe(info)
}

function unitsOf(info: GPUAdapterInfo): number {
  const named = unitsByChip.find(([name]) => name.test(`${info.device} ${info.description}`))
  return named?.[1] ?? unitsByVendor[info.vendor.toLowerCase()] ?? 1
}

/** What to ask `requestDevice` for: every feature weft has a use for, and the most the adapter gives. */
export function deviceDescriptor(adapter: GPUAdapter): GPUDeviceDescriptor {
  return {
    label: 'weft',
    requiredFeatures: wantedFeatures.filter(f => adapter.features.has(f)) as GPUFeatureName[],
    requiredLimits: Object.fromEntries(wantedLimits.map(name => [name, adapter.limits[name]])),
  }
}

function offersMatrix(info: GPUAdapterInfo & { readonly subgroupMatrixConfigs?: Iterable<MatrixConfig> }): boolean {
  const { m, n, k } = matrixShape
  return [...(info.subgroupMatrixConfigs ?? [])].some(c => c.componentType === 'f16' && c.resultComponentType === 'f32' && c.M === m && c.N === n && c.K === k)
}

/**
 * Capabilities of a device. `keepsF16` says whether f16 subnormals were seen to survive: where they do not, f16 is not
 * offered. Subgroup operations are offered where kernels may also ask which subgroup they are (`subgroup_id`) and,
 * if sizes vary, which size they get.
 */
export function capsOf(device: GPUDevice, info: GPUAdapterInfo, language: { has(name: string): boolean }, keepsF16: boolean, threads: number): Caps {
  const has = (name: string): boolean => device.features.has(name)
  const { subgroupMinSize: min, subgroupMaxSize: max } = info
  const sized = typeof min === 'number' && typeof max === 'number' && min > 0 && (min === max || has('subgroup-size-control'))
  const subgroup = has('subgroups') && language.has('subgroup_id') && sized ? { min, max } : null
  const f16 = has('shader-f16') && keepsF16
  const { limits } = device
  return {
    target: 'wgsl',
    chip: chipName(info),
    arch: null,
    subgroup,
    maxThreads: Math.min(limits.maxComputeInvocationsPerWorkgroup, limits.maxComputeWorkgroupSizeX),
    sharedBytes: limits.maxComputeWorkgroupStorageSize,
    f16,
    matrix: f16 && subgroup !== null && has('chromium-experimental-subgroup-matrix') && offersMatrix(info),
    tensorCopy: false,
    cluster: 1,
    simd: false,
    maxBuffers: limits.maxStorageBuffersPerShaderStage,
    maxBinding: limits.maxStorageBufferBindingSize,
    units: isSoftware(info) ? threads : unitsOf(info),
  }
}
