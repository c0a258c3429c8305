/**
 * Writing a file of tensors without holding it: a format lays its slots out first (names, types, sizes, where each begins),
 * then the bytes of tensors arrive in pieces and in any order, each written to its place. The file grows under a name of
 * its own and takes the wanted one when every byte of every slot has been written, so that an interrupted run leaves no
 * file that looks whole.
 */
import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeSync } from 'node:fs'
import { check, WeftError } from '../graph/error.js'

/** A tensor to be: what a format's header says of it. */
export interface Slot {
  readonly name: string
  /** As the format spells it. */
  readonly dtype: string
  /** Slowest dimension first. */
  readonly shape: readonly number[]
  readonly bytes: number
}

/** What a format makes of its slots. */
export interface FileLayout {
  /** Header and whatever else stands between tensors. */
  readonly fixed: readonly { readonly at: number; readonly bytes: Uint8Array }[]
  /** Where each slot begins, by name. */
  readonly offsets: ReadonlyMap<string, number>
  /** Of the whole file. */
  readonly bytes: number
}

const where = 'output'

export class TensorFileWriter {
  readonly #descriptor: number
  readonly #temporary: string
  readonly #slots: ReadonlyMap<string, Slot>
  /** Bytes of each slot not yet written. */
  readonly #left: Map<string, number>
  #open = true

  /** Creates the file and writes what is fixed of it; throws naming it when that is not possible. */
  constructor(readonly path: string, slots: readonly Slot[], private readonly layout: FileLayout) {
    this.#temporary = `${path}.${process.pid}.partial`
    this.#slots = new Map(slots.map(s => [s.name, s]))
    this.#left = new Map(slots.map(s => [s.name, s.bytes]))
    check(this.#slots.size === slots.length, where, `${path}: two tensors of one name`)
    this.#descriptor = this.#try(() => openSync(this.#temporary, 'w'))
    for (const { at, bytes } of layout.fixed) this.#write(at, bytes)
  }

  /** Writes bytes of slot `name` from byte `at` of it. */
  put(name: string, at: number, bytes: Uint8Array): void {
    const slot = this.#slots.get(name)
    check(slot !== undefined, where, `${this.path}: no tensor ${name} was laid out`)
    check(at >= 0 && at + bytes.length <= slot.bytes, where, `tensor ${name}: bytes`, `within ${slot.bytes}`, `${bytes.length} at ${at}`)
    this.#write(this.layout.offsets.get(name)! + at, bytes)
    this.#left.set(name, this.#left.get(name)! - bytes.length)
  }

  /** Gives the file its name. Throws when a slot has not received exactly its bytes. */
  finish(): void {
    for (const [name, left] of this.#left) check(left === 0, where, `tensor ${name}: bytes that were not written`, '0', `${left}`)
    // The last bytes may be alignment, which nothing has written.
    if (this.layout.bytes > 0) this.#try(() => fsyncSync(this.#descriptor))
    this.#close()
    this.#try(() => renameSync(this.#temporary, this.path))
  }

  /** Removes what was written; safe to call after `finish`. */
  abandon(): void {
    if (!this.#open) return
    this.#close()
    rmSync(this.#temporary, { force: true })
  }

  #close(): void {
    this.#open = false
    closeSync(this.#descriptor)
  }

  #write(at: number, bytes: Uint8Array): void {
    this.#try(() => {
      for (let done = 0; done < bytes.length; ) done += writeSync(this.#descriptor, bytes, done, Math.min(bytes.length - done, 1 << 30), at + done)
    })
  }

  #try<T>(action: () => T): T {
    try {
      return action()
    } catch (cause) {
      const code = cause instanceof Error && 'code' in cause ? String(cause.code) : String(cause)
      throw new WeftError({ where, what: `${this.path}: cannot be written (${code})`, cause })
    }
  }
}
