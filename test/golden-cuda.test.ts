/** The golden CUDA kernels compile for every architecture weft has a profile of, without a GPU, wherever NVRTC is found. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { WeftError } from '../graph/error.js'
import { cudaCopies } from '../shaders/cuda-copies.js'
import { cudaPrelude } from '../shaders/cuda.js'
import { openNvrtc, type Nvrtc } from '../runtime/cuda/nvrtc.js'
import { skip } from './support/backends.js'
import { cudaProfiles } from './support/chips.js'

const folder = fileURLToPath(new URL('../../test/golden/cuda/', import.meta.url))
const elf = [0x7f, 0x45, 0x4c, 0x46]

/** Golden kernels by the model they stand under: within one, names are unique. */
function goldenTexts(): ReadonlyMap<string, readonly string[]> {
  const texts = new Map<string, string[]>()
  for (const name of readdirSync(folder).filter(n => n.endsWith('.cu') && !n.startsWith('prelude'))) {
    const model = name.slice(0, name.indexOf('.'))
    texts.set(model, [...(texts.get(model) ?? []), readFileSync(join(folder, name), 'utf8')])
  }
  return texts
}

const nvrtc: Nvrtc | string = await openNvrtc().catch((e: unknown) => {
  if (e instanceof WeftError) return e.message
  throw e
})

if (typeof nvrtc === 'string') skip(`golden kernels for sm_80, sm_90a and sm_120a: ${nvrtc}`)
else {
  for (const arch of Object.keys(cudaProfiles)) {
    for (const [model, kernels] of goldenTexts()) {
      test(`${arch}: the ${kernels.length} golden kernels of ${model}`, async () => {
        // Whatever a golden kernel may call, asynchronous copies among it.
        const { cubin, log } = await nvrtc.compile([cudaPrelude, cudaCopies, ...kernels].join('\n'), arch)
        assert.equal([...cubin.subarray(0, 4)], elf)
        assert.is(log, '')
      })
    }
  }
}

test.run()
