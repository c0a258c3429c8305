/** The golden WebAssembly kernels compile: those of each model, in one module, by asc. */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { profile } from '../bin/profiles.js'
import { wasm } from '../codegen/targets/wasm.js'
import type { KernelText } from '../codegen/target.js'
import { compileSource } from '../runtime/wasm/compile.js'

const golden = fileURLToPath(new URL('../../test/golden/', import.meta.url))
const cache = mkdtempSync(join(tmpdir(), 'weft-golden-'))
process.env['WEFT_CACHE'] = cache
test.after(() => rmSync(cache, { recursive: true, force: true }))

/** Golden kernels by the model they stand under: within one, names are unique. */
const models = new Map<string, KernelText[]>()
for (const path of ['wasm', 'wasm-i16'].flatMap(folder => readdirSync(join(golden, folder)).map(file => join(folder, file))).filter(p => p.endsWith('.wasm.ts') && !p.includes('prelude'))) {
  const [folder, file] = [dirname(path), basename(path)]
  const [model, name] = [`${folder} ${file.slice(0, file.indexOf('.'))}`, file.slice(file.indexOf('.') + 1, -'.wasm.ts'.length)]
  const text = readFileSync(join(golden, path), 'utf8')
  models.set(model, [...(models.get(model) ?? []), { name, text, params: [], threads: 1, sharedBytes: 0, dynamicBytes: 0, cluster: 1, tiles: [] }])
}

const magic = [0, 0x61, 0x73, 0x6d]

for (const [i, [model, kernels]] of [...models].entries()) {
  // Only the prelude is another without relaxed SIMD: it is compiled once.
  for (const arch of i === 0 ? ['relaxed-simd', 'simd128'] : ['relaxed-simd']) {
    test(`asc compiles the ${kernels.length} golden kernels of ${model}, ${arch}`, async () => {
      const caps = profile({ target: 'wasm', arch, caps: undefined })
      const { bytes } = await compileSource({ target: 'wasm', prelude: wasm.render([], caps).prelude, kernels, caps })
      assert.equal([...bytes.subarray(0, 4)], magic)
    })
  }
}
test.run()
