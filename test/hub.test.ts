/**
 * Models from the hub, against a server that behaves as it does: names, what is downloaded and what is not, the layout that other
 * tools share, the environment, the commands, and what happens where there is no hub.
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { cachedCommit, findCached, listCached, removeCached, repoFolder } from '../engine/hub/cache.js'
import { parseHubName } from '../engine/hub/name.js'
import { select } from '../engine/hub/select.js'
import { hubSettings, type HubSettings } from '../engine/hub/settings.js'
import { WeftError } from '../graph/error.js'
import { openModel } from '../weights/open.js'
import { weft } from './help-cli.js'
import { config, fails, fetched, fresh, gguf, hub, locate, notices, sha256, weights } from './support/hub-models.js'
import { defaultCommit, gitHash, largeFrom } from './support/hub-server.js'
import { fixture, makeFolder } from './weights-make.js'

test.after(() => hub.close())

// names

for (const [text, wanted] of [
  ['Qwen/Qwen3-0.6B', ['Qwen/Qwen3-0.6B', 'main', null]],
  ['org/repo:file.gguf', ['org/repo', 'main', 'file.gguf']],
  ['org/repo:q4/file.gguf@v1.0', ['org/repo', 'v1.0', 'q4/file.gguf']],
  ['org/repo@refs/pr/3:a.gguf', ['org/repo', 'refs/pr/3', 'a.gguf']],
  ['./org/repo', null], ['/org/repo', null], ['org', null], ['a/b/c', null], ['../x', null], ['org/', null], ['a b/c', null], ['-o/x', null],
] as const) {
  test(`the name ${text}`, () => {
    const name = parseHubName(text)
    assert.equal(name && [name.repo, name.revision, name.file], wanted)
  })
}

for (const text of ['o/r@', 'o/r@../x', 'o/r@a/../b', 'o/r:', 'o/r:../x', 'o/r:/etc/passwd', 'o/r:a\\b', 'o/r@a:f@b']) {
  test(`the name ${text} is refused`, () => assert.throws(() => parseHubName(text), (e: unknown) => e instanceof WeftError))
}

test('a path that exists is itself, and so is what has no form of a name', async () => {
  assert.is(await locate(fixture('models/qwen3'), fresh()), fixture('models/qwen3'))
  assert.is(await locate('./nowhere/model', fresh()), './nowhere/model')
  assert.is(hub.seen.length, 0)
})

// what is downloaded

test('a repository of safetensors: settings and weights, no more, in the layout that other tools share', async () => {
  const settings = fresh()
  const path = await locate('tiny/qwen3', settings)
  assert.equal(fetched(), ['config.json', 'generation_config.json', 'model.safetensors'])
  const folder = join(settings.cache, 'models--tiny--qwen3')
  assert.is(path, join(folder, 'snapshots', defaultCommit))
  assert.is(readFileSync(join(folder, 'refs/main'), 'utf8'), defaultCommit)
  assert.equal(readdirSync(join(folder, 'blobs')).sort(), [gitHash(config), gitHash(Buffer.from('{}')), sha256(weights)].sort())
  assert.is(readlinkSync(join(path, 'model.safetensors')), `../../blobs/${sha256(weights)}`)
  assert.ok(readFileSync(join(path, 'model.safetensors')).equals(weights))
  const model = await openModel(path)
  model.close()
  assert.is(model.config.hidden, 128)
  assert.match(notices.join('\n'), /^tiny\/qwen3: downloading 3 files, 1\.\d MB, to /)
})

test('the library of the other tools reads that cache', async () => {
  const settings = fresh()
  await locate('tiny/qwen3', settings)
  const { scanCacheDir } = await import('@huggingface/hub')
  const { repos, warnings } = await scanCacheDir(settings.cache)
  assert.is(warnings.length, 0)
  const [repo] = repos
  assert.equal([repo?.id, repo?.filesCount, repo?.revisions.map(r => [r.commitOid, r.refs])], [{ name: 'tiny/qwen3', type: 'model' }, 3, [[defaultCommit, ['main']]]])
})

test('a snapshot of plain files, as tools leave it where links are not to be had, is used', async () => {
  const settings = fresh()
  const file = join(repoFolder(settings.cache, 'tiny/one'), 'snapshots', defaultCommit, 'only.gguf')
  mkdirSync(join(file, '..'), { recursive: true })
  writeFileSync(file, gguf)
  assert.is(await locate('tiny/one', settings), file)
  assert.equal(fetched(), [])
})

test('what is there is not downloaded again; a new commit is', async () => {
  const settings = fresh()
  const first = await locate('tiny/qwen3', settings)
  assert.is(await locate('tiny/qwen3', settings), first)
  assert.is(hub.seen.length, 1)
  assert.is(await locate(`tiny/qwen3@${defaultCommit}`, settings), first)
  assert.is(hub.seen.length, 0, 'a commit in the cache needs no question')
  const before = hub.repos['tiny/qwen3']!
  hub.repos['tiny/qwen3'] = { ...before, commit: 'a'.repeat(40), files: { ...before.files, 'generation_config.json': Buffer.from('{"top_k":3}') } }
  const second = await locate('tiny/qwen3', settings)
  hub.repos['tiny/qwen3'] = before
  assert.is(second, first.replace(defaultCommit, 'a'.repeat(40)))
  assert.equal(fetched(), ['generation_config.json'], 'the rest is in the cache under its hash')
})

test('a sharded model: the index and the shards it lists', async () => {
  const path = await locate('tiny/sharded', fresh())
  assert.equal(fetched(), ['config.json', 'model-00001-of-00002.safetensors', 'model-00002-of-00002.safetensors', 'model.safetensors.index.json'])
  const model = await openModel(path)
  model.close()
  assert.ok(model.tensors.size > 9)
})

test('branches, tags and names with a slash', async () => {
  const settings = fresh()
  const path = await locate('tiny/sharded@feature/x', settings)
  assert.match(path, /snapshots\/e{40}$/)
  assert.is(cachedCommit(settings.cache, parseHubName('tiny/sharded@feature/x')!), 'e'.repeat(40))
  assert.match(await locate('tiny/sharded@dev', settings), /snapshots\/d{40}$/)
  assert.equal(fetched(), [], 'the same contents')
  assert.equal(listCached(settings.cache)[0]?.revisions.map(r => r.refs), [['dev'], ['feature/x']])
})

test('one GGUF file of several, and the only one', async () => {
  const settings = fresh()
  assert.match(await locate('tiny/gguf:a-Q8_0.gguf', settings), /a-Q8_0\.gguf$/)
  assert.equal(fetched(), ['a-Q8_0.gguf'])
  assert.match(await locate('tiny/gguf:deep/c.gguf', settings), /deep\/c\.gguf$/)
  assert.match(await locate('tiny/one', settings), /only\.gguf$/)
  const model = await openModel(await locate('tiny/one', settings))
  model.close()
  await fails('tiny/gguf', settings, /2 models in one repository; name one of them, as in tiny\/gguf:a-Q8_0\.gguf: expected a-Q8_0\.gguf, b-F16\.gguf/)
  await fails('tiny/gguf:z.gguf', settings, /the repository has no file z\.gguf: expected a-Q8_0/)
})

test('a GGUF file in parts comes whole', async () => {
  assert.match(await locate('tiny/parts:q/m-00001-of-00002.gguf', fresh()), /q\/m-00001-of-00002\.gguf$/)
  assert.equal(fetched(), ['q/m-00001-of-00002.gguf', 'q/m-00002-of-00002.gguf'])
  await fails('tiny/parts:q/n-00001-of-00002.gguf', fresh(), /lacks q\/n-00002-of-00002\.gguf, a part of the model/)
})

test('what a repository without a model has is named', () => fails('tiny/empty', fresh(), /no model that weft reads: expected model\.safetensors.*got README\.md, pytorch_model\.bin/))

test('a safetensors file by name comes with its settings', () => {
  assert.equal(select(['a.safetensors', 'config.json', 'x.txt'], 'a.safetensors', 'o/r'), { files: ['config.json', 'a.safetensors'], sharded: false, opened: 'a.safetensors' })
})

// without the hub

test('HF_HUB_OFFLINE: from the cache without a request, or an error that names what there is', async () => {
  const settings = fresh()
  const path = await locate('tiny/qwen3', settings)
  const offline = { ...settings, offline: true }
  assert.is(await locate('tiny/qwen3', offline), path)
  await fails('tiny/one', offline, /^\[hub\] tiny\/one: no such path here and not in the cache; HF_HUB_OFFLINE is set, and the hub is not asked; the cache has tiny\/qwen3; without --model, the built-in model runs$/)
  await fails('tiny/qwen3@dev', offline, /not in the cache/)
  assert.is(hub.seen.length, 0)
})

test('a hub that cannot be reached: the cache, and a line that says so, or an error', async () => {
  const settings = fresh()
  const path = await locate('tiny/qwen3', settings)
  const away = { ...settings, endpoint: 'http://127.0.0.1:9' }
  assert.is(await locate('tiny/qwen3', away), path)
  assert.match(notices.join('\n'), /tiny\/qwen3: 127\.0\.0\.1:9 cannot be reached \(.+\); taking what the cache has of it, commit c0ffee00/)
  await fails('tiny/one', away, /^\[hub\] tiny\/one: no such path here and not in the cache; 127\.0\.0\.1:9 cannot be reached \(.+\); the cache has tiny\/qwen3; without --model, the built-in model runs$/)
  assert.is(await locate('tiny/qwen3', settings, () => ({ status: 503 })), path)
  assert.match(notices.join('\n'), /tiny\/qwen3: 127\.0\.0\.1:\d+ answers with status 503; taking what the cache has of it/)
  await fails('tiny/one', { ...away, cache: makeFolder() }, /the cache has no model; without --model/)
})

// the environment

test('the variables of the Hugging Face tools', () => {
  const names = ['HF_TOKEN', 'HUGGING_FACE_HUB_TOKEN', 'HF_TOKEN_PATH', 'HF_ENDPOINT', 'HF_HOME', 'HF_HUB_CACHE', 'HUGGINGFACE_HUB_CACHE', 'HF_HUB_OFFLINE', 'XDG_CACHE_HOME']
  const saved = names.map(name => [name, process.env[name]] as const)
  const given = (values: Readonly<Record<string, string>>): HubSettings => {
    for (const name of names) delete process.env[name]
    Object.assign(process.env, values)
    return hubSettings()
  }
  try {
    const home = makeFolder()
    writeFileSync(join(home, 'token'), 'from-file\n')
    assert.equal(given({ HF_HOME: home }), { endpoint: 'https://huggingface.co', cache: join(home, 'hub'), token: 'from-file', offline: false })
    assert.equal(given({ HF_HOME: home, HF_TOKEN: 't', HF_HUB_CACHE: '/c', HF_ENDPOINT: 'http://h:1/', HF_HUB_OFFLINE: '1' }), { endpoint: 'http://h:1', cache: '/c', token: 't', offline: true })
    assert.is(given({ XDG_CACHE_HOME: '/x', HF_HUB_OFFLINE: '0' }).cache, '/x/huggingface/hub')
    assert.throws(() => given({ HF_ENDPOINT: 'huggingface' }), /\[HF_ENDPOINT\] not an address/)
    assert.throws(() => given({ HF_TOKEN: 'a\nb' }), /\[HF_TOKEN\]/)
  } finally {
    for (const [name, value] of saved) {
      if (value === undefined) delete process.env[name]
      else process.env[name] = value
    }
  }
})

// the commands

test('weft pull, list, inspect, rm', async () => {
  hub.fault = () => null
  const cache = join(makeFolder(), 'hub')
  const env = { HF_HUB_CACHE: cache, HF_ENDPOINT: hub.endpoint, HF_TOKEN: '', HF_HOME: cache, HF_HUB_OFFLINE: '' }
  const pulled = await weft(['pull', 'tiny/qwen3'], { env })
  assert.is(pulled.code, 0, pulled.stderr)
  assert.is(pulled.stdout, `${join(cache, 'models--tiny--qwen3/snapshots', defaultCommit)}\n`)
  assert.match(pulled.stderr, /^weft: tiny\/qwen3: downloading 3 files/)
  await weft(['pull', 'tiny/gguf:a-Q8_0.gguf'], { env })
  const listed = await weft(['list'], { env })
  assert.match(listed.stdout, /^model +revision +size\ntiny\/gguf +main c0ffee00 +[\d.]+ .B +a-Q8_0\.gguf\ntiny\/qwen3 +main c0ffee00 +1\.\d+ MB\n$/)
  assert.equal((JSON.parse((await weft(['list', '--json'], { env })).stdout) as readonly { repo: string }[]).map(r => r.repo), ['tiny/gguf', 'tiny/qwen3'])
  const offline = { ...env, HF_HUB_OFFLINE: '1' }
  assert.match((await weft(['inspect', 'tiny/qwen3'], { env: offline })).stdout, /qwen3, 3 layers/)
  const absent = await weft(['run', '--model', 'tiny/other', 'x'], { env: offline })
  assert.is(absent.code, 1)
  assert.match(absent.stderr, /^weft: \[hub\] tiny\/other: no such path here and not in the cache; .*the cache has tiny\/gguf, tiny\/qwen3; without --model, the built-in model runs\n$/)
  assert.match((await weft(['rm', 'tiny/qwen3'], { env })).stderr, /^weft: tiny\/qwen3 removed, 1\.\d+ MB freed\n$/)
  assert.equal(listCached(cache).map(r => r.repo), ['tiny/gguf'])
  const again = await weft(['rm', 'tiny/qwen3'], { env })
  assert.equal([again.code, /tiny\/qwen3: not in the cache at /.test(again.stderr)], [1, true])
  for (const args of [['pull', './x'], ['rm', 'tiny/gguf:a.gguf']]) assert.is((await weft(args, { env })).code, 2)
})

test('rm of one revision keeps what another uses', async () => {
  const settings = fresh()
  await locate('tiny/sharded@dev', settings)
  await locate('tiny/sharded', settings)
  assert.is(removeCached(settings.cache, parseHubName('tiny/sharded@dev')!, false), 0)
  assert.is(findCached(settings.cache, parseHubName('tiny/sharded')!, defaultCommit) !== null, true)
  assert.throws(() => removeCached(settings.cache, parseHubName('tiny/sharded@dev')!, false), /revision dev is not in the cache: expected main/)
  assert.ok(removeCached(settings.cache, parseHubName('tiny/sharded@main')!, false) > weights.length)
  assert.not.ok(existsSync(repoFolder(settings.cache, 'tiny/sharded')))
})

test('small files are below the line and weights above it', () => {
  assert.ok(config.length < largeFrom && weights.length > largeFrom && gguf.length > largeFrom)
})

test.run()
