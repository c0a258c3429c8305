/**
 * The options that several commands share, and their translation to the library's. Ranges are checked here and not by
 * yargs, so that every wrong value gets an error of one form: the option, what was expected, what was given.
 */
import type { InferredOptionTypes, Options } from 'yargs'
import type { DeviceName, GenerateOptions, LoadOptions } from '../engine/types.js'
import { wrongOption } from './command.js'

export const modelOption = {
  model: { type: 'string', requiresArg: true, describe: 'Folder, .gguf, .safetensors or .dat file, or a model of the Hugging Face hub: organization/repository', defaultDescription: 'the built-in model' },
} as const satisfies Readonly<Record<string, Options>>

export const loadOptions = {
  device: { type: 'string', requiresArg: true, default: 'auto', describe: 'auto, wasm, webgpu, cuda, cuda:1 (the second GPU) or reference (the evaluator)' },
  compute: { choices: ['f32', 'f16', 'i16'], requiresArg: true, describe: 'What operands of products are rounded to; f16 on a GPU, and then of the cache too, i16 on a processor', defaultDescription: 'f16 on a GPU that has it, i16 on a processor, else f32' },
  'kv-type': { choices: ['f32', 'f16'], requiresArg: true, describe: 'Storage of the KV cache', defaultDescription: 'f16 where --compute is, else f32' },
  threads: { type: 'number', requiresArg: true, describe: 'CPU threads of the wasm device', defaultDescription: 'all cores' },
  context: { type: 'number', requiresArg: true, describe: 'Context limit in tokens', defaultDescription: 'the model\'s own, at most 32768' },
  'no-fuse': { type: 'boolean', default: false, describe: 'Turn the fusion rules off, to bisect' },
} as const satisfies Readonly<Record<string, Options>>

const fromModel = 'the model\'s generation_config.json'

export const generateOptions = {
  system: { type: 'string', requiresArg: true, describe: 'System prompt' },
  'max-tokens': { type: 'number', requiresArg: true, default: 512, describe: 'Tokens to generate at most' },
  temperature: { type: 'number', requiresArg: true, describe: '0 always takes the likeliest token', defaultDescription: `${fromModel}, else 0` },
  'top-k': { type: 'number', requiresArg: true, describe: 'Sample among the k likeliest tokens; 0 for all', defaultDescription: `${fromModel}, else 0` },
  'top-p': { type: 'number', requiresArg: true, describe: 'Sample among the likeliest tokens that hold this probability', defaultDescription: `${fromModel}, else 1` },
  'min-p': { type: 'number', requiresArg: true, describe: 'Leave out tokens below this share of the likeliest one\'s probability', defaultDescription: `${fromModel}, else 0` },
  'repeat-penalty': { type: 'number', requiresArg: true, describe: 'Divide the logits of tokens that occurred', defaultDescription: `${fromModel}, else 1` },
  seed: { type: 'number', requiresArg: true, describe: 'Seed of the draws: the same seed gives the same text', defaultDescription: 'random' },
  stop: { type: 'string', array: true, requiresArg: true, describe: 'End before this text; may be given several times' },
} as const satisfies Readonly<Record<string, Options>>

export type LoadArguments = InferredOptionTypes<typeof loadOptions>
export type GenerateArguments = InferredOptionTypes<typeof generateOptions>

/** What was asked of `load`. Throws a WeftError with exit code 2. */
export function loadOptionsOf(argv: LoadArguments): LoadOptions {
  return given<LoadOptions>({
    device: deviceOf(argv.device),
    compute: argv.compute,
    kvType: argv['kv-type'],
    threads: integer('--threads', argv.threads, 1, 256),
    context: integer('--context', argv.context, 1, 2 ** 24),
    fuse: argv['no-fuse'] ? false : undefined,
  })
}

/** What was asked of `generate`. Throws a WeftError with exit code 2. */
export function generateOptionsOf(argv: GenerateArguments): GenerateOptions {
  return given<GenerateOptions>({
    system: argv.system,
    maxTokens: integer('--max-tokens', argv['max-tokens'], 1, 2 ** 24),
    temperature: number('--temperature', argv.temperature, 0, 100),
    topK: integer('--top-k', argv['top-k'], 0, 2 ** 24),
    topP: number('--top-p', argv['top-p'], 0, 1),
    minP: number('--min-p', argv['min-p'], 0, 1),
    repeatPenalty: number('--repeat-penalty', argv['repeat-penalty'], 0.01, 100),
    seed: integer('--seed', argv.seed, 0, Number.MAX_SAFE_INTEGER),
    stop: stopOf(argv.stop),
  })
}

/** The device's name. Throws a WeftError with exit code 2 for an unknown one, naming the option; whether it is there is the engine's to say. */
export function deviceOf(name: string, option = '--device'): DeviceName {
  if (/^(auto|wasm|webgpu|cuda|cuda:\d{1,3}|reference)$/.test(name)) return name as DeviceName
  throw wrongOption(option, 'unknown device', 'auto, wasm, webgpu, cuda, cuda:N or reference', JSON.stringify(name))
}

/** An integer within [least, most], or undefined where none was given. Throws a WeftError with exit code 2. */
export function integer(option: string, value: number | undefined, least: number, most: number): number | undefined {
  if (value === undefined || (Number.isSafeInteger(value) && value >= least && value <= most)) return value
  throw wrongOption(option, 'wrong value', `an integer from ${least} to ${most}`, shown(value))
}

function number(option: string, value: number | undefined, least: number, most: number): number | undefined {
  if (value === undefined || (value >= least && value <= most)) return value
  throw wrongOption(option, 'wrong value', `a number from ${least} to ${most}`, shown(value))
}

/** A number above 0, or undefined where none was given. Throws a WeftError with exit code 2. */
export function positive(option: string, value: number | undefined, most: number): number | undefined {
  if (value === 0) throw wrongOption(option, 'wrong value', 'a number above 0', '0')
  return number(option, value, 0, most)
}

function stopOf(stop: readonly string[] | undefined): readonly string[] | undefined {
  if (stop?.includes('')) throw wrongOption('--stop', 'empty text')
  return stop
}

function shown(value: number): string {
  return Number.isNaN(value) ? 'no number' : String(value)
}

/** The object without its undefined properties: an option not given is absent. */
export function given<T extends object>(values: { readonly [K in keyof T]: T[K] | undefined }): T {
  return Object.fromEntries(Object.entries(values).filter(([, v]) => v !== undefined)) as T
}
