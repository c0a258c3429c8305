/**
 * `weft perplexity`: how well a model foresees a text, and how far it is from another: the figures by which users of
 * llama.cpp judge a quantization. Progress goes to standard error in the form they know.
 */
import { perplexity, scoredText, type Estimate, type PerplexityReport, type ScoredText } from '../../engine/perplexity.js'
import type { Model } from '../../engine/types.js'
import { WeftError } from '../../graph/error.js'
import { defineCommand, wrongOption } from '../command.js'
import { readTextFile } from '../input.js'
import { interruptedCode } from '../interrupt.js'
import { loadModel } from '../load.js'
import { given, integer, loadOptions, loadOptionsOf, modelOption } from '../options.js'
import { idsOf } from '../prompt.js'
import { table } from '../table.js'

export const perplexityCommand = defineCommand({
  positionals: { file: { type: 'string', describe: 'The text' } },
  options: {
    ...modelOption,
    'kl-against': { type: 'string', requiresArg: true, describe: 'Another model: divergence from its probabilities, and how often both choose the same token' },
    chunks: { type: 'number', requiresArg: true, describe: 'Score this many chunks at most', defaultDescription: 'all' },
    ids: { type: 'boolean', default: false, describe: 'The file holds token ids, separated by spaces, commas or line breaks' },
    ...loadOptions,
    context: { ...loadOptions.context, describe: 'Tokens of a chunk; its second half is scored', defaultDescription: '512, or the model\'s own where that is less' },
    json: { type: 'boolean', default: false, describe: 'Print one JSON object' },
  },
  async run(argv, interrupt) {
    const load = loadOptionsOf(argv)
    const chunks = integer('--chunks', argv.chunks, 1, 2 ** 24)
    if (argv.file === undefined) throw wrongOption('file', 'missing', 'the text to score')
    // One line break at the end is the file's, not the text's: llama-perplexity leaves it out too.
    const text = readTextFile(argv.file).replace(/\n$/, '')
    const model = await loadModel(argv.model, load)
    try {
      const against = argv['kl-against'] === undefined ? undefined : await loadModel(argv['kl-against'], load)
      try {
        const scored = argv.ids ? { ids: idsOf(text, argv.file), bos: null } : scoredText(model, text)
        if (against && !argv.ids) sameIds(scored, scoredText(against, text), against)
        let shown = false
        const report = await perplexity(model, scored, given({
          context: load.context, chunks, against, signal: interrupt.stoppable(),
          onChunk: (chunk: number, _all: number, soFar: number) => {
            shown = true
            process.stderr.write(`[${chunk}]${soFar.toFixed(4)},`)
          },
        })).finally(() => {
          if (shown) process.stderr.write('\n')
        })
        process.stdout.write(argv.json ? `${JSON.stringify({ ...report, model: model.source.path, against: against?.source.path ?? null, device: model.device })}\n` : describe(report))
        return interrupt.pressed ? interruptedCode : 0
      } finally {
        await against?.close()
      }
    } finally {
      await model.close()
    }
  },
})

/** Probabilities of one token can only be compared where both models mean the same text by it. */
function sameIds(own: ScoredText, other: ScoredText, against: Model): void {
  const at = own.ids.findIndex((id, i) => id !== other.ids[i])
  if (at < 0 && own.ids.length === other.ids.length) return
  throw new WeftError({ where: '--kl-against', what: `${against.source.path} splits the text otherwise: id ${Math.max(at, 0)}`, expected: String(own.ids[at]), got: String(other.ids[at]) })
}

function describe({ perplexity: own, divergence: d, chunks, context, tokens }: PerplexityReport): string {
  const figure = ({ value, error }: Estimate, digits: number): string => `${value.toFixed(digits)} ± ${error.toFixed(digits)}`
  const rows = [
    ['perplexity', figure(own, 4)],
    ...(d === null ? [] : [
      ['perplexity of the other', figure(d.perplexity, 4)],
      ['ln of their ratio', figure(d.logRatio, 6)],
      ['KL divergence, mean', figure(d.mean, 6)],
      ['KL divergence, median', d.median.toFixed(6)],
      ['KL divergence, 99%', d.p99.toFixed(6)],
      ['KL divergence, 99.9%', d.p999.toFixed(6)],
      ['KL divergence, maximum', d.largest.toFixed(6)],
      ['same top token', `${figure({ value: 100 * d.sameTop.value, error: 100 * d.sameTop.error }, 3)} %`],
      ['RMS Δp', `${(100 * d.rmsDeltaP).toFixed(3)} %`],
    ]),
  ]
  return `${table(rows)}${tokens} tokens scored in ${chunks} chunks of ${context}\n`
}
