/**
 * The stand-in's tokenizer: byte-level BPE with the split pattern and the chat tokens of Qwen3, its merges learned from a short
 * list of common English words, the earlier ones counted as the more frequent.
 */

const words = `the of and to in is you that it he was for on are as with his they at be this have from or one had by word but not what all
were we when your can said there use an each which she do how their if will up other about out many then them these so some her would make
like him into time has look two more write go see number no way could people my than first water been call who oil its now find long down day
did get come made may part sentence short answer question light house world think know never under last might while right old too same tell
does set three want air well also play small end put home read hand port large spell add even land here must big high such follow act why ask men
change went light kind off need house picture try us again animal point mother earth self father`.split(/\s+/)

export const specialTokens = ['<|endoftext|>', '<|im_start|>', '<|im_end|>'] as const

const splitPattern =
  "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"

/** GPT-2's alphabet: a printable character for each byte, the printable bytes first. */
function byteAlphabet(): readonly string[] {
  const printable = (b: number): boolean => (b >= 33 && b <= 126) || (b >= 161 && b <= 172) || b >= 174
  const bytes = Array.from({ length: 256 }, (_, b) => b)
  const others = bytes.filter(b => !printable(b))
  return [...bytes.filter(printable).map(b => String.fromCharCode(b)), ...others.map((_, i) => String.fromCharCode(256 + i))]
}

interface Piece {
  readonly weight: number
  parts: readonly string[]
}

/** The `count` most frequent pairs, each learned on the text as merged before it; ties go to the pair seen first. */
function learnMerges(count: number): readonly (readonly [string, string])[] {
  const pieces: Piece[] = [...new Set(words)].flatMap((word, rank) => [
    { weight: 1 / (rank + 10), parts: ['Ġ', ...word] },
    { weight: 0.2 / (rank + 10), parts: [...word] },
  ])
  const merges: (readonly [string, string])[] = []
  while (merges.length < count) {
    const weights = new Map<string, number>()
    for (const { weight, parts } of pieces) {
      for (let i = 1; i < parts.length; i++) {
        const pair = `${parts[i - 1]} ${parts[i]}`
        weights.set(pair, (weights.get(pair) ?? 0) + weight)
      }
    }
    const best = [...weights].reduce((a, b) => (b[1] > a[1] ? b : a))[0]
    const [left, right] = best.split(' ') as [string, string]
    merges.push([left, right])
    for (const piece of pieces) piece.parts = merge(piece.parts, left, right)
  }
  return merges
}

function merge(parts: readonly string[], left: string, right: string): readonly string[] {
  const out: string[] = []
  for (let i = 0; i < parts.length; i++) {
    const joined = parts[i] === left && parts[i + 1] === right
    out.push(joined ? left + right : parts[i]!)
    if (joined) i++
  }
  return out
}

/** A `tokenizer.json` of exactly `vocab` tokens: 256 bytes, merges, and the special tokens at the end. */
export function makeTokenizer(vocab: number): object {
  const merges = learnMerges(vocab - 256 - specialTokens.length)
  const tokens = [...byteAlphabet(), ...merges.map(([left, right]) => left + right)]
  const first = tokens.length
  const plain = { add_prefix_space: false, trim_offsets: false, use_regex: false }
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: specialTokens.map((content, i) => ({
      id: first + i, content, single_word: false, lstrip: false, rstrip: false, normalized: false, special: true,
    })),
    normalizer: { type: 'NFC' },
    pre_tokenizer: {
      type: 'Sequence',
      pretokenizers: [
        { type: 'Split', pattern: { Regex: splitPattern }, behavior: 'Isolated', invert: false },
        { type: 'ByteLevel', ...plain },
      ],
    },
    post_processor: { type: 'ByteLevel', ...plain },
    decoder: { type: 'ByteLevel', ...plain },
    model: {
      type: 'BPE', dropout: null, unk_token: null, continuing_subword_prefix: '', end_of_word_suffix: '', fuse_unk: false, byte_fallback: false, ignore_merges: false,
      vocab: Object.fromEntries(tokens.map((token, id) => [token, id])),
      merges,
    },
  }
}
