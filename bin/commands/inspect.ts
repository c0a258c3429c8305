/** `weft inspect`: what a model is, from its headers alone; or what one tensor holds, decoded piece by piece. */
import { closeSync, openSync, writeSync } from 'node:fs'
import { WeftError } from '../../graph/error.js'
import { openTensor } from '../../weights/open-tensor.js'
import { tallyTensor, type Tally } from '../../weights/tally.js'
import { openModel } from '../../weights/open.js'
import { inspect, type InspectReport } from '../../weights/inspect.js'
import { defineCommand, wrongOption } from '../command.js'
import { modelOption } from '../options.js'
import { modelPath } from '../load.js'
import { table } from '../table.js'
import { bytes, parameters } from '../terminal.js'

export const inspectCommand = defineCommand({
  positionals: { path: { type: 'string', describe: 'As --model' } },
  options: {
    ...modelOption,
    tensor: { type: 'string', requiresArg: true, describe: 'Decode this tensor and show its minimum, maximum, mean and NaN count' },
    dump: { type: 'string', requiresArg: true, describe: 'With --tensor: write its values to this file as little-endian float32, row by row' },
    json: { type: 'boolean', default: false, describe: 'Print one JSON object' },
  },
  async run(argv) {
    if (argv.path !== undefined && argv.model !== undefined) throw wrongOption('--model', 'given together with a path', 'one of the two')
    if (argv.dump !== undefined && argv.tensor === undefined) throw wrongOption('--dump', 'given without --tensor')
    const path = await modelPath(argv.path ?? argv.model)
    if (argv.tensor !== undefined) {
      const found = await inspectTensor(path, argv.tensor, argv.dump)
      process.stdout.write(argv.json ? `${JSON.stringify(found)}\n` : describeTensor(found))
      return 0
    }
    const source = await openModel(path)
    source.close()
    const report = inspect(source)
    process.stdout.write(argv.json ? `${JSON.stringify(report)}\n` : describe(report))
    return 0
  },
})

interface TensorReport {
  readonly name: string
  readonly type: string
  readonly shape: readonly number[]
  readonly values: number
  /** In the file. */
  readonly bytes: number
  readonly minimum: number
  readonly maximum: number
  readonly mean: number
  readonly rms: number
  readonly nan: number
  readonly infinite: number
}

async function inspectTensor(path: string, name: string, dump: string | undefined): Promise<TensorReport> {
  const { tensor, read, close } = await openTensor(path, name)
  try {
    const { count, least, most, mean, rms, notNumbers, infinite } = tallied({ read }, tensor, dump)
    const bytes = Object.values(tensor.ranges).reduce((n, r) => n + r.bytes, 0)
    return { name: tensor.name, type: tensor.type, shape: tensor.shape, values: count, bytes, minimum: least, maximum: most, mean, rms, nan: notNumbers, infinite }
  } finally {
    close()
  }
}

/** Decodes a tensor, and writes it while it is decoded where a file is named. Throws a WeftError that names the file. */
function tallied(source: Parameters<typeof tallyTensor>[0], tensor: Parameters<typeof tallyTensor>[1], dump: string | undefined): Tally {
  if (dump === undefined) return tallyTensor(source, tensor)
  const written = <T>(write: () => T): T => {
    try {
      return write()
    } catch (cause) {
      throw new WeftError({ where: 'output', what: `${dump}: cannot be written (${cause instanceof Error && 'code' in cause ? String(cause.code) : String(cause)})`, cause })
    }
  }
  const file = written(() => openSync(dump, 'w'))
  try {
    return tallyTensor(source, tensor, values => {
      const data = new Uint8Array(values.buffer, values.byteOffset, values.byteLength)
      for (let at = 0; at < data.length;) at += written(() => writeSync(file, data, at))
    })
  } finally {
    closeSync(file)
  }
}

function describeTensor({ name, type, shape, bytes: size, values, minimum, maximum, mean, rms, nan, infinite }: TensorReport): string {
  return table([
    ['tensor', name], ['type', type], ['shape', shape.join(' × ')], ['values', String(values)], ['size', bytes(size)],
    ['minimum', String(minimum)], ['maximum', String(maximum)], ['mean', mean.toPrecision(9)], ['rms', rms.toPrecision(9)], ['NaN', String(nan)], ['infinite', String(infinite)],
  ])
}

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
