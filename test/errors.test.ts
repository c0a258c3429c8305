/**
 * Bad input through the real command line: each case gives one clear line on standard error that names what is wrong, the
 * documented exit code, nothing on standard output and no stack trace. The broken files are made here from the fixtures.
 */
import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { editHeader, editJson, editTensor, fixtures, scratch, setGgufType, truncate, weft, type SpawnOptions } from './help-cli.js'

interface Case {
  readonly name: string
  /** The arguments; `at` makes a folder that is removed afterwards. */
  readonly args: (at: typeof scratch) => readonly string[]
  readonly options?: SpawnOptions
  readonly code: 1 | 2
  /** What the line has to say. */
  readonly says: RegExp
}

const tiny = join(fixtures, 'models/qwen3')
const built = ['run', '--device', 'wasm', '--max-tokens', '4']

/** A copy of the tiny Qwen3, changed. */
const model = (change: (folder: string) => void) => (at: typeof scratch): readonly string[] => {
  const folder = at('models/qwen3')
  change(folder)
  return ['inspect', folder]
}

const gguf = (change: (file: string) => void) => (at: typeof scratch): readonly string[] => {
  const file = join(at('gguf/qwen3-q8_0'), 'model.gguf')
  change(file)
  return ['inspect', file]
}

/** `weft check` against changed expectations of the tiny Qwen3. */
const expectations = (change: (folder: string) => void) => (at: typeof scratch): readonly string[] => {
  const folder = at('models/qwen3')
  change(folder)
  return ['check', '--model', tiny, '--expected', folder, '--device', 'reference']
}

const folderWith = (name: string, text: string) => (at: typeof scratch): string => {
  const folder = at()
  writeFileSync(join(folder, name), text)
  return join(folder, name)
}

const nan = (folder: string): void => editTensor(folder, 'model.norm.weight', data => data.set([0xc0, 0x7f]))

const cases: readonly Case[] = [
  // files
  { name: 'no such model', args: () => ['run', '--model', '/no/such/model', 'x'], code: 1, says: /\/no\/such\/model: no such file or folder/ },
  { name: 'a folder without a model', args: at => ['run', '--model', at(), 'x'], code: 1, says: /no model in this folder/ },
  { name: 'another kind of file', args: () => ['run', '--model', join(tiny, 'logits.f32'), 'x'], code: 1, says: /logits\.f32: unknown kind of model/ },
  { name: 'a truncated safetensors file', args: model(f => truncate(join(f, 'model.safetensors'), 0.5)), code: 1, says: /model\.safetensors/ },
  { name: 'a safetensors file without a header', args: model(f => truncate(join(f, 'model.safetensors'), 0.00001)), code: 1, says: /model\.safetensors/ },
  { name: 'bad JSON in a safetensors header', args: model(f => editHeader(f, () => '{ "a": ')), code: 1, says: /model\.safetensors.*JSON/ },
  { name: 'a missing tensor', args: model(f => editHeader(f, h => { h['another'] = h['model.norm.weight']!; delete h['model.norm.weight'] })), code: 1, says: /model\.norm\.weight is missing/ },
  { name: 'a wrong dtype', args: model(f => editHeader(f, h => { h['model.norm.weight']!.dtype = 'I16' })), code: 1, says: /model\.norm\.weight.*I16/ },
  { name: 'a wrong shape', args: model(f => editHeader(f, h => { h['model.norm.weight']!.shape = [2, 64] })), code: 1, says: /model\.norm\.weight.*expected \[128\], got \[2,64\]/ },
  { name: 'no config.json', args: model(f => rmSync(join(f, 'config.json'))), code: 1, says: /config\.json: no such file/ },
  { name: 'bad JSON in config.json', args: model(f => writeFileSync(join(f, 'config.json'), '{')), code: 1, says: /config\.json: bad JSON/ },
  { name: 'an unknown architecture', args: model(f => editJson(join(f, 'config.json'), c => { c['model_type'] = 'gpt9'; c['architectures'] = ['Gpt9ForCausalLM'] })), code: 1, says: /gpt9/i },
  { name: 'a config.json without a size', args: model(f => editJson(join(f, 'config.json'), c => { delete c['hidden_size'] })), code: 1, says: /hidden_size/ },
  { name: 'a truncated GGUF file', args: gguf(f => truncate(f, 0.5)), code: 1, says: /model\.gguf/ },
  { name: 'a GGUF file that is none', args: gguf(f => writeFileSync(f, 'no GGUF file at all, though it is long enough')), code: 1, says: /model\.gguf/ },
  { name: 'an unknown type in GGUF', args: gguf(f => setGgufType(f, 'blk.0.ffn_down.weight', 999)), code: 1, says: /999/ },
  { name: 'an index whose shards leave the folder', args: model(f => { rmSync(join(f, 'model.safetensors')); writeFileSync(join(f, 'model.safetensors.index.json'), JSON.stringify({ weight_map: { a: '../../etc/passwd' } })) }), code: 1, says: /file name: expected a file inside the folder, got "\.\.\/\.\.\/etc\/passwd"/ },
  { name: 'a header that claims 2^60 bytes', args: model(f => claim(join(f, 'model.safetensors'), 0, 2n ** 60n)), code: 1, says: /header length does not fit the file: expected 2 to \d+ bytes, got 1152921504606846976/ },
  { name: 'a GGUF file that claims 2^31 tensors', args: gguf(f => claim(f, 8, 2n ** 31n)), code: 1, says: /tensor count.*more than the file can hold: expected at most \d+, got 2147483648/ },
  { name: 'a vocabulary with a hole', args: at => ['tokenize', '--model', tokenizerWith({ vocab: { a: 0, b: 2 } })(at), 'a'], code: 1, says: /the vocabulary has a hole: no token has id 1/ },
  { name: 'a merge that names no token', args: at => ['tokenize', '--model', tokenizerWith({ merges: ['a c'] })(at), 'a'], code: 1, says: /merge 0 names or makes a token that the vocabulary lacks: got \["a","c"\]/ },
  { name: 'a template without end', args: templated('{% for a in range(60000) %}{% for b in range(60000) %}x{% endfor %}{% endfor %}'), code: 1, says: /\[chat template\] cannot be rendered: takes (more than \d+ steps|longer than \d+ s)|makes more than/ },
  { name: 'a template that doubles a text', args: templated(`{% set ns = namespace(t='01234567') %}${'{% set ns.t = ns.t ~ ns.t %}'.repeat(60)}{{ ns.t }}`), code: 1, says: /\[chat template\] cannot be rendered: makes a text of more than 16777216 characters/ },
  { name: 'a template that includes itself', args: templated("{% include 'chat_template.jinja' %}"), code: 1, says: /\[chat template\] cannot be parsed: Unknown statement/ },
  { name: 'a token id that the embedding lacks', args: at => { const f = at('models/qwen3'); writeFileSync(join(f, 'tokenizer.json'), tokenizerOf({ vocab: Object.fromEntries(Array.from({ length: 600 }, (_, i) => [i === 599 ? 'a' : `b${'b'.repeat(i)}`, i])) })); return [...built, '--model', f, '--raw', 'a'] }, code: 1, says: /\[prompt\] token id 599 is none of the model's: expected ids below 512/ },
  // the hub
  { name: 'a model of the hub without the hub', args: () => ['run', '--model', 'no/such', 'x'], options: { env: { HF_HUB_OFFLINE: '1', HF_HUB_CACHE: '/no/such/cache' } }, code: 1, says: /\[hub\] no\/such: no such path here and not in the cache; HF_HUB_OFFLINE is set, and the hub is not asked; the cache has no model; without --model, the built-in model runs/ },
  { name: 'a hub that is no address', args: () => ['pull', 'a/b'], options: { env: { HF_ENDPOINT: 'nowhere', HF_HUB_CACHE: '/no/such/cache' } }, code: 1, says: /\[HF_ENDPOINT\] not an address/ },
  { name: 'a name that is none of the hub', args: () => ['pull', './a'], code: 2, says: /\[model\] not a name of the hub/ },
  { name: 'a revision that is a path', args: () => ['pull', 'a/b@../../x'], code: 1, says: /revision: expected a branch, a tag or a commit/ },
  { name: 'nothing to remove', args: () => ['rm', 'a/b'], options: { env: { HF_HUB_CACHE: '/no/such/cache' } }, code: 1, says: /a\/b: not in the cache at \/no\/such\/cache/ },
  // running
  { name: 'a prompt longer than the context', args: () => [...built, '--context', '8', 'one two three four five six seven eight'], code: 1, says: /the prompt does not fit the context: expected at most 8 tokens, got \d+/ },
  { name: 'a device that is not there', args: () => ['run', '--device', 'cuda:99', 'x'], code: 1, says: /\[cuda\]/ },
  { name: 'NaN in the logits, choosing greedily', args: at => { const f = at('models/qwen3'); nan(f); writeFileSync(join(f, 'tokenizer.json'), tokenizer); return [...built, '--model', f, '--raw', 'ab'] }, code: 1, says: /not finite/ },
  { name: 'NaN in the logits, sampling', args: at => { const f = at('models/qwen3'); nan(f); writeFileSync(join(f, 'tokenizer.json'), tokenizer); return [...built, '--model', f, '--raw', '--temperature', '1', 'ab'] }, code: 1, says: /not finite/ },
  { name: 'NaN in the logits, checked', args: at => { const f = at('models/qwen3'); nan(f); return ['check', '--model', f, '--device', 'wasm'] }, code: 1, says: /logits at position 0 are not finite/ },
  { name: 'text for a model without a tokenizer', args: () => [...built, '--model', tiny, '--raw', 'x'], code: 1, says: /has no tokenizer/ },
  { name: 'a conversation for a model without a template', args: () => [...built, '--model', tiny, 'x'], code: 1, says: /has no chat template/ },
  // inputs
  { name: 'a prompt file that is not there', args: () => ['run', '--file', '/no/such/prompt'], code: 1, says: /\/no\/such\/prompt: cannot be read \(ENOENT\)/ },
  { name: 'standard input that is not UTF-8', args: () => ['tokenize'], options: { input: Uint8Array.of(0x61, 0xff) }, code: 1, says: /standard input: not UTF-8/ },
  { name: 'bad JSON for tokenize', args: () => ['tokenize', '--json'], options: { input: '[' }, code: 1, says: /bad JSON/ },
  { name: 'other JSON for tokenize', args: () => ['tokenize', '--json'], options: { input: '[1]' }, code: 1, says: /a JSON array of strings/ },
  { name: 'ids that are none', args: () => ['tokenize', '--decode', '1 two'], code: 1, says: /not a token id.*"two"/ },
  { name: 'bad JSON in a conversation', args: at => ['tokenize', '--chat', folderWith('chat.json', '{')(at)], code: 1, says: /chat\.json: bad JSON/ },
  { name: 'a conversation that is none', args: at => ['tokenize', '--chat', folderWith('chat.json', '[{"content":"x"}]')(at)], code: 1, says: /chat\.json: no conversation/ },
  { name: 'bad JSON in tokenizer.json', args: at => ['tokenize', '--model', folderWith('tokenizer.json', '{')(at), 'x'], code: 1, says: /tokenizer\.json/ },
  { name: 'expectations that are not there', args: at => ['check', '--model', tiny, '--expected', at()], code: 1, says: /expected\.json: no such file/ },
  { name: 'bad JSON in expectations', args: expectations(f => writeFileSync(join(f, 'expected.json'), '[')), code: 1, says: /expected\.json: bad JSON/ },
  { name: 'expectations without tokens', args: expectations(f => editJson(join(f, 'expected.json'), e => { delete e['greedy'] })), code: 1, says: /expected\.json: greedy/ },
  { name: 'expected logits cut short', args: expectations(f => truncate(join(f, 'logits.f32'), 0.5)), code: 1, says: /logits\.f32: size in bytes: expected 81920/ },
  { name: 'expectations of another vocabulary', args: expectations(f => { editJson(join(f, 'expected.json'), e => { e['logits_shape'] = [20, 1024] }) }), code: 1, says: /vocabulary differs/ },
  // options
  { name: 'no command', args: () => [], code: 2, says: /no command given/ },
  { name: 'an unknown command', args: () => ['fly'], code: 2, says: /unknown option or argument fly/ },
  { name: 'an unknown option', args: () => ['run', '--wings', 'x'], code: 2, says: /unknown option or argument wings/ },
  { name: 'a prompt without quotes', args: () => ['run', 'two', 'words'], code: 2, says: /argument words .*quote/ },
  { name: 'an option without its value', args: () => ['run', 'x', '--top-k'], code: 2, says: /\[--top-k\] its value is missing/ },
  { name: 'an option given twice', args: () => ['run', 'x', '--seed', '1', '--seed', '2'], code: 2, says: /\[--seed\] given more than once/ },
  { name: 'an option that is no number', args: () => ['run', 'x', '--top-k', 'many'], code: 2, says: /\[--top-k\].*an integer/ },
  { name: 'a number out of range', args: () => ['run', 'x', '--top-p', '1.5'], code: 2, says: /\[--top-p\].*from 0 to 1, got 1\.5/ },
  { name: 'a negative number', args: () => ['run', 'x', '--temperature', '-1'], code: 2, says: /\[--temperature\].*got -1/ },
  { name: 'a number that is empty, as of a variable that is not set', args: () => ['run', 'x', '--temperature', ''], code: 2, says: /\[--temperature\] its value is missing/ },
  { name: 'a value of a switch', args: () => ['run', 'x', '--json=maybe'], code: 2, says: /\[--json\] takes no value: got "maybe"/ },
  { name: 'a penalty that the sampler would refuse', args: () => ['run', 'x', '--repeat-penalty', '0.001'], code: 2, says: /\[--repeat-penalty\] wrong value: expected a number from 0\.01 to 100, got 0\.001/ },
  { name: 'an option that needs another', args: () => ['devices', '--device', 'wasm'], code: 2, says: /\[--device\] given without --caps/ },
  { name: 'no choice of an option', args: () => ['run', 'x', '--compute', 'f64'], code: 2, says: /\[--compute\].*f32, f16, i16, got "f64"/ },
  { name: 'an unknown device', args: () => ['run', 'x', '--device', 'abacus'], code: 2, says: /\[--device\] unknown device.*"abacus"/ },
  { name: 'an unknown chip', args: () => ['emit', '--target', 'cuda', '--arch', 'sm_1'], code: 2, says: /\[--arch\].*sm_90a.*"sm_1"/ },
  { name: 'a context longer than the model was made for', args: () => [...built, '--context', '100000', 'x'], code: 2, says: /\[--context\].*at most \d+, got 100000/ },
  { name: 'arithmetic that the device lacks', args: () => [...built, '--compute', 'f16', 'x'], code: 2, says: /\[--compute\].*expected i16 or f32, got f16/ },
  { name: 'arithmetic of processors on a GPU', args: () => ['emit', '--target', 'cuda', '--compute', 'i16'], code: 2, says: /\[--compute\].*expected f16 or f32, got i16/ },
  { name: 'two prompts', args: () => ['run', 'x', '--file', 'y'], code: 2, says: /\[--file\]/ },
  { name: 'no prompt', args: () => ['run'], code: 2, says: /\[prompt\] empty/ },
  { name: 'a system prompt without a template', args: () => ['run', '--raw', '--system', 's', 'x'], code: 2, says: /\[--system\]/ },
  { name: 'an empty stop text', args: () => ['run', 'x', '--stop', ''], code: 2, says: /\[--stop\]/ },
  { name: 'a check of nothing', args: () => ['check'], code: 2, says: /\[--model\] missing/ },
]

/** The least that is a tokenizer: bytes `a` and `b`, padded to nothing; with parts of its model replaced. */
function tokenizerOf(parts: Readonly<Record<string, unknown>> = {}): string {
  return JSON.stringify({
    version: '1.0', added_tokens: [], normalizer: null,
    pre_tokenizer: { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true },
    decoder: { type: 'ByteLevel' },
    model: { type: 'BPE', vocab: { a: 0, b: 1 }, merges: [], ...parts },
  })
}
const tokenizer = tokenizerOf()

function tokenizerWith(parts: Readonly<Record<string, unknown>>): (at: typeof scratch) => string {
  return folderWith('tokenizer.json', tokenizerOf(parts))
}

/** Renders a conversation with this template. */
function templated(template: string): (at: typeof scratch) => readonly string[] {
  return at => {
    const folder = at()
    writeFileSync(join(folder, 'tokenizer.json'), tokenizer)
    writeFileSync(join(folder, 'chat_template.jinja'), template)
    writeFileSync(join(folder, 'chat.json'), '[{"role":"user","content":"x"}]')
    return ['tokenize', '--model', folder, '--chat', join(folder, 'chat.json')]
  }
}

/** Writes another count or length at a place in a file. */
function claim(file: string, at: number, value: bigint): void {
  const bytes = readFileSync(file)
  bytes.writeBigUInt64LE(value, at)
  writeFileSync(file, bytes)
}

for (const { name, args, options, code, says } of cases) {
  test(name, async () => {
    const folders: string[] = []
    try {
      const ended = await weft(args(copyOf => {
        const folder = scratch(copyOf)
        folders.push(folder)
        return folder
      }), options)
      const lines = ended.stderr.trimEnd().split('\n')
      assert.is(ended.code, code, ended.stderr)
      assert.match(lines.at(-1)!, says)
      assert.match(lines.at(-1)!, /^weft: \[[^\]]+\] /)
      // notices may stand before it, but there is one error and no stack
      assert.is(lines.filter(line => line.startsWith('weft: [')).length, 1, ended.stderr)
      assert.not.match(ended.stderr, /^\s+at /m)
      assert.is(ended.stdout, '')
    } finally {
      folders.forEach(folder => rmSync(folder, { recursive: true }))
    }
  })
}

test.run()
