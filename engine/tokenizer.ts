/**
 * The tokenizer as the engine and library users see it. The work is done by the AssemblyScript of `assembly/`: here tokens, merges
 * and added tokens are laid out in its flat memory, texts go in as UTF-8 and ids come out. The host is asked back for two
 * things only: to take a full buffer of ids, and for NFC where the module's quick check could not rule out a change.
 */
import { instantiateAssembly } from './assembly.js'
import { readTokenizerGguf } from './tokenizer-gguf.js'
import { readTokenizerJson } from './tokenizer-json.js'
import { byteAlphabet, fail, MAX_ADDED_BYTES, MAX_MERGES, MAX_TOKENS, splits, type TokenizerSpec } from './tokenizer-spec.js'
import type { TokenizerSource } from '../weights/model.js'

export interface EncodeOptions {
  /** Special tokens in the text (`<|im_end|>`) become their ids; when false they are text. Default true. */
  readonly special?: boolean
  /** Put what the tokenizer's own template puts around a text (Llama 3: BOS before it). Default false. */
  readonly addSpecial?: boolean
}

export interface DecodeOptions {
  /** Leave special tokens out instead of writing their text. Default false. */
  readonly skipSpecial?: boolean
}

/** Text from ids that come one by one: what is not yet a whole character is held back. */
export interface DecodeStream {
  /** The text that `id` completes, possibly empty. */
  push(id: number): string
  /** What was held back, with U+FFFD for characters that never became whole. */
  end(): string
}

export interface Tokenizer {
  readonly vocabSize: number
  readonly bosId: number | null
  readonly eosId: number | null
  /** Jinja source, or null where the files have none. */
  readonly chatTemplate: string | null
  encode(text: string, options?: EncodeOptions): Uint32Array
  /** The text of the ids; bytes that are not UTF-8 become U+FFFD, ids beyond the vocabulary nothing. */
  decode(ids: Iterable<number>, options?: DecodeOptions): string
  stream(options?: DecodeOptions): DecodeStream
  /** The id of a token by its spelling in the file (`Ġthe`, `<|im_end|>`). */
  idOf(token: string): number | undefined
  /** The spelling in the file. */
  tokenOf(id: number): string | undefined
  isSpecial(id: number): boolean
}

interface Module {
  readonly memory: { readonly buffer: ArrayBuffer }
  createTokenizer(tokens: number, bytes: number, merges: number, addedBytes: number, split: number, nfc: number, wholeFirst: number): void
  tokenOffsets(): number
  tokenBytes(): number
  tokenFlags(): number
  finishVocabulary(unknown: number): number
  enterMerges(count: number, firstRank: number): number
  enterAdded(trie: number, length: number, id: number): void
  inputBuffer(bytes: number): number
  outputBuffer(): number
  encode(bytes: number, special: number): number
  decode(count: number, withoutSpecial: number): number
  decodedBytes(): number
}

/** Of a table whose keys crowd; `assembly/vocabulary.ts` has the same. */
const CROWDED = -2
/** Flags of a token in the module; `assembly/vocabulary.ts` has the same. */
const REACHABLE = 1, SPECIAL = 2, LSTRIP = 4, RSTRIP = 8

/** Reads and builds a tokenizer. Throws WeftError naming the file for anything malformed or not supported. */
export async function loadTokenizer(source: TokenizerSource): Promise<Tokenizer> {
  switch (source.kind) {
    case 'tokenizer.json': return ByteLevelTokenizer.create(await readTokenizerJson(source.file, source.configFile))
    case 'gguf': return ByteLevelTokenizer.create(readTokenizerGguf(source.file, source.metadata))
    default: source satisfies never
  }
  return fail('tokenizer', 'unknown kind of source', 'tokenizer.json or gguf', source)
}

class ByteLevelTokenizer implements Tokenizer {
  readonly vocabSize: number
  readonly bosId: number | null
  readonly eosId: number | null
  readonly chatTemplate: string | null
  private readonly special: ReadonlySet<number>
  private readonly encoder = new TextEncoder()
  private ids: Map<string, number> | undefined
  private full: Uint32Array[] = []

  /** What the module cannot answer; merges are its own once it is built. */
  private readonly spec: Pick<TokenizerSpec, 'where' | 'tokens' | 'prefix' | 'suffix'>

  private constructor(spec: TokenizerSpec, private readonly module: Module) {
    const { where, tokens, prefix, suffix } = spec
    this.spec = { where, tokens, prefix, suffix }
    this.vocabSize = spec.tokens.length
    this.bosId = spec.bosId
    this.eosId = spec.eosId
    this.chatTemplate = spec.chatTemplate
    this.special = new Set(spec.added.filter(token => token.special).map(token => token.id))
  }

  static async create(spec: TokenizerSpec): Promise<Tokenizer> {
    // the functions are called only by the instance's own encode, after both exist
    const host = {
      flush: (count: number): void => { tokenizer.full.push(tokenizer.output(count)) },
      normalize: (from: number, bytes: number, to: number): number => tokenizer.normalize(from, bytes, to),
    }
    const module = await instantiateAssembly(host) as Module
    const tokenizer = new ByteLevelTokenizer(spec, module)
    tokenizer.build(spec)
    return tokenizer
  }

  encode(text: string, { special = true, addSpecial = false }: EncodeOptions = {}): Uint32Array {
    const bytes = this.writeText(text)
    this.full = []
    const left = this.module.encode(bytes, special ? 1 : 0)
    const full = this.full
    this.full = []
    if (left < 0) fail(this.spec.where, `a text of ${bytes} bytes does not fit the tokenizer's memory of 4 GB`)
    const last = this.output(left)
    if (full.length === 0 && !addSpecial) return last
    const parts: readonly ArrayLike<number>[] = addSpecial ? [this.spec.prefix, ...full, last, this.spec.suffix] : [...full, last]
    const ids = new Uint32Array(parts.reduce((sum, part) => sum + part.length, 0))
    let at = 0
    for (const part of parts) {
      ids.set(part, at)
      at += part.length
    }
    return ids
  }

  decode(ids: Iterable<number>, { skipSpecial = false }: DecodeOptions = {}): string {
    return new TextDecoder('utf-8', { ignoreBOM: true }).decode(this.bytesOf(Uint32Array.from(ids), skipSpecial))
  }

  stream({ skipSpecial = false }: DecodeOptions = {}): DecodeStream {
    const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
    return {
      push: id => decoder.decode(this.bytesOf(Uint32Array.of(id), skipSpecial), { stream: true }),
      end: () => decoder.decode(),
    }
  }

  idOf(token: string): number | undefined {
    this.ids ??= new Map(this.spec.tokens.map((spelling, id) => [spelling, id]))
    return this.ids.get(token)
  }

  tokenOf(id: number): string | undefined {
    return this.spec.tokens[id]
  }

  isSpecial(id: number): boolean {
    return this.special.has(id)
  }

  /** Room for `bytes` of input at the module's input buffer; returns its address. */
  private input(bytes: number): number {
    const at = bytes < 2 ** 32 ? this.module.inputBuffer(bytes) >>> 0 : 0
    return at !== 0 ? at : fail(this.spec.where, `${bytes} bytes do not fit the tokenizer's memory of 4 GB`)
  }

  private output(count: number): Uint32Array {
    return new Uint32Array(this.module.memory.buffer, this.module.outputBuffer() >>> 0, count).slice()
  }

  /** Writes the text as UTF-8 to the input buffer; returns its bytes. Room is made for a byte a character, and more once that is used up. */
  private writeText(text: string): number {
    let room = text.length < 0x4000 ? text.length * 3 : text.length + (text.length >> 3)
    let read = 0, written = 0
    for (;;) {
      const at = this.input(room)
      const part = this.encoder.encodeInto(read === 0 ? text : text.slice(read), new Uint8Array(this.module.memory.buffer, at + written, room - written))
      read += part.read
      written += part.written
      if (read === text.length) return written
      room = written + (text.length - read) * 3
    }
  }

  private bytesOf(ids: Uint32Array, skipSpecial: boolean): Uint8Array<ArrayBuffer> {
    const at = this.input(ids.length * 4)
    new Uint32Array(this.module.memory.buffer, at, ids.length).set(ids)
    const bytes = this.module.decode(ids.length, skipSpecial ? 1 : 0)
    if (bytes < 0) fail(this.spec.where, `the text of ${ids.length} ids does not fit the tokenizer's memory of 4 GB`)
    return new Uint8Array(this.module.memory.buffer, this.module.decodedBytes() >>> 0, bytes)
  }

  private normalize(from: number, bytes: number, to: number): number {
    const { buffer } = this.module.memory
    const text = new TextDecoder('utf-8', { ignoreBOM: true }).decode(new Uint8Array(buffer, from >>> 0, bytes >>> 0))
    return this.encoder.encodeInto(text.normalize('NFC'), new Uint8Array(buffer, to >>> 0, (bytes >>> 0) * 3)).written
  }

  private build(spec: TokenizerSpec): void {
    const { module } = this
    const { where, tokens, merges, added } = spec
    if (tokens.length > MAX_TOKENS) fail(where, 'the vocabulary is too large', `at most ${MAX_TOKENS} tokens`, tokens.length)
    if (merges.left.length > MAX_MERGES) fail(where, 'there are too many merges', `at most ${MAX_MERGES}`, merges.left.length)
    const alphabet = byteAlphabet()
    const texts = added.map(token => this.encoder.encode(token.content))
    const addedBytes = texts.reduce((sum, text) => sum + text.length, 0)
    if (addedBytes > MAX_ADDED_BYTES) fail(where, 'the added tokens are too long', `at most ${MAX_ADDED_BYTES} bytes together`, addedBytes)

    // spellings are at most 3 bytes a character, whichever way they are read
    const bytes = new Uint8Array(tokens.reduce((sum, token) => sum + token.length, 0) * 3)
    const offsets = new Uint32Array(tokens.length + 1)
    const flags = Uint8Array.from(spec.reachable)
    let at = 0
    for (let id = 0; id < tokens.length; id++) {
      offsets[id] = at
      const length = spell(tokens[id], alphabet, bytes, at)
      // a spelling outside the byte alphabet is text as it stands; neither that nor an empty one is what byte-pair encoding yields
      if (length <= 0) flags[id] &= ~REACHABLE
      at += length >= 0 ? length : this.encoder.encodeInto(tokens[id], bytes.subarray(at)).written
    }
    offsets[tokens.length] = at
    for (const { id, special, lstrip, rstrip } of added) flags[id] |= (special ? SPECIAL : 0) | (lstrip ? LSTRIP : 0) | (rstrip ? RSTRIP : 0)

    module.createTokenizer(tokens.length, at, merges.left.length, addedBytes, splits[spec.split], spec.nfc ? 1 : 0, spec.ignoreMerges ? 1 : 0)
    new Uint32Array(module.memory.buffer, module.tokenOffsets(), offsets.length).set(offsets)
    new Uint8Array(module.memory.buffer, module.tokenBytes(), at).set(bytes.subarray(0, at))
    new Uint8Array(module.memory.buffer, module.tokenFlags(), flags.length).set(flags)
    const bad = module.finishVocabulary(spec.unknownId ?? -1)
    if (bad === CROWDED) fail(where, 'too many tokens fall on one place of the table: a vocabulary made to be slow')
    if (bad >= 0) fail(where, `token ${bad} is spelt like another`, undefined, tokens[bad])

    this.buildMerges(spec, alphabet)
    added.forEach(({ id, normalized }, i) => {
      const input = this.input(texts[i].length)
      new Uint8Array(module.memory.buffer, input, texts[i].length).set(texts[i])
      module.enterAdded(normalized ? 1 : 0, texts[i].length, id)
    })
  }

  /** All merges at once: two lengths for each, then the bytes. Ids and joined tokens are looked up by the module. */
  private buildMerges({ where, merges: { left, right } }: TokenizerSpec, alphabet: Int16Array): void {
    const lengths = new Uint32Array(left.length * 2)
    let characters = 0
    for (let i = 0; i < left.length; i++) characters += left[i].length + right[i].length
    const bytes = new Uint8Array(characters)
    let at = 0
    for (let i = 0; i < left.length; i++) {
      for (const [part, text] of [left[i], right[i]].entries()) {
        const length = spell(text, alphabet, bytes, at)
        if (length < 0) fail(where, `merge ${i} names a token outside the byte alphabet`, undefined, [left[i], right[i]])
        lengths[2 * i + part] = length
        at += length
      }
    }
    const input = this.input(lengths.byteLength + at)
    new Uint32Array(this.module.memory.buffer, input, lengths.length).set(lengths)
    new Uint8Array(this.module.memory.buffer, input + lengths.byteLength, at).set(bytes.subarray(0, at))
    const bad = this.module.enterMerges(left.length, 0)
    if (bad === CROWDED) fail(where, 'too many merges fall on one place of the table: merges made to be slow')
    if (bad >= 0) fail(where, `merge ${bad} names or makes a token that the vocabulary lacks`, undefined, [left[bad], right[bad]])
  }
}

/** Writes the bytes that a spelling stands for at `at`; returns how many, or -1 where a character is not of the byte alphabet. */
function spell(token: string, alphabet: Int16Array, into: Uint8Array, at: number): number {
  for (let i = 0; i < token.length; i++) {
    const code = token.charCodeAt(i)
    const byte = code < alphabet.length ? alphabet[code] : -1
    if (byte < 0) return -1
    into[at + i] = byte
  }
  return token.length
}
