/** The disk cache: what comes back, what is taken for absent, and that it never fails. */
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { cacheFolder, cacheGet, cacheKey, cacheProblem, cachePut } from '../runtime/cache.js'
import { switches } from '../runtime/switches.js'

const folder = mkdtempSync(join(tmpdir(), 'weft-cache-'))
const saved = { ...process.env }
test.before.each(() => {
  rmSync(folder, { recursive: true, force: true })
  process.env['WEFT_CACHE'] = folder
})
test.after(() => {
  process.env = saved
  rmSync(folder, { recursive: true, force: true })
})

const bytes = Uint8Array.from({ length: 1000 }, (_, i) => i * 7)

test('bytes come back, and a second put replaces the first', () => {
  const key = cacheKey('text', 'sm_90a', 13000)
  assert.is(cacheGet('cuda', key), null)
  cachePut('cuda', key, bytes)
  assert.equal(cacheGet('cuda', key), bytes)
  cachePut('cuda', key, bytes.subarray(1, 9))
  assert.equal(cacheGet('cuda', key), bytes.slice(1, 9))
  cachePut('cuda', key, new Uint8Array(0))
  assert.equal(cacheGet('cuda', key), new Uint8Array(0))
  assert.is(cacheGet('wasm', key), null)
  assert.equal(readdirSync(join(folder, 'cuda')), [key], 'nothing is left beside an entry')
})

test('keys differ wherever a part differs, also in where it ends', () => {
  const keys = [cacheKey('ab', 'c'), cacheKey('a', 'bc'), cacheKey('abc'), cacheKey('abc', ''), cacheKey('ab', 'd'), cacheKey(Uint8Array.of(1)), cacheKey()]
  assert.is(new Set(keys).size, keys.length)
  assert.is(cacheKey('ab', 12), cacheKey('ab', '12'))
  assert.match(keys[0]!, /^[0-9a-f]{64}$/)
})

const damages: readonly { readonly what: string; readonly to: (file: Buffer) => Uint8Array }[] = [
  { what: 'cut short', to: f => f.subarray(0, f.length - 1) },
  { what: 'cut within its header', to: f => f.subarray(0, 20) },
  { what: 'empty', to: () => new Uint8Array(0) },
  { what: 'longer', to: f => Buffer.concat([f, Buffer.of(0)]) },
  { what: 'one bit different', to: f => f.map((b, i) => (i === f.length - 3 ? b ^ 1 : b)) },
  { what: 'of another version', to: f => Buffer.from(f.toString('latin1').replace('weft cache 1', 'weft cache 0'), 'latin1') },
]
for (const { what, to } of damages) {
  test(`an entry ${what} is absent, and can be put again`, () => {
    const key = cacheKey(what)
    cachePut('cuda', key, bytes)
    const path = join(folder, 'cuda', key)
    writeFileSync(path, to(readFileSync(path)))
    assert.is(cacheGet('cuda', key), null)
    cachePut('cuda', key, bytes)
    assert.equal(cacheGet('cuda', key), bytes)
  })
}

test('a folder that cannot be written costs nothing but the entry', () => {
  const key = cacheKey('x')
  process.env['WEFT_CACHE'] = '/dev/null/weft'
  cachePut('cuda', key, bytes)
  assert.is(cacheGet('cuda', key), null)
  // A file where the folder should be, and a folder where the entry should be.
  process.env['WEFT_CACHE'] = join(folder, 'file')
  mkdirSync(folder)
  writeFileSync(join(folder, 'file'), '')
  cachePut('cuda', key, bytes)
  assert.is(cacheGet('cuda', key), null)
  process.env['WEFT_CACHE'] = folder
  mkdirSync(join(folder, 'cuda', key), { recursive: true })
  cachePut('cuda', key, bytes)
  assert.is(cacheGet('cuda', key), null)
  assert.equal(readdirSync(join(folder, 'cuda')), [key])
})

test('a file system that makes no folders is no place for a cache, and is not waited for', () => {
  process.env['WEFT_CACHE'] = '/proc/weft/cache'
  cachePut('cuda', cacheKey('x'), bytes)
  assert.is(cacheGet('cuda', cacheKey('x')), null)
})

test('names cannot lead out of the folder', () => {
  for (const [kind, key] of [['..', cacheKey('x')], ['cuda', '../x'], ['cuda/x', cacheKey('x')], ['cuda', '']] as const) {
    assert.throws(() => cacheGet(kind, key), /name of an entry/)
    assert.throws(() => cachePut(kind, key, bytes), /name of an entry/)
  }
})

test('where the folder is', () => {
  assert.is(cacheFolder(), folder)
  delete process.env['WEFT_CACHE']
  process.env['XDG_CACHE_HOME'] = '/somewhere'
  assert.is(cacheFolder(), '/somewhere/weft')
  delete process.env['XDG_CACHE_HOME']
  assert.match(cacheFolder(), /\/\.cache\/weft$/)
})

test('switches: values that mean nothing are refused', () => {
  for (const [name, value, message] of [['WEFT_DEBUG', '4', /\[WEFT_DEBUG\] level: expected 0, 1, 2 or 3, got 4/], ['WEFT_DEBUG', 'yes', /got yes/], ['WEFT_CHECK', 'yes', /\[WEFT_CHECK\] value: expected 0 or 1, got yes/]] as const) {
    process.env[name] = value
    assert.throws(() => switches(), message)
    delete process.env[name]
  }
  Object.assign(process.env, { WEFT_DEBUG: '2', WEFT_CHECK: '1', WEFT_DUMP: '/d', WEFT_NVRTC: '' })
  const { debug, check, dump, nvrtc } = switches()
  assert.equal({ debug, check, dump, nvrtc }, { debug: 2, check: true, dump: '/d', nvrtc: null })
  for (const name of ['WEFT_DEBUG', 'WEFT_CHECK', 'WEFT_DUMP', 'WEFT_NVRTC']) delete process.env[name]
  assert.ok(Object.isFrozen(switches()))
})

test('a folder where nothing can be kept is named with the reason, and one where it can is left as it was', () => {
  assert.is(cacheProblem(), null)
  assert.equal(readdirSync(folder), [])
  const inTheWay = join(folder, 'file')
  writeFileSync(inTheWay, 'kept')
  for (const place of [inTheWay, join(inTheWay, 'below')]) {
    process.env['WEFT_CACHE'] = place
    assert.is(cacheProblem(), `${place} cannot be written (ENOTDIR)`)
  }
  assert.is(readFileSync(inTheWay, 'utf8'), 'kept')
})

test.run()
