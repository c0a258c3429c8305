/**
 * Memory: what the main process takes at most (VmHWM, which Linux counts; `asc` is a child) while a model is loaded and
 * run on the CPU, and what is said where a model does not fit. Each measurement has a process of its own, since a high
 * water mark never falls.
 */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { spawnSync } from 'node:child_process'
import { closeSync, existsSync, ftruncateSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { load } from '../engine/load.js'
import { WeftError } from '../graph/error.js'
import type { Backend } from '../runtime/backend.js'
import { openWasm } from '../runtime/wasm/backend.js'

const MB = 1e6
const local = (path: string): string => new URL(path, import.meta.url).href
const qwen3 = fileURLToPath(new URL('../../test/fixtures/models/qwen3', import.meta.url))
const smollm2 = fileURLToPath(new URL('../../../shared/models/smollm2-135m-instruct-q4_1.gguf', import.meta.url))

/** Runs a script in a process of its own; it prints one object of byte counts. */
function measure(script: string): Readonly<Record<string, number>> {
  const whole = `import { readFileSync } from 'node:fs'
    const peak = () => Number(/VmHWM:\\s+(\\d+) kB/.exec(readFileSync('/proc/self/status', 'utf8'))[1]) * 1024
    ${script}`
  const child = spawnSync(process.execPath, ['--input-type=module', '-e', whole], { encoding: 'utf8' })
  assert.is(child.status, 0, child.stderr)
  return JSON.parse(child.stdout) as Readonly<Record<string, number>>
}

/** Whether `what` can be measured here; says so where it cannot. */
function possible(what: string, missing: string | null): boolean {
  const reason = existsSync('/proc/self/status') ? missing : 'no /proc/self/status on this system'
  if (reason !== null) console.log(`SKIP ${what}: ${reason}`)
  return reason === null
}

if (possible('peak memory of SmolLM2', existsSync(smollm2) ? null : 'no smollm2-135m-instruct-q4_1.gguf beside the checkout')) {
  test('SmolLM2, 8 tokens: at most the file, the cache and 400 MB', () => {
    const { file, cache, loaded, run } = measure(`
      import { load } from '${local('../engine/load.js')}'
      const m = await load(${JSON.stringify(smollm2)}, { device: 'wasm' })
      const loaded = peak()
      for await (const piece of m.generate('Hello', { maxTokens: 8, temperature: 0 }));
      console.log(JSON.stringify({ file: m.source.bytes, cache: m.stats.cacheBytes, loaded, run: peak() }))
      await m.close()`)
    console.log(`file ${(file! / MB).toFixed(0)} MB, cache ${(cache! / MB).toFixed(0)} MB; loaded ${(loaded! / MB).toFixed(0)} MB, after 8 tokens ${(run! / MB).toFixed(0)} MB`)
    assert.ok(run! <= file! + cache! + 400 * MB, `${run} bytes`)
  })
}

if (possible('peak memory of a large tensor', null)) {
  test('weights are on the device once, and nowhere else', () => {
    // A file of zeros takes no room on the disk; 400 MB of it would be seen twice.
    const folder = mkdtempSync(join(tmpdir(), 'weft-memory-'))
    try {
      const [vocab, hidden] = [100_000, 2048]
      const bytes = vocab * hidden * 2
      const header = Buffer.from(JSON.stringify({ big: { dtype: 'BF16', shape: [vocab, hidden], data_offsets: [0, bytes] } }))
      const length = Buffer.alloc(8)
      length.writeBigUInt64LE(BigInt(header.length))
      const file = openSync(join(folder, 'model.safetensors'), 'w')
      writeSync(file, length)
      writeSync(file, header)
      ftruncateSync(file, 8 + header.length + bytes)
      closeSync(file)
      for (const type of ['bf16', 'q4_1']) {
        const stored = type === 'bf16' ? bytes : (vocab * hidden * 20) / 32
        const { before, after } = measure(`
          import { openWasm } from '${local('../runtime/wasm/backend.js')}'
          import { uploadWeight } from '${local('../runtime/upload.js')}'
          import { weightLayout } from '${local('../codegen/types/layout.js')}'
          import { openSync, readSync } from 'node:fs'
          const file = openSync(${JSON.stringify(join(folder, 'model.safetensors'))}, 'r')
          const range = { file: '', offset: ${8 + header.length}, bytes: ${stored} }
          const tensor = { name: 'big', type: '${type}', shape: [${vocab}, ${hidden}], packing: '${type === 'bf16' ? 'plain' : 'gguf'}', ranges: { data: range }, scale: 1 }
          const source = {
            path: 'model', tensors: new Map([['big', tensor]]),
            read: (r, into, at = 0) => void readSync(file, into, 0, into.length, r.offset + at),
          }
          const backend = await openWasm({ threads: 1 })
          const before = peak()
          uploadWeight(backend, source, { key: 'big', tensors: ['big'], layout: weightLayout('${type}', ${vocab}, ${hidden}, true) }, () => {})
          console.log(JSON.stringify({ before, after: peak() }))
          await backend.close()`)
        const more = after! - before!
        console.log(`${type}, ${(stored / MB).toFixed(0)} MB: ${(more / MB).toFixed(0)} MB more`)
        // Scales and minima of a weight are gathered before they are written; its codes never are.
        const gathered = type === 'bf16' ? 0 : (vocab * hidden * 4) / 32
        assert.ok(more <= stored + gathered + 80 * MB, `${more} bytes for ${stored}`)
      }
    } finally {
      rmSync(folder, { recursive: true, force: true })
    }
  })
}

/** A backend with so much memory left. */
async function smallBackend(free: number): Promise<Backend> {
  const backend: Backend = await openWasm({ threads: 1 })
  return Object.create(backend, { memory: { value: () => ({ free, total: 1e9 }) } }) as Backend
}

test('a model that does not fit is refused before anything is loaded, with both figures', async () => {
  const progress: number[] = []
  const open = async (free: number): Promise<unknown> =>
    load(qwen3, { context: 512, onProgress: done => progress.push(done) }, { openDevice: () => smallBackend(free) }).then(m => m.close(), (error: unknown) => error)
  const error = await open(1.5 * MB)
  assert.instance(error, WeftError)
  assert.match((error as WeftError).message, /^\[memory\] \S*models\/qwen3 needs [\d.]+ MB, 1\.5 MB are free on WebAssembly/)
  assert.is((error as WeftError).exitCode, 1)
  assert.equal(progress, [])
  // Weights, cache and activations all count: the file alone would fit.
  const needs = Number(/needs ([\d.]+) MB/.exec((error as WeftError).message)![1])
  assert.ok(needs > 1.8 && needs < 10, `${needs} MB`)
})

test('a context of no positions is refused', async () => {
  const error = await load(qwen3, { device: 'wasm', context: 0 }).catch((e: unknown) => e)
  assert.match((error as WeftError).message, '[--context] wrong value: expected an integer from 1 to 16777216, got 0')
})

test('what no 32-bit address reaches is refused by name', async () => {
  const backend = await openWasm({ threads: 1 })
  try {
    assert.throws(() => backend.alloc(2 ** 32, 'a weight'), /^\[wasm\] no memory for a weight: it needs 4\.00 GiB, .* WebAssembly has at most 4\.00 GiB/)
  } finally {
    await backend.close()
  }
})

test.run()
