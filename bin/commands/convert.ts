/** `weft convert`: a model in another format, with what could not be kept as it was. */
import { convertModel, type ConvertReport } from '../../engine/convert.js'
import { defineCommand, wrongOption } from '../command.js'
import { modelPath } from '../load.js'
import { table } from '../table.js'
import { bytes, progressBar } from '../terminal.js'

export const convertCommand = defineCommand({
  positionals: {
    in: { type: 'string', describe: 'Folder, .gguf, .safetensors or .dat file' },
    out: { type: 'string', describe: 'NAME.gguf, NAME.dat, or a new folder for safetensors' },
  },
  options: {
    float: { choices: ['f16', 'bf16', 'f32'], requiresArg: true, default: 'f16', describe: 'What weights become whose type the other format lacks' },
    json: { type: 'boolean', default: false, describe: 'Print one JSON object' },
  },
  async run(argv) {
    if (argv.in === undefined || argv.out === undefined) throw wrongOption('convert', 'missing', 'weft convert IN OUT')
    const from = await modelPath(argv.in)
    const progress = await progressBar()
    try {
      const report = await convertModel(from, argv.out, { float: argv.float, onProgress: progress.update })
      progress.end()
      process.stdout.write(argv.json ? `${JSON.stringify(report)}\n` : describeConversion(report))
    } finally {
      progress.end()
    }
    return 0
  },
})

/** A line for each pair of types, what was lost, and where the result is. */
export function describeConversion(r: ConvertReport): string {
  const kinds = [...new Set(r.tensors.map(t => `${t.from} ${t.to} ${t.loss === null}`))]
  const rows = kinds.map(kind => {
    const own = r.tensors.filter(t => `${t.from} ${t.to} ${t.loss === null}` === kind)
    const [first] = own
    const worst = Math.max(...own.map(t => t.loss?.relative ?? 0))
    const kept = first!.loss === null ? 'exact' : `rounded: relative error up to ${worst.toExponential(1)}`
    return [first!.from === first!.to ? first!.from : `${first!.from} as ${first!.to}`, `${own.length}`, bytes(own.reduce((n, t) => n + t.bytes, 0)), kept]
  })
  const lost = r.tensors.filter(t => t.loss !== null).length
  const verdict = lost === 0 && r.notes.length === 0 ? 'lossless' : `not lossless: ${[...(lost === 0 ? [] : [`${lost} tensors rounded`]), ...r.notes].join('; ')}`
  return `${table([['type', 'tensors', 'size', ''], ...rows], [1, 2])}${r.to}: ${verdict}\n`
}
