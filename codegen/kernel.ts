/**
 * The kernel form: a program for one tile of work, independent of any device. Values are scalars, vectors of four
 * and, on targets that have them, 128-bit integer vectors and opaque matrix tiles. f16 is a storage type only: a
 * load widens to f32 and a store rounds, so that no schedule computes in a precision it did not ask for. The form is
 * data: targets spell it, the interpreter runs it, `verify` checks it and `weft emit --stage kernel` prints it.
 */
import type { Intrinsic } from './intrinsics.js'

export type Scalar = 'f32' | 'i32' | 'u32' | 'bool'
export type Vector = 'f32x4' | 'i32x4' | 'u32x4'
/** 128-bit integer vectors of CPU targets. */
export type Packed = 'i8x16' | 'i16x8'
/** Opaque 16×16 tiles of a subgroup's matrix unit: f16 operands, f32 accumulator. */
export type Matrix = 'matrixA' | 'matrixB' | 'matrixC'
export type ValueType = Scalar | Vector | Packed | Matrix

/** What an element of a buffer or shared array is; f16 loads yield f32, f16x4 loads f32x4. */
export type Element = 'f32' | 'f16' | 'i32' | 'u32' | 'f32x4' | 'f16x4' | 'u32x4'

export const elementBytes: Readonly<Record<Element, number>> = { f32: 4, f16: 2, i32: 4, u32: 4, f32x4: 16, f16x4: 8, u32x4: 16 }

/** The value a load of an element yields. */
export const loadedType: Readonly<Record<Element, ValueType>> = {
  f32: 'f32', f16: 'f32', i32: 'i32', u32: 'u32', f32x4: 'f32x4', f16x4: 'f32x4', u32x4: 'u32x4',
}

/**
 * What a parameter is to the model, which decides how a target may read it: weights and tables never change while a
 * plan runs; state (token ids, positions, page table) changes only between plans or in the plan's last launch;
 * activations and the KV cache are written by other launches of the same plan and must never come through a
 * read-only path.
 */
export type Role = 'weight' | 'state' | 'activation' | 'cache'
export type Access = 'read' | 'write' | 'readwrite'
export type CachePolicy = 'keep' | 'stream'

export interface Param {
  readonly name: string
  readonly element: Element
  readonly role: Role
  readonly access: Access
  /** `stream`: read once, worth keeping out of the small caches. */
  readonly cache: CachePolicy
  /** Set where the parameter is read by bulk copies of boxes only; the launch then passes a descriptor, not an address. */
  readonly tensor?: TensorMap
}

/** A matrix in memory, row-major, of which a bulk copy moves one box; all sizes in elements of the parameter. */
export interface TensorMap {
  readonly rows: number
  readonly cols: number
  readonly boxRows: number
  readonly boxCols: number
}

export interface SharedArray {
  readonly name: string
  readonly element: Element
  readonly length: number
  /**
   * Byte at which the array begins in the group's shared memory, a multiple of 128, so that arrays of stages that
   * follow each other may take the same place. Arrays that do not say are placed after one another.
   */
  readonly at?: number
}

export type Builtin =
  /** Index of the tile worked on. */
  | 'tile'
  /** Index of this thread in its group. */
  | 'local'
  /** Index of this thread in its subgroup, and of the subgroup in the group. */
  | 'lane'
  | 'subgroup'
  /** Index of the group in its cluster; 0 where groups stand alone. */
  | 'clusterRank'

export type BinaryOp = '+' | '-' | '*' | '/' | '%' | '&' | '|' | '^' | '<<' | '>>' | '<' | '<=' | '>' | '>=' | '==' | '!=' | '&&' | '||'
export type UnaryOp = '-' | '~' | '!'

export type Expr =
  | { readonly kind: 'const'; readonly type: Scalar; readonly value: number }
  /** Sixteen signed bytes, for table lookups by swizzle. */
  | { readonly kind: 'table'; readonly type: 'i8x16'; readonly values: readonly number[] }
  | { readonly kind: 'ref'; readonly type: ValueType; readonly name: string }
  | { readonly kind: 'builtin'; readonly type: 'u32'; readonly name: Builtin }
  | { readonly kind: 'unary'; readonly type: ValueType; readonly op: UnaryOp; readonly a: Expr }
  /** Both operands have one type; comparisons yield bool and are scalar; shifts of vectors take a u32 scalar on the right. */
  | { readonly kind: 'binary'; readonly type: ValueType; readonly op: BinaryOp; readonly a: Expr; readonly b: Expr }
  | { readonly kind: 'select'; readonly type: ValueType; readonly condition: Expr; readonly yes: Expr; readonly no: Expr }
  /** Numeric conversion between f32, i32 and u32 (or their vectors), truncating toward zero. */
  | { readonly kind: 'convert'; readonly type: ValueType; readonly a: Expr }
  /** The same bits as another type of the same size. */
  | { readonly kind: 'bitcast'; readonly type: ValueType; readonly a: Expr }
  | { readonly kind: 'splat'; readonly type: Vector | Packed; readonly a: Expr }
  | { readonly kind: 'vector'; readonly type: Vector; readonly parts: readonly [Expr, Expr, Expr, Expr] }
  | { readonly kind: 'component'; readonly type: Scalar; readonly a: Expr; readonly index: 0 | 1 | 2 | 3 }
  /** `index` counts elements of the parameter. */
  | { readonly kind: 'load'; readonly type: ValueType; readonly param: string; readonly index: Expr }
  /** 8 or 16 bits, zero-extended, of a parameter of u32; `index` counts units of that many bits. */
  | { readonly kind: 'loadBits'; readonly type: 'u32'; readonly param: string; readonly index: Expr; readonly bits: 8 | 16 }
  | { readonly kind: 'shared'; readonly type: ValueType; readonly array: string; readonly index: Expr }
  | { readonly kind: 'call'; readonly type: ValueType; readonly intrinsic: Intrinsic; readonly args: readonly Expr[] }
  /** A matrix tile read from a shared array of f16, `stride` elements between rows. */
  | { readonly kind: 'matrixLoad'; readonly type: 'matrixA' | 'matrixB'; readonly array: string; readonly index: Expr; readonly stride: number; readonly columnMajor: boolean }

export type Stmt =
  | { readonly kind: 'let'; readonly name: string; readonly value: Expr }
  | { readonly kind: 'var'; readonly name: string; readonly type: ValueType; readonly value: Expr }
  | { readonly kind: 'assign'; readonly name: string; readonly value: Expr }
  | { readonly kind: 'store'; readonly param: string; readonly index: Expr; readonly value: Expr }
  | { readonly kind: 'sharedStore'; readonly array: string; readonly index: Expr; readonly value: Expr }
  /** for (name = from; name < to; name += step); u32 throughout. `unroll` is a hint. */
  | { readonly kind: 'for'; readonly name: string; readonly from: Expr; readonly to: Expr; readonly step: Expr; readonly unroll: number; readonly body: readonly Stmt[] }
  | { readonly kind: 'if'; readonly condition: Expr; readonly then: readonly Stmt[]; readonly otherwise: readonly Stmt[] }
  /** Every thread of the group arrives, and sees the shared memory and buffers the others wrote before. */
  | { readonly kind: 'barrier' }
  /**
   * Begins to copy one element of a parameter to a shared array of the same element type; the thread goes on. Targets
   * without asynchronous copies copy at once, which no correct kernel can tell. A u32x4 may also go to an array of f16,
   * whose eight elements from a multiple of eight on are its halves, low half first: tiles are loaded from such arrays.
   */
  | { readonly kind: 'copy'; readonly array: string; readonly index: Expr; readonly param: string; readonly from: Expr }
  /** Closes the batch of the copies this thread has begun since the last. */
  | { readonly kind: 'copyCommit' }
  /** Goes on when at most `pending` of this thread's batches are under way. Other threads see the copies after a barrier. */
  | { readonly kind: 'copyWait'; readonly pending: number }
  /**
   * Begins to copy the box at (row, col) of a tensor map to a shared array, row after row; what lies beyond the matrix
   * is 0. Once for the group, in flow and with operands that are the same for all its threads. `index` stands at a
   * multiple of 128 bytes.
   */
  | { readonly kind: 'tensorCopy'; readonly arrival: Expr; readonly array: string; readonly index: Expr; readonly param: string; readonly row: Expr; readonly col: Expr }
  /** Closes the phase of an arrival: it completes when the copies begun for it have landed. */
  | { readonly kind: 'tensorCommit'; readonly arrival: Expr }
  /** Goes on when the phase of this parity (0 for the first, then 1, 0, …) has completed; its copies are seen by the thread. */
  | { readonly kind: 'tensorWait'; readonly arrival: Expr; readonly parity: Expr }
  /** acc = a · b + acc, 16×16×16. */
  | { readonly kind: 'matrixMultiply'; readonly name: string; readonly a: Expr; readonly b: Expr }
  /** Writes an accumulator tile, row-major, to a shared array of f32. */
  | { readonly kind: 'matrixStore'; readonly array: string; readonly index: Expr; readonly stride: number; readonly value: Expr }
  | { readonly kind: 'comment'; readonly text: string }

/** `times` × ceil(dim / per); a factor without a dim is the constant `times`. */
export interface TileFactor {
  readonly dim: string | null
  readonly per: number
  readonly times: number
}

/** An amount of work: `base` + Σ per[dim] · dim. */
export interface Amount {
  readonly base: number
  readonly per: Readonly<Record<string, number>>
}

export interface Cost {
  /** Bytes that must move to or from memory, each input read once. */
  readonly bytes: Amount
  readonly flops: Amount
}

export interface Kernel {
  /** Unique in its plan; an identifier on every target. */
  readonly name: string
  /** Which schedule made it, with which knobs: `linear.matvec`, { rows: 4 }. */
  readonly schedule: string
  readonly knobs: Readonly<Record<string, number>>
  readonly params: readonly Param[]
  readonly shared: readonly SharedArray[]
  readonly threads: number
  /** The subgroup size the body relies on, or null where any will do. */
  readonly subgroupSize: number | null
  /** Neighbouring tiles that run at the same time on neighbouring units; 1 unless told. */
  readonly cluster?: number
  /** Counters of bulk copies in flight; none unless told. */
  readonly arrivals?: number
  /** Number of tiles: the product of the factors. */
  readonly tiles: readonly TileFactor[]
  readonly body: readonly Stmt[]
  readonly cost: Cost
}

/** Elements of a shared array that a copy of one element of a parameter fills. */
export const copiedElements = (from: Element, into: Element): number => elementBytes[from] / elementBytes[into]

export type Dims = Readonly<Record<string, number>>

export function tileCount(tiles: readonly TileFactor[], dims: Dims): number {
  return tiles.reduce((n, f) => n * f.times * (f.dim === null ? 1 : Math.ceil(dims[f.dim]! / f.per)), 1)
}

export function amountOf(amount: Amount, dims: Dims): number {
  return Object.entries(amount.per).reduce((n, [dim, per]) => n + per * (dims[dim] ?? 0), amount.base)
}

/** Where each shared array begins, in bytes of the group's memory, and how many bytes they take together. */
export function sharedPlaces(kernel: Kernel, alignment = 16): { readonly places: readonly number[]; readonly bytes: number } {
  const extent = (s: SharedArray): number => Math.ceil((s.length * elementBytes[s.element]) / alignment) * alignment
  // Arrays that name no place come after those that do.
  let end = Math.max(0, ...kernel.shared.map(s => (s.at === undefined ? 0 : s.at + extent(s))))
  const places = kernel.shared.map(s => {
    if (s.at !== undefined) return s.at
    const at = end
    end += extent(s)
    return at
  })
  return { places, bytes: end }
}

/** Bytes of shared memory a group of this kernel takes. */
export function sharedBytes(kernel: Kernel): number {
  return sharedPlaces(kernel).bytes
}

/** Whether any two shared arrays lie over each other. */
export function sharedOverlaps(kernel: Kernel): boolean {
  const { places } = sharedPlaces(kernel)
  const spans = kernel.shared.map((s, i) => ({ from: places[i]!, to: places[i]! + s.length * elementBytes[s.element] }))
  return spans.some((a, i) => spans.some((b, j) => i < j && a.from < b.to && b.from < a.to))
}

/** Every statement of a body, depth first. */
export function* statements(body: readonly Stmt[]): Generator<Stmt> {
  for (const s of body) {
    yield s
    if (s.kind === 'for') yield* statements(s.body)
    else if (s.kind === 'if') {
      yield* statements(s.then)
      yield* statements(s.otherwise)
    }
  }
}
