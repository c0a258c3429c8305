/**
 * Every way a download can fail, against a server that behaves as the hub: refusals, busy servers, interruptions, wrong bytes, full
 * disks and hostile answers. Each gives one line that says what to do, and nothing wrong ever gets a name in the cache.
 */
import { existsSync, lstatSync, mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { findCached, listCached, repoFolder } from '../engine/hub/cache.js'
import { parseHubName } from '../engine/hub/name.js'
import type { HubSettings } from '../engine/hub/settings.js'
import { config, fails, fetched, fresh, hub, large, locate, sha256, waits, weights } from './support/hub-models.js'
import { defaultCommit, gitHash } from './support/hub-server.js'
import { makeFolder } from './weights-make.js'

test.after(() => hub.close())

// the token

test('the token goes to the hub and to nobody else', async () => {
  await locate('tiny/private', fresh({ token: 'secret-token' }))
  assert.ok(hub.seen.some(large))
  for (const s of hub.seen) assert.is(s.token, large(s) ? null : 'secret-token', s.path)
})

test('401: no such repository, or a private one', () => fails('tiny/private', fresh(), /tiny\/private: no such repository on the hub, or a private one: set HF_TOKEN/))
test('401 with a token that the hub refuses', () => fails('tiny/private', fresh({ token: 'no' }), /refuses the token/, () => ({ status: 401 })))
test('403: gated, without and with a token', async () => {
  await fails('tiny/gated', fresh(), /tiny\/gated: access is restricted: accept its conditions at http:\S+\/tiny\/gated, then set HF_TOKEN/)
  await fails('tiny/gated', fresh({ token: 'other' }), /the token in HF_TOKEN has no access: accept the conditions/)
  await locate('tiny/gated', fresh({ token: 'secret-token' }))
})
test('404: no such repository, revision, file', async () => {
  await fails('tiny/nothing', fresh({ token: 'x' }), /tiny\/nothing: no such repository on the hub/)
  await fails('tiny/qwen3@v9', fresh(), /tiny\/qwen3@v9: the repository has no such revision/)
  await fails('tiny/qwen3', fresh(), /no such file/, s => (s.path.includes('/resolve/') ? { status: 404, headers: { 'x-error-code': 'EntryNotFound' } } : null))
})

// what passes

test('429: waits as long as Retry-After says, in seconds and as a date', async () => {
  const busy = { status: 429, headers: { 'retry-after': '7' } }
  await locate('tiny/one', fresh(), (s, n) => (s.path.includes('/revision/') && n <= 2 ? busy : s.path.includes('/resolve/') && n === 1 ? { status: 429, headers: { 'retry-after': new Date(Date.now() + 30_000).toUTCString() } } : null))
  assert.equal(waits.slice(0, 2), [7000, 7000])
  assert.ok(waits[2]! > 25_000 && waits[2]! <= 30_000, String(waits[2]))
})
test('429 that asks for an hour, and one that never ends', async () => {
  await fails('tiny/one', fresh(), /asks for fewer requests: try again in 3600 s/, () => ({ status: 429, headers: { 'retry-after': '3600' } }))
  assert.is(waits.length, 0)
  await fails('tiny/one', fresh(), /asks for fewer requests, and did so again after waiting/, () => ({ status: 429, headers: { 'retry-after': '1' } }))
  assert.is(waits.length, 5)
})
test('503 passes; 418 does not', async () => {
  await locate('tiny/one', fresh(), (_, n) => (n === 1 ? { status: 503 } : null))
  assert.ok(waits.length >= 2)
  await fails('tiny/one', fresh(), /the hub answers with status 418/, () => ({ status: 418 }))
})

// interruption

test('a connection cut again and again: each goes on where the last ended', async () => {
  const path = await locate('tiny/qwen3', fresh(), (s, n) => (large(s) && n <= 3 ? { cutAfter: 100_000 } : null))
  assert.ok(readFileSync(join(path, 'model.safetensors')).equals(weights))
  assert.equal(hub.seen.filter(large).map(s => s.range), [null, 'bytes=100000-', 'bytes=200000-', 'bytes=300000-'].map(r => (r === null ? r : `${r}${weights.length - 1}`)))
})

test('one that never brings a byte gives up; the next run goes on', async () => {
  const settings = fresh()
  await fails('tiny/qwen3', settings, /model\.safetensors: interrupted after 50000 of \d+ bytes .*; the same command goes on from there/, (s, n) => (large(s) ? { cutAfter: n === 1 ? 50_000 : 0 } : null))
  assert.equal(listCached(settings.cache).map(r => r.revisions.some(v => v.complete)), [false])
  await locate('tiny/qwen3', settings)
  assert.equal(hub.seen.filter(large).map(s => s.range), [`bytes=50000-${weights.length - 1}`])
  assert.not.ok(fetched().includes('config.json'), 'what was whole stays')
})

test('a server without ranges: from the beginning again', async () => {
  const settings = fresh()
  partial(settings, weights.subarray(0, 70_000))
  const path = await locate('tiny/qwen3', settings, s => (large(s) ? { ignoreRange: true } : null))
  assert.ok(readFileSync(join(path, 'model.safetensors')).equals(weights))
})

/** Leaves the beginning of the weights as an interrupted download of any tool would. */
function partial(settings: HubSettings, bytes: Uint8Array): string {
  const blobs = join(repoFolder(settings.cache, 'tiny/qwen3'), 'blobs')
  mkdirSync(blobs, { recursive: true })
  const file = join(blobs, `${sha256(weights)}.incomplete`)
  writeFileSync(file, bytes)
  return file
}

// checksums

test('wrong bytes of a large file and of a small one are thrown away', async () => {
  for (const [which, algorithm] of [['model.safetensors', 'sha256'], ['config.json', 'sha1']] as const) {
    const settings = fresh()
    await fails('tiny/qwen3', settings, new RegExp(`${which}: what came does not have the ${algorithm} that the hub names; it was thrown away`), s => (s.path.endsWith(which) && !(s.path.includes('/resolve/') && which === 'model.safetensors') ? { flip: 40 } : null))
    const blobs = readdirSync(join(repoFolder(settings.cache, 'tiny/qwen3'), 'blobs'))
    assert.not.ok(blobs.includes(which === 'config.json' ? gitHash(config) : sha256(weights)))
    assert.not.ok(blobs.some(b => b.endsWith('.incomplete')), blobs.join())
    assert.is(findCached(settings.cache, parseHubName('tiny/qwen3')!, defaultCommit), null)
  }
})

test('a beginning that is damaged or too long is replaced', async () => {
  for (const bytes of [Buffer.alloc(60_000, 7), Buffer.alloc(weights.length + 1), weights]) {
    const settings = fresh()
    partial(settings, bytes)
    const path = await locate('tiny/qwen3', settings)
    assert.ok(readFileSync(join(path, 'model.safetensors')).equals(weights))
  }
})

test('a server that sends more than the file holds', () => {
  const bytes = Buffer.concat([weights, weights])
  const before = hub.repos['tiny/qwen3']!
  hub.repos['tiny/long'] = before
  return fails('tiny/long', fresh(), /does not have the sha256/, s => {
    // the list is of the right file, the file itself is longer
    hub.repos['tiny/long'] = { files: s.path.includes('/tree/') || s.path.includes('/revision/') ? before.files : { ...before.files, 'model.safetensors': bytes } }
    return null
  })
})

// the disk

test('a disk without room is told before anything is downloaded', async () => {
  await fails('tiny/qwen3', fresh(), /tiny\/qwen3: the disk of \S+ is too full: expected \d+ bytes free, got 1000/, undefined, { freeBytes: async () => 1000 })
  assert.equal(fetched(), [])
})

test('a disk that fills up while writing', async () => {
  if (!existsSync('/dev/full')) return console.log('skipped: this system has no /dev/full')
  const settings = fresh()
  const file = partial(settings, Buffer.alloc(0))
  rmSync(file)
  symlinkSync('/dev/full', file)
  await fails('tiny/qwen3', settings, /\.incomplete: the disk is full \(ENOSPC\): expected a place with room: HF_HOME or HF_HUB_CACHE/)
  assert.ok(lstatSync(file).isSymbolicLink())
})

test('a cache that cannot be written', async () => {
  const file = join(makeFolder(), 'file')
  writeFileSync(file, '')
  await fails('tiny/qwen3', fresh({ cache: join(file, 'hub') }), /the cache cannot be written \(ENOTDIR\)/)
})

test('another process at the same repository', async () => {
  const settings = fresh()
  const lock = join(settings.cache, '.locks/models--tiny--qwen3/weft.lock')
  mkdirSync(join(lock, '..'), { recursive: true })
  writeFileSync(lock, String(process.ppid))
  await fails('tiny/qwen3', settings, /tiny\/qwen3: process \d+ is downloading it already/)
  writeFileSync(lock, '999999999')
  await locate('tiny/qwen3', settings)
  assert.not.ok(existsSync(lock))
})

// a server that is hostile

const lists: readonly (readonly [string, unknown, RegExp])[] = [
  ['a path that leaves the folder', [{ type: 'file', path: '../../x.gguf', size: 1, oid: 'a'.repeat(40) }], /name of a file: expected one inside the repository, got "\.\.\/\.\.\/x\.gguf"/],
  ['an absolute path', [{ type: 'file', path: '/etc/x.gguf', size: 1, oid: 'a'.repeat(40) }], /name of a file/],
  ['a hash that is a path', [{ type: 'file', path: 'x.gguf', size: 1, oid: '../../../../x'.padEnd(40, 'a') }], /hash of x\.gguf: expected 40 hexadecimal digits/],
  ['a size below zero', [{ type: 'file', path: 'x.gguf', size: -1, oid: 'a'.repeat(40) }], /size of x\.gguf: expected a number of bytes, got -1/],
  ['a size of 2^60', [{ type: 'file', path: 'x.gguf', size: 5, oid: 'a'.repeat(40), lfs: { oid: 'a'.repeat(64), size: 2 ** 60 } }], /size of x\.gguf/],
  ['more than any disk holds', [{ type: 'file', path: 'x.gguf', size: 5, oid: 'a'.repeat(40), lfs: { oid: 'a'.repeat(64), size: 2 ** 52 } }], /is too full/],
  ['no list', { a: 1 }, /the hub's answer cannot be used/],
  ['null', null, /the hub's answer cannot be used/],
  ['a list of nothing', [null], /the hub's answer cannot be used/],
]
for (const [name, answer, wanted] of lists) {
  test(`the hub lists ${name}`, () => fails('tiny/one', fresh(), wanted, s => (s.path.includes('/tree/') ? { answer } : null)))
}
test('the hub names a commit that is a path', () => fails('tiny/one', fresh(), /a commit of 40 digits, got "\.\.\/\.\.\/x"/, s => (s.path.includes('/revision/') ? { answer: { sha: '../../x', lastModified: '2025' } } : null)))
test('an index that names files outside the folder', async () => {
  const before = hub.repos['tiny/sharded']!
  hub.repos['tiny/evil'] = { files: { ...before.files, 'model.safetensors.index.json': Buffer.from(JSON.stringify({ weight_map: { a: '../../../x.safetensors' } })) } }
  await fails('tiny/evil', fresh(), /file name: expected a file inside the folder/)
})

test.run()
