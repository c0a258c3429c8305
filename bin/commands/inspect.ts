/** `weft inspect`: what a model is, from its headers alone. */
import { openModel } from '../../weights/open.js'
import { inspect, type InspectReport } from '../../weights/inspect.js'
import { defineCommand, wrongOption } from '../command.js'
import { modelOption } from '../options.js'
import { builtInModel } from '../../engine/load.js'
import { table } from '../table.js'
import { bytes, parameters } from '../terminal.js'

export const inspectCommand = defineCommand({
  positionals: { path: { type: 'string', describe: 'As --model' } },
  options: {
    ...modelOption,
    json: { type: 'boolean', default: false, describe: 'Print one JSON object' },
  },
  async run(argv) {
    if (argv.path !== undefined && argv.model !== undefined) throw wrongOption('--model', 'given together with a path', 'one of the two')
    const source = await openModel(argv.path ?? argv.model ?? builtInModel())
    source.close()
    const report = inspect(source)
    process.stdout.write(argv.json ? `${JSON.stringify(report)}\n` : describe(report))
    return 0
  },
})

function describe(r: InspectReport): string {
  const { config: c } = r
  const windows = c.windows.filter(w => w !== null)
  const facts = [
    ['model', r.path],
    ['format', r.format],
    ['architecture', `${c.architecture}, ${c.layers} layers, hidden ${c.hidden}, intermediate ${c.intermediate}, vocabulary ${c.vocab}`],
    ['attention', `${c.heads} heads of ${c.headDim}, ${c.kvHeads} for keys and values${c.qkNorm ? ', q and k normed' : ''}${c.qkvBias ? ', biases' : ''}${windows.length > 0 ? `, window ${windows[0]} in ${windows.length} layers` : ''}`],
    ['positions', `${c.maxPositions}, RoPE theta ${c.rope.theta}, scaling ${c.rope.scaling.type}`],
    ['head', c.tiedHead ? 'tied to the embedding' : 'its own'],
    ['tokenizer', r.tokenizer ?? 'none'],
    ['template', r.chatTemplate ? 'yes' : 'none'],
    ['sampling', samplingLine(r)],
    ['size', `${parameters(r.parameters)} parameters, ${bytes(r.bytes)}`],
    ...(r.notice === null ? [] : [['notice', r.notice]]),
    ...(r.ignored.length === 0 ? [] : [['not used', r.ignored.join(', ')]]),
  ]
  const types = r.types.map(t => [t.type, `${t.tensors}`, parameters(t.parameters), bytes(t.bytes), ((t.bytes * 8) / t.parameters).toFixed(2)])
  const tensors = r.tensors.map(t => [t.name, t.type, t.shape.join(' × '), bytes(t.bytes)])
  return [
    table(facts),
    table([['type', 'tensors', 'parameters', 'size', 'bits each'], ...types], [1, 2, 3, 4]),
    table([['tensor', 'type', 'shape', 'size'], ...tensors], [3]),
  ].join('\n')
}

function samplingLine({ generation: g }: InspectReport): string {
  const { stopIds, ...rest } = g
  const parts = Object.entries(rest).map(([name, value]) => `${name} ${value}`)
  return [...(parts.length === 0 ? ['greedy'] : parts), `stop ids ${stopIds.length === 0 ? 'none' : stopIds.join(' ')}`].join(', ')
}
