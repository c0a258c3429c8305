/** Conversions in tests: through several formats in turn, and models compared value by value. */
import { join } from 'node:path'
import * as assert from 'uvu/assert'
import { describeConversion } from '../../bin/commands/convert.js'
import { convertModel } from '../../engine/convert.js'
import { dequantize } from '../../weights/dequantize.js'
import type { ModelSource } from '../../weights/model.js'
import { openModel } from '../../weights/open.js'
import { makeFolder } from '../weights-make.js'

/** Converts through `steps`, each the name of a file or folder; the reports, and where it ended. */
export async function through(from: string, steps: readonly string[]): Promise<{ readonly at: string; readonly lost: readonly string[]; readonly said: string }> {
  const folder = makeFolder()
  let [at, lost, said] = [from, [] as string[], '']
  for (const step of steps) {
    const report = await convertModel(at, join(folder, step))
    lost = [...lost, ...report.tensors.filter(t => t.loss !== null).map(t => t.name)]
    said += describeConversion(report)
    at = join(folder, step)
  }
  return { at, lost, said }
}

export async function opened<T>(paths: readonly string[], use: (...models: readonly ModelSource[]) => T): Promise<T> {
  const models = await Promise.all(paths.map(openModel))
  try {
    return use(...models)
  } finally {
    for (const model of models) model.close()
  }
}

export function sameValues(a: ModelSource, b: ModelSource): void {
  assert.equal([...b.tensors.keys()], [...a.tensors.keys()])
  for (const [name, tensor] of a.tensors) assert.equal(dequantize(b, b.tensors.get(name)!), dequantize(a, tensor), name)
}
