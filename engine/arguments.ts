/**
 * What a program hands to the library, checked before anything is done with it: JavaScript calls with any value, and a wrong one would
 * else surface far from where it was given, or never. The command line checks its own options, by their own names.
 */
import { WeftError } from '../graph/error.js'
import type { ModelSource } from '../weights/model.js'
import { checkSamplerOptions } from './sampler.js'
import type { GenerateOptions, LoadOptions, Message } from './types.js'

const most = 2 ** 24

/** Throws a WeftError that names what is wrong of what was given to `load`. The device's name is checked where the device is chosen. */
export function checkLoad(path: string | ModelSource | null, options: LoadOptions): void {
  const open = typeof path === 'object' && path !== null && path.tensors instanceof Map
  if (path !== null && !open && (typeof path !== 'string' || path === '')) wrong('model', 'no path', 'a path, a name on the hub, or null for the built-in model', path)
  oneOf('--compute', options.compute, ['f32', 'f16', 'i16'])
  oneOf('--kv-type', options.kvType, ['f32', 'f16'])
  whole('--context', options.context)
  whole('load', options.chunk, 'chunk')
  whole('load', options.sequences, 'sequences')
}

/** Throws a WeftError that names the option of `generate` that is wrong, whether or not this text would depend on it. */
export function checkGenerateOptions(options: GenerateOptions): void {
  whole('generate', options.maxTokens, 'maxTokens')
  checkSamplerOptions(options)
  const { stop, system } = options
  if (stop !== undefined && !(Array.isArray(stop) && stop.every(text => typeof text === 'string'))) wrong('generate', 'stop', 'an array of texts', stop)
  if (system !== undefined && typeof system !== 'string') wrong('generate', 'system', 'a text', system)
}

/** Throws a WeftError where a prompt is neither text nor messages nor ids. */
export function checkPrompt(prompt: string | readonly Message[] | Uint32Array): void {
  const messages = Array.isArray(prompt) && prompt.every(message => typeof message === 'object' && message !== null && typeof (message as Message).role === 'string')
  if (typeof prompt !== 'string' && !(prompt instanceof Uint32Array) && !messages) wrong('prompt', 'neither text nor messages nor ids', 'a string, an array of messages with a role, or a Uint32Array', prompt)
}

function whole(where: string, value: number | undefined, what = 'wrong value'): void {
  if (value !== undefined && !(Number.isInteger(value) && value >= 1 && value <= most)) wrong(where, what, `an integer from 1 to ${most}`, value)
}

function oneOf(where: string, value: string | undefined, choices: readonly string[]): void {
  if (value !== undefined && !choices.includes(value)) wrong(where, 'wrong value', choices.join(', '), value)
}

function wrong(where: string, what: string, expected: string, got: unknown): never {
  throw new WeftError({ where, what, expected, got: Array.isArray(got) ? 'an array of something else' : typeof got === 'string' ? JSON.stringify(got.slice(0, 40)) : String(got), exitCode: 2 })
}
