/**
 * Reading of settings that a stranger wrote: every field of a `config.json` or of GGUF metadata goes through one of these
 * getters, which name the file and the field, say what was expected, and never let a wrong type or size pass on.
 * Own properties only, so that a key such as `constructor` is data; a null in JSON counts as absent.
 */
import { check, WeftError } from '../graph/error.js'

export type Values = Readonly<Record<string, unknown>>

/** `value` in one short line for an error message: control characters escaped, long values cut. */
export function show(value: unknown): string {
  const text = typeof value === 'bigint' ? String(value) : (JSON.stringify(value, (_, v: unknown) => (typeof v === 'bigint' ? String(v) : v)) ?? String(value))
  return (text.length > 120 ? `${text.slice(0, 119)}…` : text).replace(/[\u007f-\u009f\u2028\u2029]/g, '?')
}

/** A tensor's or a field's name for an error message: as it is when ordinary, otherwise quoted, escaped and cut. */
export function readable(name: string): string {
  return /^[\w.:/-]{1,120}$/.test(name) ? name : show(name)
}

/** The object that a JSON text holds; throws naming `file` for bad JSON or anything else than an object. */
export function parseObject(text: string, where: string, file: string): Values {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (cause) {
    throw new WeftError({ where, what: `${file}: bad JSON (${oneLine(cause)})`, cause })
  }
  check(isObject(value), where, `${file}: not a JSON object`, 'an object', show(value))
  return value
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
