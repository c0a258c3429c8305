/**
 * Small repositories on a server that behaves as the hub, and a way to locate models there with faults planted: what the suites
 * of downloads share.
 */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import * as assert from 'uvu/assert'
import { locateModel, type PullInternals } from '../../engine/hub/pull.js'
import type { HubSettings } from '../../engine/hub/settings.js'
import { WeftError } from '../../graph/error.js'
import { fixture, makeFolder, safetensorsBytes } from '../weights-make.js'
import { fakeHub, type Fault, type Seen } from './hub-server.js'

export const hub = await fakeHub()

export const config = readFileSync(fixture('models/qwen3/config.json'))
export const weights = readFileSync(fixture('models/qwen3/model.safetensors'))
export const gguf = readFileSync(fixture('gguf/qwen3-q8_0/model.gguf'))
export const rest = Buffer.from('not wanted'.repeat(2000))

hub.repos['tiny/qwen3'] = { files: { 'config.json': config, 'model.safetensors': weights, 'README.md': Buffer.from('# no'), 'pytorch_model.bin': rest, 'onnx/model.onnx': rest, 'generation_config.json': Buffer.from('{}') } }
hub.repos['tiny/gguf'] = { files: { 'a-Q8_0.gguf': gguf, 'b-F16.gguf': gguf, 'deep/c.gguf': gguf, 'config.json': config } }
hub.repos['tiny/one'] = { files: { 'only.gguf': gguf, 'README.md': Buffer.from('x') } }
hub.repos['tiny/parts'] = { files: { 'q/m-00001-of-00002.gguf': gguf, 'q/m-00002-of-00002.gguf': rest, 'q/n-00001-of-00002.gguf': rest } }
hub.repos['tiny/sharded'] = { files: { 'config.json': config, ...shards() }, branches: { dev: 'd'.repeat(40), 'feature/x': 'e'.repeat(40) } }
hub.repos['tiny/empty'] = { files: { 'README.md': Buffer.from('x'), 'pytorch_model.bin': rest } }
hub.repos['tiny/private'] = { files: hub.repos['tiny/qwen3'].files, token: 'secret-token' }
hub.repos['tiny/gated'] = { files: hub.repos['tiny/qwen3'].files, token: 'secret-token', gated: true }

/** The weights of the tiny Qwen3 in two files with an index. */
function shards(): Readonly<Record<string, Uint8Array>> {
  const length = Number(weights.readBigUInt64LE())
  const { __metadata__: _, ...header } = JSON.parse(weights.toString('utf8', 8, 8 + length)) as Record<string, { data_offsets: [number, number] }>
  const names = Object.keys(header)
  const map: Record<string, string> = {}
  const files = [names.slice(0, 9), names.slice(9)].map((own, i) => {
    const file = `model-0000${i + 1}-of-00002.safetensors`
    let at = 0
    const parts = own.map(name => {
      map[name] = file
      const [from, to] = header[name]!.data_offsets
      return [name, { ...header[name]!, data_offsets: [at, (at += to - from)] }, weights.subarray(8 + length + from, 8 + length + to)] as const
    })
    return [file, Buffer.concat([safetensorsBytes(Object.fromEntries(parts.map(([n, e]) => [n, e]))), ...parts.map(([, , data]) => data)])] as const
  })
  return { ...Object.fromEntries(files), 'model.safetensors.index.json': Buffer.from(JSON.stringify({ weight_map: map })), 'model-00003-of-00003.safetensors': rest }
}

export const fresh = (more: Partial<HubSettings> = {}): HubSettings => ({ endpoint: hub.endpoint, cache: join(makeFolder(), 'hub'), token: null, offline: false, ...more })
export const waits: number[] = []
const internals = (settings: HubSettings): PullInternals => ({ settings, sleep: async ms => void waits.push(ms) })
export const notices: string[] = []

/** Locates a model with faults planted; the requests it took are in `hub.seen`. */
export async function locate(model: string, settings: HubSettings, fault: (s: Seen, count: number) => Fault | null = () => null, more: PullInternals = {}): Promise<string> {
  hub.forget()
  waits.length = notices.length = 0
  hub.fault = fault
  return locateModel(model, { onNotice: line => notices.push(line) }, { ...internals(settings), ...more })
}

export async function fails(model: string, settings: HubSettings, wanted: RegExp, fault?: (s: Seen, count: number) => Fault | null, more?: PullInternals): Promise<void> {
  const error: unknown = await locate(model, settings, fault, more).then(() => null, (e: unknown) => e)
  assert.instance(error, WeftError, String(error))
  assert.match((error as WeftError).message, wanted)
  assert.is((error as WeftError).exitCode, 1)
}

export const fetched = (): readonly string[] => hub.seen.filter(s => s.path.includes('/resolve/')).map(s => s.path.split('/').slice(5).join('/')).sort()
export const large = (s: Seen): boolean => s.host === 'cdn'
export const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')
