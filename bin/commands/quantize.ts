/** `weft quantize`: a model in fewer bits, with what each tensor lost. */
import { calibrate } from '../../engine/calibrate.js'
import type { ConvertReport } from '../../engine/convert.js'
import { quantizeModel, quantizeTypes } from '../../engine/quantize.js'
import { defineCommand, wrongOption } from '../command.js'
import { modelPath } from '../load.js'
import { readTextFile } from '../input.js'
import { given, integer, loadOptions, loadOptionsOf } from '../options.js'
import { table } from '../table.js'
import { bytes, note, progressBar } from '../terminal.js'

export const quantizeCommand = defineCommand({
  positionals: {
    in: { type: 'string', describe: 'Folder, .gguf, .safetensors or .dat file' },
    out: { type: 'string', describe: 'A new folder for safetensors, NAME.gguf or NAME.dat' },
  },
  options: {
    type: { choices: quantizeTypes, requiresArg: true, default: 'nvfp4', describe: 'What matrices become; q8_0, q4_0 and q4_1 in GGUF only' },
    search: { type: 'boolean', default: false, describe: 'Choose each block\'s scale by squared error' },
    calibrate: { type: 'string', requiresArg: true, describe: 'Text file: weigh errors by the activations on it; implies --search' },
    'calibrate-tokens': { type: 'number', requiresArg: true, default: 8192, describe: 'Tokens of the text that are read at most' },
    device: loadOptions.device,
    threads: loadOptions.threads,
    json: { type: 'boolean', default: false, describe: 'Print one JSON object' },
  },
  async run(argv) {
    if (argv.in === undefined || argv.out === undefined) throw wrongOption('quantize', 'missing', 'weft quantize IN OUT')
    const from = await modelPath(argv.in)
    const tokens = integer('--calibrate-tokens', argv['calibrate-tokens'], 2, 2 ** 24)!
    const load = loadOptionsOf({ device: argv.device, threads: argv.threads, compute: undefined, 'kv-type': undefined, context: undefined, 'no-fuse': false })
    const text = argv.calibrate === undefined ? null : readTextFile(argv.calibrate)
    const importance = text === null ? undefined : await calibrate(from, text, tokens, { ...load, compute: 'f32', onNotice: note })
    if (importance !== undefined) note(`calibrated ${importance.size} weights on ${argv.calibrate}`)
    const progress = await progressBar()
    try {
      const report = await quantizeModel(from, argv.out, given({ type: argv.type, search: argv.search || text !== null, importance, onProgress: progress.update }))
      progress.end()
      process.stdout.write(argv.json ? `${JSON.stringify(report)}\n` : describeQuantization(report))
    } finally {
      progress.end()
    }
    return 0
  },
})

/** A line for each tensor that changed, and totals. */
export function describeQuantization(r: ConvertReport): string {
  const figure = (value: number): string => (value === 0 ? '0' : value.toExponential(2))
  const rows = r.tensors.filter(t => t.from !== t.to && t.loss !== null).map(({ name, from, to, loss }) =>
    [name, from, to, figure(loss!.relative), figure(loss!.largest), `${(-20 * Math.log10(loss!.relative)).toFixed(1)} dB`])
  const [size, values] = [r.tensors.reduce((n, t) => n + t.bytes, 0), r.tensors.reduce((n, t) => n + t.values, 0)]
  const kept = r.tensors.length - rows.length
  const notes = r.notes.map(n => `${n}\n`).join('')
  return `${table([['tensor', 'from', 'to', 'relative error', 'largest', 'signal to noise'], ...rows], [3, 4, 5])}${notes}${r.to}: ${rows.length} tensors quantized, ${kept} as they were; ${bytes(size)}, ${((size * 8) / values).toFixed(2)} bits a weight\n`
}
