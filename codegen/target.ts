/**
 * A target spells the kernel form as text. It needs no device: rendering for a chip that is not there must work, and
 * is how golden files are made.
 */
import type { Caps } from './caps.js'
import type { Intrinsic } from './intrinsics.js'
import type { Kernel, Param, TileFactor } from './kernel.js'

/** An intrinsic's spelling, or why the target has none. */
export type Spell = ((args: readonly string[], type: string) => string) | { readonly unsupported: string }

export interface KernelText {
  readonly name: string
  /** The kernel's own text; `prelude` of its source stands before it once. */
  readonly text: string
  readonly params: readonly Param[]
  readonly threads: number
  readonly sharedBytes: number
  /** Shared memory that is not declared in the text but granted by the launch. */
  readonly dynamicBytes: number
  /** Groups of a cluster; grids are whole clusters. */
  readonly cluster: number
  readonly tiles: readonly TileFactor[]
  /** Whether it waits itself for the launches before it, and may begin before they have ended in full. */
  readonly overlaps?: boolean
}

/** Device text of the kernels of one or more plans, ready to be compiled. */
export interface Source {
  readonly target: Caps['target']
  /** Device functions the kernels call by name, and whatever the target's language wants at the top. */
  readonly prelude: string
  readonly kernels: readonly KernelText[]
  readonly caps: Caps
}

export interface Target {
  readonly name: Caps['target']
  /** File extension of its text. */
  readonly extension: string
  readonly intrinsic: Readonly<Record<Intrinsic, Spell>>
  /** Renders verified kernels. Throws a WeftError that names the kernel and the intrinsic if one has no spelling. */
  render(kernels: readonly Kernel[], caps: Caps): Source
}
