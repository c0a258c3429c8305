/**
 * `weft trace`: every op's output for a prompt, as a file for `weft check --trace` and other programs, or as a table of
 * what it looks like. The table goes to standard output, as does nothing where a file is written.
 */
import { checkPattern, matches, opNames, runTraced, TraceRecorder, type Traced } from '../../engine/trace.js'
import { writeTrace } from '../../engine/trace-file.js'
import { tally } from '../../weights/tally.js'
import { defineCommand, wrongOption } from '../command.js'
import { loadModel } from '../load.js'
import { integer, loadOptions, loadOptionsOf, modelOption } from '../options.js'
import { hasPrompt, promptOptions, tracedPrompt } from '../prompt.js'
import { table } from '../table.js'
import { note } from '../terminal.js'

export const traceCommand = defineCommand({
  positionals: {},
  options: {
    ...modelOption,
    ...promptOptions,
    ops: { type: 'string', requiresArg: true, default: '*', describe: 'Names of ops to trace; * stands for any text, commas separate patterns' },
    out: { type: 'string', requiresArg: true, describe: 'Write a safetensors file', defaultDescription: 'print a table' },
    chunk: { type: 'number', requiresArg: true, describe: 'Prompt ids handed over at a time; 1 is token by token', defaultDescription: 'all' },
    ...loadOptions,
  },
  async run(argv) {
    const load = loadOptionsOf(argv)
    const chunk = integer('--chunk', argv.chunk, 1, 2 ** 24)
    if (!hasPrompt(argv)) throw wrongOption('--prompt', 'missing', '--prompt or --ids')
    const recorder = new TraceRecorder(matches(argv.ops))
    const model = await loadModel(argv.model, { ...load, trace: recorder })
    try {
      checkPattern(argv.ops, opNames(model.config))
      const prompt = tracedPrompt(model, argv)
      await runTraced(model, prompt.ids, chunk)
      const tensors = recorder.tensors()
      const rows = Math.min(...[...tensors.values()].map(t => t.shape[0]!))
      if (rows < prompt.ids.length) note(`stopped after ${rows} of ${prompt.ids.length} tokens: the logits are not finite`)
      if (argv.out === undefined) process.stdout.write(describe([...tensors.values()]))
      else {
        writeTrace(argv.out, { ...prompt, ids: prompt.ids.subarray(0, rows), chunk: chunk ?? null, maker: `weft on ${model.device}, ${model.compute}`, tensors })
        note(`${tensors.size} ops of ${rows} tokens written to ${argv.out}`)
      }
      return 0
    } finally {
      await model.close()
    }
  },
})

function describe(tensors: readonly Traced[]): string {
  const rows = tensors.map(({ name, shape, data }) => {
    const { least, most, mean, rms, notNumbers } = tally(data)
    return [name, shape.join(' × '), ...[least, most, mean, rms].map(v => v.toPrecision(6)), String(notNumbers)]
  })
  return table([['op', 'shape', 'minimum', 'maximum', 'mean', 'rms', 'NaN'], ...rows], [2, 3, 4, 5, 6])
}
