/** The commands of weft with what help says of them; their modules are imported when one is chosen. */
import type { Command } from '../command.js'

export interface CommandEntry {
  /** The command's name and positional arguments, as yargs reads them. */
  readonly usage: string
  readonly about: string
  readonly load: () => Promise<Command>
}

export const commands: readonly CommandEntry[] = [
  { usage: 'run [prompt]', about: 'Answer a prompt', load: async () => (await import('./run.js')).runCommand },
  { usage: 'chat', about: 'Talk in many turns', load: async () => (await import('./chat.js')).chatCommand },
  { usage: 'tokenize [text]', about: 'Turn text into token ids and back, and render conversations', load: async () => (await import('./tokenize.js')).tokenizeCommand },
  { usage: 'inspect [path]', about: 'Show a model\'s architecture and tensors without loading weights', load: async () => (await import('./inspect.js')).inspectCommand },
  { usage: 'pull <model>', about: 'Download a model from the Hugging Face hub, or what is new of it', load: async () => (await import('./pull.js')).pullCommand },
  { usage: 'list', about: 'Show the models in the cache that the Hugging Face tools share', load: async () => (await import('./list.js')).listCommand },
  { usage: 'rm <model>', about: 'Remove a model from that cache', load: async () => (await import('./rm.js')).rmCommand },
  { usage: 'devices', about: 'Show every device with what it can do, or why it is not available', load: async () => (await import('./devices.js')).devicesCommand },
  { usage: 'emit', about: 'Print graph, kernels, plan or device text of a model, for any chip, without it', load: async () => (await import('./emit.js')).emitCommand },
  { usage: 'trace', about: 'Write or show the output of every op for a prompt', load: async () => (await import('./trace.js')).traceCommand },
  { usage: 'perplexity [file]', about: 'Score a text, and compare with another model\'s probabilities', load: async () => (await import('./perplexity.js')).perplexityCommand },
  { usage: 'convert [in] [out]', about: 'Convert a model between safetensors, GGUF and .dat', load: async () => (await import('./convert.js')).convertCommand },
  { usage: 'quantize [in] [out]', about: 'Quantize a model\'s weights, with the error of each tensor', load: async () => (await import('./quantize.js')).quantizeCommand },
  { usage: 'check', about: 'Compare a model with a reference, or op by op with a trace or other devices', load: async () => (await import('./check.js')).checkCommand },
  { usage: 'bench [what]', about: 'Measure a model, its kernels one by one, or the device', load: async () => (await import('./bench.js')).benchCommand },
  { usage: 'tune', about: 'Find the fastest kernels for a model\'s shapes on a device', load: async () => (await import('./tune.js')).tuneCommand },
]
