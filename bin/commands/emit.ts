/**
 * `weft emit`: what code generation makes of a model, in each of its forms, for a chip that need not be there. Only the
 * headers of the model are read. With `--out` every kernel is a file of its own that compiles as it stands, beside the
 * plan as JSON.
 */
import { mkdirSync } from 'node:fs'
import { basename, join, resolve } from 'node:path'
import type { Caps } from '../../codegen/caps.js'
import { compile, targets, type Compiled, type CompileOptions, type PlanName } from '../../codegen/compile.js'
import { kernelHeader } from '../../codegen/header.js'
import type { Kernel } from '../../codegen/kernel.js'
import { printPlan, type Plan } from '../../codegen/plan.js'
import { planJson, printJson } from '../../codegen/plan-json.js'
import { printKernel } from '../../codegen/print.js'
import { planning } from '../../engine/planning.js'
import { WeftError } from '../../graph/error.js'
import { printGraph } from '../../graph/graph.js'
import { openModel } from '../../weights/open.js'
import { defineCommand, wrongOption } from '../command.js'
import { writeTextFile } from '../input.js'
import { modelPath } from '../load.js'
import { integer, loadOptions, modelOption } from '../options.js'
import { packageVersion } from '../package.js'
import { chip, profileNames } from '../profiles.js'
import { note } from '../terminal.js'

const stages = ['graph', 'kernel', 'plan', 'text', 'json'] as const
type Stage = (typeof stages)[number]
const planNames = ['decode', 'choose', 'small', 'prefill'] as const satisfies readonly PlanName[]
const targetNames = Object.keys(targets) as Caps['target'][]

export const emitCommand = defineCommand({
  positionals: {},
  options: {
    ...modelOption,
    target: { choices: targetNames, requiresArg: true, describe: 'The language of the kernels', defaultDescription: 'that of the file of --caps, else wgsl' },
    arch: { type: 'string', requiresArg: true, describe: `The chip: ${targetNames.filter(t => t !== 'wgsl').map(t => `${t}: ${profileNames(t).join(', ')}`).join('; ')}`, defaultDescription: 'the first' },
    caps: { type: 'string', requiresArg: true, describe: `The chip by name (wgsl: ${profileNames('wgsl').join(', ')}), or a file as weft devices --caps prints`, defaultDescription: 'gpu' },
    kernel: { type: 'string', requiresArg: true, describe: 'Only this kernel, or those of this schedule', defaultDescription: 'all' },
    plan: { choices: [...planNames, 'all'], requiresArg: true, default: 'all', describe: 'Which plan: a decode step, one that leaves candidates to sample from, up to 8 rows, or a prefill chunk' },
    stage: { choices: [...stages, 'every'], requiresArg: true, describe: 'The form: graph, kernel form, plan, device text, or the plan as JSON', defaultDescription: 'text; text and json with --out' },
    compute: loadOptions.compute,
    'kv-type': loadOptions['kv-type'],
    context: { ...loadOptions.context, defaultDescription: 'the model\'s own, at most 32768' },
    batch: { type: 'number', requiresArg: true, alias: 'b', describe: 'Rows of a prompt computed together', defaultDescription: '2048, on a processor 256' },
    'no-fuse': loadOptions['no-fuse'],
    out: { type: 'string', requiresArg: true, describe: 'Write files into this folder instead of printing' },
  },
  async run(argv) {
    const { caps, roof } = chip(argv)
    const path = await modelPath(argv.model)
    const source = await openModel(path)
    source.close()
    const options = planning(caps, source.config.maxPositions, {
      compute: argv.compute, kvType: argv['kv-type'], context: integer('--context', argv.context, 1, 2 ** 24), chunk: integer('--batch', argv.batch, 1, 65536), fuse: !argv['no-fuse'], roof,
    })
    const compiled = compile(source.config, name => source.tensors.get(name)?.type ?? 'f32', options)
    const plans = (argv.plan === 'all' ? planNames : [argv.plan]).map(name => compiled.plans[name])
    const emission: Emission = { options, compiled, plans, kernels: chosen(plans, argv.kernel), model: modelName(path), alone: argv.out !== undefined }
    const wanted: readonly Stage[] = argv.stage === 'every' ? stages : argv.stage !== undefined ? [argv.stage] : emission.alone ? ['text', 'json'] : ['text']
    const files = wanted.flatMap(stage => render(stage, emission))
    if (argv.out === undefined) process.stdout.write(files.map(f => f.text).join('\n'))
    else write(argv.out, files)
    return 0
  },
})

interface Emission {
  readonly options: CompileOptions
  readonly compiled: Compiled
  readonly plans: readonly Plan[]
  readonly kernels: readonly Kernel[]
  readonly model: string
  /** Whether each kernel is to stand in a file of its own. */
  readonly alone: boolean
}

interface File {
  readonly name: string
  readonly text: string
}

/** What a model's path calls it: its folder or file, without the extension; the folder where the file has no name of its own. */
function modelName(path: string): string {
  const at = resolve(path)
  const name = basename(at).replace(/\.(gguf|safetensors)$/, '')
  return name === 'model' ? basename(join(at, '..')) : name
}

/** The kernels that some plans launch, each once, in the order of their first launch; or of them what `--kernel` names. */
function chosen(plans: readonly Plan[], name: string | undefined): readonly Kernel[] {
  const all = [...new Set(plans.flatMap(p => p.launches.map(l => l.kernel)))]
  if (name === undefined) return all
  const found = all.filter(k => k.name === name || k.schedule === name)
  if (found.length === 0) throw wrongOption('--kernel', 'no plan launches it', all.map(k => k.name).join(', '), JSON.stringify(name))
  return found
}

function render(stage: Stage, e: Emission): readonly File[] {
  switch (stage) {
    case 'graph': return e.plans.map(p => ({ name: `${p.label}.graph`, text: printGraph(p.graph) }))
    case 'kernel': return e.kernels.map(k => ({ name: `${k.name}.kernel`, text: printKernel(k) }))
    case 'plan': return e.plans.map(p => ({ name: `${p.label}.plan`, text: printPlan(p) }))
    case 'text': return texts(e)
    case 'json': return [{ name: 'plan.json', text: plan(e) }]
    default: return stage satisfies never
  }
}

/** Device text under its header. In a file of its own a kernel brings the device functions it may call. */
function texts({ options: { caps }, plans, kernels, model, alone }: Emission): readonly File[] {
  const target = targets[caps.target]
  const source = target.render(kernels, caps)
  const made = `weft ${packageVersion()}, ${model}`
  const headed = source.kernels.map((text, i) => ({ name: `${text.name}.${target.extension}`, header: kernelHeader(kernels[i]!, text, caps, plans, made).join('\n'), text: text.text }))
  if (!alone) return [{ name: '', text: [source.prelude, ...headed.map(h => `${h.header}\n${h.text}`)].filter(t => t !== '').join('\n') }]
  return headed.map(h => ({ name: h.name, text: [h.header, source.prelude, h.text].filter(t => t !== '').join('\n') }))
}

function plan({ options, compiled, plans, kernels, model }: Emission): string {
  const { caps, compute, kv, context, chunk } = options
  const target = targets[caps.target]
  const texts = target.render([...new Set([...kernels, ...plans.flatMap(p => p.launches.map(l => l.kernel))])], caps).kernels
  const data = planJson({ model, version: packageVersion(), options: { caps, compute, kv, context, chunk }, compiled, plans, texts, fileOf: name => `${name}.${target.extension}` })
  return `${printJson(data)}\n`
}

function write(folder: string, files: readonly File[]): void {
  try {
    mkdirSync(folder, { recursive: true })
  } catch (cause) {
    throw new WeftError({ where: '--out', what: `${folder}: cannot be made`, cause })
  }
  for (const { name, text } of files) writeTextFile(join(folder, name), text)
  note(`${files.length} files written to ${folder}`)
}
