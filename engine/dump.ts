/**
 * WEFT_DUMP: every form that a model passes on its way to a device, as numbered files of one folder, so that two
 * folders (two chips, fused and not, before and after a change) can be compared with `diff -r`. Names depend on the
 * model and the options alone.
 */
import { writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Compiled } from '../codegen/compile.js'
import { printPlan } from '../codegen/plan.js'
import { printKernel } from '../codegen/print.js'
import type { Source } from '../codegen/target.js'
import { WeftError } from '../graph/error.js'
import { printGraph } from '../graph/graph.js'
import { makeFolder } from '../runtime/cache.js'

/** Writes bytes or text, making the folders on the way. Throws a WeftError that names the folder and the reason. */
export function writeDump(folder: string, name: string, content: string | Uint8Array): string {
  const path = join(folder, name)
  try {
    makeFolder(dirname(path))
    writeFileSync(path, content)
  } catch (cause) {
    const reason = cause instanceof Error && 'code' in cause ? String(cause.code) : String(cause)
    throw new WeftError({ where: 'WEFT_DUMP', what: `${folder}: ${name} cannot be written (${reason})`, expected: 'a folder that can be written', cause })
  }
  return path
}

/**
 * Writes `0-graph.txt`, then for each plan `1-fused/`, `2-kernels/`, `3-plans/` and `4-text/`; the text of a kernel is
 * `prelude` followed by its own file. Returns how many files there are. @param extension of the target's text
 */
export function dumpForms(folder: string, compiled: Compiled, source: Source, extension: string): number {
  const plans = Object.values(compiled.plans)
  const two = (n: number): string => String(n).padStart(2, '0')
  const three = (n: number): string => String(n).padStart(3, '0')
  const files: readonly (readonly [string, string])[] = [
    ['0-graph.txt', printGraph(compiled.graph)],
    ...plans.map((p, i) => [`1-fused/${two(i)}-${p.label}.txt`, printGraph(p.graph)] as const),
    ...compiled.kernels.map((k, i) => [`2-kernels/${three(i + 1)}-${k.name}.txt`, printKernel(k, { numbers: true })] as const),
    ...plans.map((p, i) => [`3-plans/${two(i)}-${p.label}.txt`, printPlan(p)] as const),
    [`4-text/000-prelude.${extension}`, source.prelude],
    ...source.kernels.map((k, i) => [`4-text/${three(i + 1)}-${k.name}.${extension}`, k.text] as const),
  ]
  for (const [name, text] of files) writeDump(folder, name, text)
  return files.length
}
