/**
 * Parity with a reference, the first rule of weft. A folder of expectations holds a prompt, the reference's logits at some of
 * its positions and the tokens it chose; the model gets the same prompt and then the reference's own tokens (teacher
 * forcing), so that one early difference does not make every later token incomparable. Errors are norms of single rows:
 * over a whole matrix a norm hides one wrong row. A token has to be equal wherever the reference's margin between its two best
 * logits exceeds twice δ, the largest difference of any logit: below that, rounding alone may choose.
 */
import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { check as ensure, WeftError } from '../graph/error.js'
import { Fields, isInteger, isObject, show } from '../weights/fields.js'
import { readFields } from '../weights/generation.js'
import type { Compute, Message, Model, Session } from './types.js'

export interface CheckOptions {
  /** Prompt ids handed over at a time; 1 is token by token. Default: all at once. */
  readonly chunk?: number
  /** Greedy tokens compared at most; all unless told. */
  readonly tokens?: number
  /** Hands the reference's tokens over with the prompt, in pieces of `chunk` or one, not one by one: whole answers where a step is slow. */
  readonly atOnce?: boolean
  /** Largest relative error of a row. Default 1e-4 with f32 arithmetic, 1e-3 with i16, 1e-2 with f16. */
  readonly tolerance?: number
}

/** A token that the model chose otherwise than the reference. */
export interface TokenDifference {
  /** Index among the greedy tokens. */
  readonly index: number
  readonly expected: number
  readonly got: number
  /** The reference's margin between its two best logits. */
  readonly margin: number
  /** Whether the margin exceeds 2δ, so that rounding does not explain it. */
  readonly wrong: boolean
}

export interface TextComparison {
  readonly equal: boolean
  /** Where the two part, with a few characters or ids of each; absent when they are equal. */
  readonly difference?: { readonly index: number; readonly expected: string; readonly got: string }
}

/** ‖Δ‖ / ‖reference‖ of a row of logits that the arithmetic explains. */
export const tolerances: Readonly<Record<Compute, number>> = { f32: 1e-4, f16: 1e-2, i16: 1e-3 }

export interface CheckReport {
  readonly model: string
  readonly device: string
  readonly compute: Compute
  readonly tolerance: number
  readonly logits: {
    readonly rows: number
    /** Largest ‖Δ‖ / ‖reference‖ of a row. */
    readonly relativeError: number
    /** The prompt position where it is. */
    readonly position: number
    /** δ, the largest |Δ| of all rows. */
    readonly largestDifference: number
    readonly ok: boolean
  }
  readonly tokens: {
    readonly count: number
    readonly equal: number
    /** Tokens whose margin exceeds 2δ. */
    readonly decided: number
    /** Decided tokens that differ. */
    readonly wrong: number
    /** The first that differs, wrong or not. */
    readonly firstDifference: TokenDifference | null
    readonly firstWrong: TokenDifference | null
    readonly ok: boolean
  }
  /** The rendered conversation; null where the expectations have none. */
  readonly template: TextComparison | null
  /** The ids of the rendered conversation; null where there is none, or the model has no tokenizer. */
  readonly promptIds: TextComparison | null
  readonly ok: boolean
}

/** What `expected.json` and `logits.f32` hold. */
export interface Expected {
  readonly prompt: Uint32Array
  readonly greedy: Uint32Array
  readonly margins: readonly number[]
  readonly vocab: number
  /** Prompt positions of the rows of logits, ascending. */
  readonly positions: readonly number[]
  /** [positions, vocab] */
  readonly logits: Float32Array
  readonly messages: readonly Message[] | null
  readonly rendered: string | null
}

const where = 'check'

/**
 * Runs the prompt of `folder` on `model` and compares logits, greedy tokens, template and prompt ids.
 * Throws a WeftError for malformed expectations, for a model of another vocabulary and for logits that are not finite;
 * a model that merely differs gets a report with `ok: false`.
 */
export async function check(model: Model, folder: string, options: CheckOptions = {}): Promise<CheckReport> {
  const expected = limited(readExpected(folder), options.tokens ?? Infinity)
  const { vocab } = model.config
  ensure(vocab === expected.vocab, where, `${folder}: vocabulary differs from the model's`, `${vocab}`, `${expected.vocab}`)
  const ids = expected.prompt.length + expected.greedy.length - 1
  ensure(ids <= model.context, where, `${folder}: prompt and tokens do not fit the context`, `at most ${model.context}`, `${ids}`)
  const tolerance = options.tolerance ?? tolerances[model.compute]
  const session = model.session()
  try {
    const { rows, chosen } = await (options.atOnce ? allAtOnce(session, expected, options.chunk ?? Infinity) : stepByStep(session, expected, options.chunk ?? expected.prompt.length))
    const logits = compareLogits(rows, expected, tolerance)
    const tokens = compareTokens(chosen, expected, logits.largestDifference)
    const template = compareTemplate(model, expected)
    const promptIds = comparePromptIds(model, expected)
    const ok = logits.ok && tokens.ok && template?.equal !== false && promptIds?.equal !== false
    return { model: model.source.path, device: model.device, compute: model.compute, tolerance, logits, tokens, template, promptIds, ok }
  } finally {
    session.close()
  }
}

/** Reads and checks the expectations of `folder`. Throws a WeftError naming the file and the field. */
export function readExpected(folder: string): Expected {
  const file = join(folder, 'expected.json')
  const fields = readFields(file)
  ensure(fields !== null, where, `${file}: no such file`, 'the expectations of a reference (--expected names their folder)')
  const prompt = readIds(fields, 'prompt')
  const greedy = readIds(fields, 'greedy')
  const margins = readNumbers(fields, 'greedy_margin', (v): v is number => typeof v === 'number' && v >= 0, 'numbers from 0')
  ensure(margins.length === greedy.length, where, `${file}: greedy_margin`, `${greedy.length} numbers, one for each of greedy`, `${margins.length}`)
  const shape = readNumbers(fields, 'logits_shape', (v): v is number => isInteger(v, 1, 2 ** 31 - 1), 'two sizes')
  if (shape.length !== 2) throw fields.wrong('logits_shape', 'two sizes')
  const [rows, vocab] = shape as readonly [number, number]
  const positions = fields.has('logits_positions')
    ? readNumbers(fields, 'logits_positions', (v): v is number => isInteger(v, 0, prompt.length - 1), `positions of the prompt's ${prompt.length} ids`)
    : prompt.slice(0, rows).map((_, i) => i)
  const ascending = [...positions].every((p, i, all) => i === 0 || p > all[i - 1]!)
  ensure(positions.length === rows && ascending, where, `${file}: logits_positions`, `${rows} ascending positions, one for each row of logits`, show([...positions]))
  for (const id of [...prompt, ...greedy]) ensure(id < vocab, where, `${file}: token id`, `less than the ${vocab} logits of a row`, `${id}`)
  return {
    prompt, greedy, margins, vocab,
    positions: [...positions],
    logits: readLogits(join(folder, 'logits.f32'), rows * vocab),
    messages: readMessages(fields),
    rendered: fields.has('rendered') ? fields.string('rendered') : null,
  }
}

/** The expectations with their first `tokens` greedy tokens only. */
function limited(expected: Expected, tokens: number): Expected {
  return { ...expected, greedy: expected.greedy.subarray(0, tokens), margins: expected.margins.slice(0, tokens) }
}

function readNumbers(fields: Fields, name: string, is: (v: unknown) => v is number, expected: string): readonly number[] {
  const list = fields.list(name)
  if (list === null || list.length === 0 || !list.every(is)) throw fields.wrong(name, `a list of ${expected}`)
  return list
}

function readIds(fields: Fields, name: string): Uint32Array {
  return Uint32Array.from(readNumbers(fields, name, (v): v is number => isInteger(v, 0, 2 ** 31 - 1), 'token ids'))
}

function readMessages(fields: Fields): readonly Message[] | null {
  const list = fields.list('messages')
  const isMessage = (v: unknown): v is Message => isObject(v) && typeof v['role'] === 'string' && typeof v['content'] === 'string'
  if (list !== null && !list.every(isMessage)) throw fields.wrong('messages', 'a list of {role, content}')
  return list
}

function readLogits(file: string, count: number): Float32Array {
  const bytes = statSync(file, { throwIfNoEntry: false })?.size
  ensure(bytes === count * 4, where, `${file}: size in bytes`, `${count * 4} as logits_shape says`, bytes === undefined ? 'no such file' : `${bytes}`)
  const data = readFileSync(file)
  const logits = new Float32Array(data.buffer.slice(data.byteOffset, data.byteOffset + data.byteLength))
  ensure(logits.every(Number.isFinite), where, `${file}: logits`, 'finite numbers', 'NaN or infinity')
  return logits
}

/** Logits at the wanted positions of the prompt, and the tokens chosen after each of the reference's. */
interface Run {
  readonly rows: Float32Array
  readonly chosen: Uint32Array
}

async function stepByStep(session: Session, expected: Expected, chunk: number): Promise<Run> {
  const { rows, last } = await promptLogits(session, expected, chunk)
  return { rows, chosen: await greedyTokens(session, last, expected) }
}

async function allAtOnce(session: Session, { prompt, greedy, positions, vocab }: Expected, chunk: number): Promise<Run> {
  const ids = Uint32Array.from([...prompt, ...greedy.subarray(0, -1)])
  const end = prompt.length - 1
  const before = positions.filter(p => p < end)
  const got = await logitsAt(session, ids, [...before, ...Array.from(greedy, (_, i) => end + i)], chunk, vocab)
  const chosen = Uint32Array.from(greedy, (_, i) => largest(got.subarray((before.length + i) * vocab, (before.length + i + 1) * vocab), end + i))
  return { rows: got.subarray(0, positions.length * vocab), chosen }
}

/** The logits at the wanted positions of the prompt, and those after its last id. */
async function promptLogits(session: Session, { prompt, positions, vocab }: Expected, chunk: number): Promise<{ readonly rows: Float32Array; readonly last: Float32Array }> {
  const wanted = positions.at(-1) === prompt.length - 1 ? positions : [...positions, prompt.length - 1]
  const all = await logitsAt(session, prompt, wanted, chunk, vocab)
  return { rows: all.subarray(0, positions.length * vocab), last: all.subarray((wanted.length - 1) * vocab) }
}

/** Feeds ids in pieces of `chunk`; returns the logits at the wanted positions, which rise. */
async function logitsAt(session: Session, ids: Uint32Array, wanted: readonly number[], chunk: number, vocab: number): Promise<Float32Array> {
  const all = new Float32Array(wanted.length * vocab)
  let filled = 0
  for (let at = 0; at < ids.length; at += chunk) {
    const piece = ids.subarray(at, at + chunk)
    const rows = wanted.filter(p => p >= at && p < at + piece.length).map(p => p - at)
    const got = await session.logits(piece, rows)
    ensure(got.length === rows.length * vocab, where, 'logits returned', `${rows.length} × ${vocab}`, `${got.length}`)
    all.set(got, filled * vocab)
    filled += rows.length
  }
  return all
}

/** The tokens the model would choose, each after the reference's tokens before it. */
async function greedyTokens(session: Session, last: Float32Array, { greedy, prompt }: Expected): Promise<Uint32Array> {
  const tokens = new Uint32Array(greedy.length)
  let logits = last
  for (let i = 0; i < greedy.length; i++) {
    if (i > 0) logits = await session.logits(greedy.subarray(i - 1, i), [0])
    tokens[i] = largest(logits, prompt.length - 1 + i)
  }
  return tokens
}

/** Index of the largest logit, the first of equals. */
function largest(logits: Float32Array, position: number): number {
  let best = 0
  for (let i = 0; i < logits.length; i++) {
    if (!Number.isFinite(logits[i]!)) throw notFinite(position, i, logits[i]!)
    if (logits[i]! > logits[best]!) best = i
  }
  return best
}

function notFinite(position: number, token: number, value: number): WeftError {
  return new WeftError({ where, what: `logits at position ${position} are not finite`, expected: 'numbers', got: `${value} for token ${token}` })
}

function compareLogits(rows: Float32Array, { logits, positions, vocab }: Expected, tolerance: number): CheckReport['logits'] {
  let worst = 0, position = positions[0]!, largestDifference = 0
  for (const [row, at] of positions.entries()) {
    let difference = 0, reference = 0
    for (let i = 0; i < vocab; i++) {
      const want = logits[row * vocab + i]!, got = rows[row * vocab + i]!
      if (!Number.isFinite(got)) throw notFinite(at, i, got)
      difference += (got - want) ** 2
      reference += want ** 2
      largestDifference = Math.max(largestDifference, Math.abs(got - want))
    }
    const error = difference === 0 ? 0 : Math.sqrt(difference / reference)
    if (error > worst) [worst, position] = [error, at]
  }
  return { rows: positions.length, relativeError: worst, position, largestDifference, ok: worst <= tolerance }
}

function compareTokens(got: Uint32Array, { greedy, margins }: Expected, delta: number): CheckReport['tokens'] {
  const differences = [...greedy].flatMap((expected, index): readonly TokenDifference[] => {
    const margin = margins[index]!
    return got[index] === expected ? [] : [{ index, expected, got: got[index]!, margin, wrong: margin > 2 * delta }]
  })
  const wrong = differences.filter(d => d.wrong)
  return {
    count: greedy.length,
    equal: greedy.length - differences.length,
    decided: margins.filter(m => m > 2 * delta).length,
    wrong: wrong.length,
    firstDifference: differences[0] ?? null,
    firstWrong: wrong[0] ?? null,
    ok: wrong.length === 0,
  }
}

function compareTemplate(model: Model, { messages, rendered }: Expected): TextComparison | null {
  if (messages === null || rendered === null) return null
  const got = model.render(messages)
  if (got === rendered) return { equal: true }
  const index = firstDifference(got.length, rendered.length, i => got[i] === rendered[i])
  return { equal: false, difference: { index, expected: show(rendered.slice(index, index + 24)), got: show(got.slice(index, index + 24)) } }
}

function comparePromptIds(model: Model, { prompt, rendered }: Expected): TextComparison | null {
  if (rendered === null || model.source.tokenizer === null) return null
  const got = model.tokenize(rendered)
  const index = firstDifference(got.length, prompt.length, i => got[i] === prompt[i])
  if (index === got.length && index === prompt.length) return { equal: true }
  return { equal: false, difference: { index, expected: show([...prompt.subarray(index, index + 8)]), got: show([...got.subarray(index, index + 8)]) } }
}

function firstDifference(a: number, b: number, same: (i: number) => boolean): number {
  const both = Math.min(a, b)
  for (let i = 0; i < both; i++) if (!same(i)) return i
  return both
}
