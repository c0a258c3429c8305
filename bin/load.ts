/**
 * Loading a model for a command: progress while the weights travel, what the model's maker wants said, then one line that
 * names the model and what it runs on, and why not on another device.
 */
import { basename, resolve } from 'node:path'
import { builtInModel, load } from '../engine/load.js'
import { locateModel } from '../engine/hub/pull.js'
import type { LoadOptions, Model } from '../engine/types.js'
import { note, parameters, progressBar } from './terminal.js'

/** Loads the model at `path`, or the built-in one. Throws the engine's WeftErrors. */
export async function loadModel(path: string | undefined, options: LoadOptions): Promise<Model> {
  const located = path === undefined ? null : await modelPath(path)
  const progress = await progressBar('weights')
  try {
    let passedOver: readonly string[] = []
    const model = await load(located, { ...(await withSoftwareGpu(options)), onProgress: progress.update, onNotice: note, onDevice: (_, why) => { passedOver = why } })
    progress.end()
    const whyNot = passedOver.length > 0 ? ` (${passedOver.join('; ')})` : ''
    note(`${modelName(path)} (${model.config.architecture}, ${parameters(parameterCount(model))} parameters) on ${model.device}, ${model.compute}${whyNot}`)
    return model
  } finally {
    progress.end()
  }
}

/** The options with a software adapter allowed where it is the only one and webgpu was named. */
export async function withSoftwareGpu(options: LoadOptions): Promise<LoadOptions> {
  return { ...options, softwareGpu: options.device === 'webgpu' && (await onlySoftwareGpu()) }
}

/** What to open for what was given as `--model`: the built-in model, a path, or a model of the hub, downloaded where the cache lacks it. */
export async function modelPath(model: string | undefined): Promise<string> {
  if (model === undefined) return builtInModel()
  const progress = await progressBar('download')
  try {
    return await locateModel(model, { onProgress: progress.update, onNotice: note })
  } finally {
    progress.end()
  }
}

/** Who asks for webgpu by name gets it on a processor too where there is no GPU; `auto` would take wasm. */
async function onlySoftwareGpu(): Promise<boolean> {
  const { webGpuAdapters } = await import('../runtime/webgpu/open.js')
  const adapters = await webGpuAdapters()
  const only = adapters.every(a => a.software)
  if (only) note(`webgpu: no GPU, taking the software adapter ${adapters[0]!.description}`)
  return only
}

/** What the model is called on the one line about it. */
export function modelName(path: string | undefined): string {
  return path === undefined ? `the built-in model ${basename(builtInModel())}` : basename(resolve(path))
}

function parameterCount(model: Model): number {
  let count = 0
  for (const { shape } of model.source.tensors.values()) count += shape.reduce((n, d) => n * d, 1)
  return count
}
