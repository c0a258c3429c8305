/**
 * Reading of settings that a stranger wrote: every field of a `config.json` or of GGUF metadata goes through one of these
 * getters, which name the file and the field, say what was expected, and never let a wrong type or size pass on.
 * Own properties only, so that a key such as `constructor` is data; a null in JSON counts as absent.
 */
import { check, WeftError } from '../graph/error.js'

export type Values = Readonly<Record<string, unknown>>

const shownCharacters = 120
const shownDepth = 6

/**
 * `value` in one short line for an error message, as JSON: control characters escaped, long values cut. Takes no longer for a
 * large or deep value than for a small one.
 */
export function show(value: unknown): string {
  const text = brief(value, shownCharacters, 0)
  return (text.length > shownCharacters ? `${text.slice(0, shownCharacters - 1)}…` : text).replace(/[\u007f-\u009f\u2028\u2029]/g, '?')
}

/** JSON of a value, as far as about `room` characters show. */
function brief(value: unknown, room: number, depth: number): string {
  if (typeof value === 'string') return JSON.stringify(value.slice(0, room))
  if (typeof value !== 'object' || value === null) return typeof value === 'bigint' ? String(value) : JSON.stringify(value) ?? String(value)
  const list = Array.isArray(value)
  if (depth === shownDepth) return '…'
  let text = list ? '[' : '{'
  for (const key in value) {
    if (text.length > room) break
    const member = brief((value as Values)[key], room - text.length, depth + 1)
    text += `${text.length > 1 ? ',' : ''}${list ? '' : `${JSON.stringify(key.slice(0, room))}:`}${member}`
  }
  return text + (list ? ']' : '}')
}

/** A tensor's or a field's name for an error message: as it is when ordinary, otherwise quoted, escaped and cut. */
export function readable(name: string): string {
  return /^[\w.:/-]{1,120}$/.test(name) ? name : show(name)
}

/** Values that a JSON file may hold: `[],[],…` takes 3 bytes of a file and 64 of memory for each. */
const valuesLimit = 1 << 22

/**
 * The object that a JSON text holds; throws naming `file` for bad JSON, anything else than an object, or more values than
 * `limit`, which are counted before any is made.
 */
export function parseObject(text: string, where: string, file: string, limit = valuesLimit): Values {
  // A value and what parts it from the next are two characters at least.
  if (text.length > 2 * limit) check(countValues(text) <= limit, where, `${file}: too many values`, `at most ${limit}`)
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw new WeftError({ where, what: `${file}: bad JSON (${oneLine(cause)})`, cause })
  }
  if (!isObject(value)) throw new WeftError({ where, what: `${file}: not a JSON object`, expected: 'an object', got: show(value) })
  return value
}

/** Values of a JSON text, counted by commas and opening brackets outside of strings. */
function countValues(text: string): number {
  let count = 1
  let quoted = false
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i)
    if (c === 0x22) quoted = !quoted
    else if (quoted) i += c === 0x5c ? 1 : 0
    else if (c === 0x2c || c === 0x5b || c === 0x7b) count++
  }
  return count
}

export function isObject(value: unknown): value is Values {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

export class Fields {
  constructor(
    /** The part of weft that reads, which starts the error messages. */
    readonly where: string,
    /** The file, and the place in it. */
    readonly file: string,
    readonly values: Values,
  ) {}

  get(name: string): unknown {
    const value = Object.hasOwn(this.values, name) ? this.values[name] : undefined
    return value === null ? undefined : value
  }

  has(name: string): boolean {
    return this.get(name) !== undefined
  }

  /** An integer within [least, most]; `fallback` where the field is absent, an error where there is none. */
  integer(name: string, least: number, most: number, fallback?: number): number {
    return this.#take(name, `an integer from ${least} to ${most}`, (v): v is number => isInteger(v, least, most), fallback)
  }

  /** A finite number within [least, most]. */
  number(name: string, least: number, most: number, fallback?: number): number {
    return this.#take(name, `a number from ${least} to ${most}`, (v): v is number => typeof v === 'number' && v >= least && v <= most, fallback)
  }

  boolean(name: string, fallback: boolean): boolean {
    return this.#take(name, 'true or false', (v): v is boolean => typeof v === 'boolean', fallback)
  }

  string(name: string, fallback?: string): string {
    return this.#take(name, 'a string', (v): v is string => typeof v === 'string', fallback)
  }

  /** One of `choices`. */
  choice<T extends string>(name: string, choices: readonly T[], fallback?: T): T {
    return this.#take(name, `one of ${choices.join(', ')}`, (v): v is T => choices.some(c => c === v), fallback)
  }

  /** An object's own fields, or null where it is absent. */
  object(name: string): Fields | null {
    const value = this.get(name)
    if (value === undefined) return null
    check(isObject(value), this.where, this.#at(name), 'an object', show(value))
    return new Fields(this.where, `${this.file}: ${name}`, value)
  }

  list(name: string): readonly unknown[] | null {
    const value = this.get(name)
    if (value === undefined) return null
    check(Array.isArray(value), this.where, this.#at(name), 'a list', show(value))
    return value
  }

  /** An error about field `name` with what was expected of it. */
  wrong(name: string, expected: string): WeftError {
    return new WeftError({ where: this.where, what: this.#at(name), expected, got: this.has(name) ? show(this.get(name)) : 'nothing' })
  }

  #at(name: string): string {
    return `${this.file}: ${name}`
  }

  #take<T>(name: string, expected: string, is: (value: unknown) => value is T, fallback: T | undefined): T {
    const value = this.get(name)
    if (value === undefined && fallback !== undefined) return fallback
    if (!is(value)) throw this.wrong(name, expected)
    return value
  }
}

export function isInteger(value: unknown, least: number, most: number): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= least && value <= most
}

function oneLine(cause: unknown): string {
  return (cause instanceof Error ? cause.message : String(cause)).replace(/[\s\u0000-\u001f\u007f-\u009f\u2028\u2029]+/g, ' ').slice(0, 160)
}
