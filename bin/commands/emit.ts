/**
 * `weft emit`: what code generation makes of a model, in each of its forms, for a chip that need not be there. Only the
 * headers of the model are read.
 */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { compile, targets, type Compiled, type PlanName } from '../../codegen/compile.js'
import { printPlan, type Plan } from '../../codegen/plan.js'
import { printKernel } from '../../codegen/print.js'
import type { Caps } from '../../codegen/caps.js'
import type { Kernel } from '../../codegen/kernel.js'
import { WeftError } from '../../graph/error.js'
import { printGraph } from '../../graph/graph.js'
import { openModel } from '../../weights/open.js'
import { builtInModel } from '../../engine/load.js'
import { defineCommand } from '../command.js'
import { writeTextFile } from '../input.js'
import { integer, loadOptions, modelOption } from '../options.js'
import { archNames, profile } from '../profiles.js'
import { note } from '../terminal.js'

const stages = ['graph', 'kernel', 'plan', 'text'] as const
type Stage = (typeof stages)[number]
const planNames = ['decode', 'choose', 'small', 'prefill'] as const satisfies readonly PlanName[]

export const emitCommand = defineCommand({
  positionals: {},
  options: {
    ...modelOption,
    stage: { choices: stages, requiresArg: true, describe: 'The form to print', defaultDescription: 'text, or every form with --out' },
    target: { choices: ['wgsl', 'cuda', 'wasm'], requiresArg: true, default: 'wgsl', describe: 'The language of the kernels' },
    arch: { type: 'string', requiresArg: true, describe: `The chip: ${archNames.join(', ')}`, defaultDescription: 'gpu, sm_90a or relaxed-simd' },
    plan: { choices: [...planNames, 'all'], requiresArg: true, default: 'decode', describe: 'Which plan: a decode step, one that leaves candidates to sample from, up to 8 rows, or a prefill chunk' },
    compute: loadOptions.compute,
    'kv-type': loadOptions['kv-type'],
    context: { ...loadOptions.context, defaultDescription: 'the model\'s own, at most 32768' },
    'no-fuse': loadOptions['no-fuse'],
    out: { type: 'string', requiresArg: true, describe: 'Write files into this folder instead of printing' },
  },
  async run(argv) {
    const caps = profile(argv.target, argv.arch)
    const limit = integer('--context', argv.context, 1, 2 ** 24) ?? 32768
    const source = await openModel(argv.model ?? builtInModel())
    source.close()
    const compute = argv.compute ?? (caps.f16 && !caps.simd ? 'f16' : 'f32')
    const context = Math.min(limit, source.config.maxPositions)
    const compiled = compile(source.config, name => source.tensors.get(name)?.type ?? 'f32', {
      caps, compute, kv: argv['kv-type'] ?? compute, context, sequences: 1, chunk: Math.min(512, context), fuse: !argv['no-fuse'],
    })
    const plans = argv.plan === 'all' ? planNames : [argv.plan]
    const wanted = argv.stage !== undefined ? [argv.stage] : argv.out !== undefined ? stages : (['text'] as const)
    const files = wanted.flatMap(stage => render(stage, compiled, plans, caps))
    if (argv.out === undefined) process.stdout.write(files.map(f => f.text).join('\n'))
    else write(argv.out, files)
    return 0
  },
})

interface File {
  readonly name: string
  readonly text: string
}

function render(stage: Stage, compiled: Compiled, names: readonly PlanName[], caps: Caps): readonly File[] {
  const plans = names.map(name => compiled.plans[name])
  switch (stage) {
    case 'graph': return plans.map(p => ({ name: `${p.label}.graph`, text: printGraph(p.graph) }))
    case 'kernel': return kernelsOf(plans).map(k => ({ name: `${k.name}.kernel`, text: printKernel(k) }))
    case 'plan': return plans.map(p => ({ name: `${p.label}.plan`, text: printPlan(p) }))
    case 'text': {
      const target = targets[caps.target]
      const { prelude, kernels } = target.render(kernelsOf(plans), caps)
      return [{ name: `${names.length === 1 ? names[0] : 'all'}.${target.extension}`, text: [prelude, ...kernels.map(k => k.text)].join('\n') }]
    }
    default: return stage satisfies never
  }
}

/** The kernels that some plans launch, each once, in the order of their first launch. */
function kernelsOf(plans: readonly Plan[]): readonly Kernel[] {
  return [...new Set(plans.flatMap(p => p.launches.map(l => l.kernel)))]
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
