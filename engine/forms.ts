/**
 * Plans made now, with every form they pass through: at a first start, and wherever someone looks at the forms (WEFT_DEBUG,
 * WEFT_CHECK, WEFT_DUMP, a trace, a test). A start that finds its plans on the disk loads none of this.
 */
import { compile, targets, type Compiled, type CompileOptions } from '../codegen/compile.js'
import { WeftError } from '../graph/error.js'
import type { Backend } from '../runtime/backend.js'
import type { Switches } from '../runtime/switches.js'
import type { ModelSource } from '../weights/model.js'
import type { DeviceParts } from './device-executor.js'
import { dumpForms } from './dump.js'
import type { Plans } from './kept-plans.js'
import { logLoaded, observer, type Observe, type ObserveParts } from './observe.js'
import { hiddenNames, tracing } from './trace.js'
import type { LoadOptions, LoadStats } from './types.js'

/** What tests put between what is made and what is run. */
export interface FormInternals {
  /** Takes the lines of WEFT_DEBUG; standard error unless told. */
  readonly log?: (line: string) => void
  /** Looks at plans in place of WEFT_DEBUG and WEFT_CHECK: collects activations, say. */
  readonly observe?: (parts: ObserveParts) => Observe
  /** Plants faults: what is run instead of what was compiled. */
  readonly recompile?: (compiled: Compiled) => Compiled
}

export interface Forms extends Plans {
  readonly runnable: Compiled
  readonly planSeconds: number
  readonly generateTextSeconds: number
  /** Runs a plan in place of its recording, where someone looks at its launches. */
  readonly observe: DeviceParts['observe']
  /** Says what WEFT_DEBUG asks for. */
  readonly loaded: (stats: Omit<LoadStats, 'openSeconds' | 'loadSeconds' | 'cacheBytes'>, cacheBytes: number) => void
}

export function makeForms(
  backend: Backend, source: ModelSource, planned: CompileOptions, options: LoadOptions, internals: FormInternals, switches: Pick<Switches, 'debug' | 'check' | 'dump'>,
): Forms {
  if (options.trace && switches.check) throw new WeftError({ where: 'WEFT_CHECK', what: 'launches are replayed or traced, not both', expected: 'WEFT_CHECK=0 with a trace' })
  const started = performance.now()
  const make = (fuse: boolean): Compiled => compile(source.config, name => source.tensors.get(name)?.type ?? 'f32', { ...planned, fuse })
  const made = tracedWhole(make, options) ?? make(planned.fuse)
  const compiled = internals.recompile?.(made) ?? made
  const planEnd = performance.now()
  const text = targets[backend.caps.target].render(compiled.kernels, backend.caps)
  const textEnd = performance.now()
  if (switches.dump !== null) dumpForms(switches.dump, compiled, text, backend.target.extension)
  const look: ObserveParts = {
    backend, compiled, source, compute: planned.compute, kv: planned.kv, switches,
    log: internals.log ?? ((line: string): void => void process.stderr.write(`${line}\n`)),
  }
  const observe = options.trace ? tracing(look, options.trace) : internals.observe?.(look) ?? observer(look)
  return {
    runnable: compiled, text, planSeconds: (planEnd - started) / 1000, generateTextSeconds: (textEnd - planEnd) / 1000,
    observe: observe === null ? undefined : (name, bound) => observe(compiled.plans[name], bound),
    loaded: (stats, cacheBytes) => logLoaded(look, stats, cacheBytes),
  }
}

/** What is run where a trace wants ops that fusion would hide: the graph as declared. Null where nothing is hidden. */
function tracedWhole(make: (fuse: boolean) => Compiled, { trace, fuse, onNotice }: LoadOptions): Compiled | null {
  if (!trace || fuse !== undefined) return null
  const whole = make(true)
  const hidden = hiddenNames(whole, trace)
  if (hidden.length === 0) return whole
  onNotice?.(`fusion would hide ${hidden.length} of the ops asked for (${hidden[0]}${hidden.length > 1 ? ', …' : ''}): they run without it`)
  return make(false)
}
