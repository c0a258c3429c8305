/** What a schedule holds of the things a kernel declares: buffers, shared arrays, variables, copies in flight. */
import type { Element } from './kernel.js'
import type { Operand, Value } from './value.js'

export interface Buffer {
  readonly name: string
  readonly element: Element
  load(index: Operand): Value
  /** 8 or 16 bits of a buffer of u32; `index` counts units of that many bits. */
  loadBits(index: Operand, bits: 8 | 16): Value
  store(index: Operand, value: Operand): void
}

export interface Shared {
  readonly name: string
  load(index: Operand): Value
  store(index: Operand, value: Operand): void
  /** Begins to copy element `from` of a buffer of the same element type to `index`; a u32x4 goes to eight f16. */
  copy(index: Operand, buffer: Buffer, from: Operand): void
}

/** A parameter that is read by bulk copies of boxes. */
export interface TensorParam {
  readonly name: string
  /** Begins to copy the box at (row, col) to `index` of a shared array, counted by `arrival`. */
  copy(arrival: Operand, into: Shared, index: Operand, row: Operand, col: Operand): void
}

/** A counter of bulk copies in flight. */
export interface Arrivals {
  /** Closes the phase of counter `arrival`. */
  commit(arrival: Operand): void
  wait(arrival: Operand, parity: Operand): void
}

export interface Variable {
  readonly value: Value
  set(v: Operand): void
  add(v: Operand): void
  /** this += a · b, fused where the target can. */
  accumulate(a: Value, b: Value): void
}
