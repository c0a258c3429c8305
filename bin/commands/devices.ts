/**
 * `weft devices`: every backend with its chip and what that can do, or why it is not available, and which of them `auto` takes.
 * Each is asked by itself, so that a driver that fails hides none of the others. `--caps` prints one of them as a file that
 * `weft emit --caps` takes, so that kernels for this chip can be made on another machine.
 */
import type { Caps } from '../../codegen/caps.js'
import type { Roof } from '../../codegen/roof.js'
import { knownRoof } from '../../engine/known-roof.js'
import { WeftError } from '../../graph/error.js'
import type { MemoryInfo } from '../../runtime/backend.js'
import { printCaps } from '../caps-file.js'
import { defineCommand, wrongOption } from '../command.js'
import { packageVersion } from '../package.js'
import { bytes } from '../terminal.js'

export interface DeviceReport {
  /** What `--device` calls it. */
  readonly name: string
  readonly available: boolean
  /** Driver and chip; why it is not available. */
  readonly description: string
  readonly caps: Caps | null
  readonly memory: MemoryInfo | null
  /** What it was measured to reach, where `weft bench` or `weft tune` ran on it. */
  readonly roof?: Roof | null
  /** WebGPU's features, as the adapter lists them. */
  readonly features?: readonly string[]
  /** Whether a processor does a GPU's work: taken when it is named, never by `auto`. */
  readonly software?: boolean
  /** Whether `--device auto` takes it. */
  readonly auto: boolean
}

type Found = Omit<DeviceReport, 'auto'>

export const devicesCommand = defineCommand({
  positionals: {},
  options: {
    json: { type: 'boolean', default: false, describe: 'Print a JSON array' },
    caps: { type: 'boolean', default: false, describe: 'Print what one device can do, as a file for weft emit --caps' },
    device: { type: 'string', requiresArg: true, default: 'auto', describe: 'The device of --caps: auto, wasm, webgpu, cuda or cuda:1' },
  },
  async run(argv) {
    if (argv.device !== 'auto' && !argv.caps) throw wrongOption('--device', 'given without --caps')
    const found = [...(await cudaReports()), ...(await webGpuReports()), await wasmReport(), reference]
    const taken = found.findIndex(d => d.available && d.software !== true)
    const devices = found.map((d, i): DeviceReport => ({ ...d, auto: i === taken }))
    process.stdout.write(argv.caps ? capsFile(devices, argv.device) : argv.json ? `${JSON.stringify(devices)}\n` : devices.map(describe).join(''))
    return 0
  },
})

const reference: Found = { name: 'reference', available: true, description: 'the evaluator, float64 on the CPU: for checks', caps: null, memory: null }

/** What `report` finds, or that the device is not available and why. */
async function orReason(name: string, report: () => Promise<readonly Found[]>): Promise<readonly Found[]> {
  try {
    return await report()
  } catch (error) {
    if (!(error instanceof WeftError)) throw error
    return [{ name, available: false, description: error.message, caps: null, memory: null }]
  }
}

function cudaReports(): Promise<readonly Found[]> {
  return orReason('cuda', async () => {
    const { cudaDevices } = await import('../../runtime/cuda/devices.js')
    const { devices, reason } = await cudaDevices()
    if (devices.length === 0) return [{ name: 'cuda', available: false, description: reason ?? 'no device', caps: null, memory: null }]
    return devices.map(d => ({ name: d.index === 0 ? 'cuda' : `cuda:${d.index}`, available: true, description: d.caps.chip, caps: d.caps, memory: { free: null, total: d.bytes }, roof: knownRoof({ name: 'cuda', caps: d.caps, description: d.caps.chip }) }))
  })
}

function webGpuReports(): Promise<readonly Found[]> {
  return orReason('webgpu', async () => {
    const { openWebGpu, webGpuAdapters } = await import('../../runtime/webgpu/open.js')
    const adapters = [...(await webGpuAdapters())].sort((a, b) => Number(a.software) - Number(b.software))
    // a software adapter matters only where there is no other
    const shown = adapters.some(a => !a.software) ? adapters.filter(a => !a.software).slice(0, 1) : adapters.slice(0, 1)
    return Promise.all(shown.map(async ({ description, software, features }) => {
      const backend = await openWebGpu({ software })
      try {
        return { name: 'webgpu', available: true, description: `${description}${software ? ' (software: a processor does the work)' : ''}`, caps: backend.caps, memory: backend.memory(), roof: knownRoof(backend), features, software }
      } finally {
        await backend.close()
      }
    }))
  })
}

async function wasmReport(): Promise<Found> {
  const { wasmCaps } = await import('../../runtime/wasm/backend.js')
  const { chipName, defaultThreads, relaxedSimd } = await import('../../runtime/wasm/machine.js')
  const { freemem, totalmem } = await import('node:os')
  const caps = wasmCaps(defaultThreads(), relaxedSimd(), chipName())
  return { name: 'wasm', available: true, description: caps.chip, caps, memory: { free: freemem(), total: totalmem() }, roof: knownRoof({ name: 'wasm', caps, description: caps.chip }) }
}

/** One device's capabilities, with driver, version and day. Throws a WeftError, with exit code 2 where no device has the name. */
function capsFile(devices: readonly DeviceReport[], name: string): string {
  const found = devices.find(d => (name === 'auto' ? d.auto : d.name === name))
  if (found === undefined) throw wrongOption('--device', 'no such device', `auto, ${devices.map(d => d.name).join(', ')}`, JSON.stringify(name))
  if (found.caps === null) throw new WeftError({ where: 'devices', what: found.available ? `${found.name} has no kernels` : `${found.name} is not available: ${found.description}` })
  return printCaps({ caps: found.caps, roof: found.roof ?? null, source: [`measured by weft ${packageVersion()} on ${new Date().toISOString().slice(0, 10)}: ${found.description}`] })
}

function describe(d: DeviceReport): string {
  const lines = [`${d.name.padEnd(10)} ${d.available ? '' : 'not available: '}${d.description}${d.auto ? '  [auto]' : ''}`]
  if (d.caps !== null) lines.push(`${''.padEnd(10)} ${capsLine(d.caps)}`)
  if (d.memory?.total != null) lines.push(`${''.padEnd(10)} memory ${bytes(d.memory.total)}${d.memory.free === null ? '' : `, ${bytes(d.memory.free)} free`}`)
  return `${lines.join('\n')}\n`
}

function capsLine(c: Caps): string {
  const { subgroup } = c
  const parts = [
    c.arch ?? c.target,
    c.simd ? `${c.units} threads` : `${c.units} units of up to ${c.maxThreads} threads`,
    ...(c.simd ? [] : [subgroup === null ? 'no subgroups' : `subgroups of ${subgroup.min === subgroup.max ? subgroup.min : `${subgroup.min} to ${subgroup.max}`}`]),
    ...(c.simd ? [] : [`${bytes(c.sharedBytes)} shared`]),
    ...(c.f16 && !c.simd ? ['f16'] : []),
    ...(c.matrix ? ['matrix units'] : []),
    `buffers up to ${bytes(c.maxBinding)}`,
  ]
  return parts.join(', ')
}
