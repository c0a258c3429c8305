/**
 * The types of GGUF's tensors, by their number in ggml's enumeration: what one block of each holds, for reading and for writing.
 * Source: ggml-org/llama.cpp `ggml/include/ggml.h`, `ggml/src/ggml-common.h`.
 */

/** Types by their number in ggml: values in a block, and its bytes. Those without are named only for the error. */
export interface GgufType {
  readonly name: string
  readonly values?: number
  readonly bytes?: number
}

export const ggufTypes: ReadonlyMap<number, GgufType> = new Map<number, GgufType>([
  [0, { name: 'f32', values: 1, bytes: 4 }],
  [1, { name: 'f16', values: 1, bytes: 2 }],
  [2, { name: 'q4_0', values: 32, bytes: 18 }],
  [3, { name: 'q4_1', values: 32, bytes: 20 }],
  [6, { name: 'q5_0', values: 32, bytes: 22 }],
  [7, { name: 'q5_1', values: 32, bytes: 24 }],
  [8, { name: 'q8_0', values: 32, bytes: 34 }],
  // What llama.cpp makes of activations; no file holds them.
  [9, { name: 'q8_1' }], [15, { name: 'q8_k' }],
  [10, { name: 'q2_k', values: 256, bytes: 84 }],
  [11, { name: 'q3_k', values: 256, bytes: 110 }],
  [12, { name: 'q4_k', values: 256, bytes: 144 }],
  [13, { name: 'q5_k', values: 256, bytes: 176 }],
  [14, { name: 'q6_k', values: 256, bytes: 210 }],
  [16, { name: 'iq2_xxs', values: 256, bytes: 66 }],
  [17, { name: 'iq2_xs', values: 256, bytes: 74 }],
  [18, { name: 'iq3_xxs', values: 256, bytes: 98 }],
  [19, { name: 'iq1_s', values: 256, bytes: 50 }],
  [20, { name: 'iq4_nl', values: 32, bytes: 18 }],
  [21, { name: 'iq3_s', values: 256, bytes: 110 }],
  [22, { name: 'iq2_s', values: 256, bytes: 82 }],
  [23, { name: 'iq4_xs', values: 256, bytes: 136 }],
  [24, { name: 'i8' }], [25, { name: 'i16' }], [26, { name: 'i32' }], [27, { name: 'i64' }], [28, { name: 'f64' }],
  [29, { name: 'iq1_m', values: 256, bytes: 56 }],
  [30, { name: 'bf16', values: 1, bytes: 2 }],
  [34, { name: 'tq1_0', values: 256, bytes: 54 }],
  [35, { name: 'tq2_0', values: 256, bytes: 66 }],
  [39, { name: 'mxfp4', values: 32, bytes: 17 }],
  [40, { name: 'nvfp4', values: 64, bytes: 36 }],
])

/** The supported ones, for error messages. */
export const supportedTypes = [...ggufTypes.values()].filter(t => t.values !== undefined).map(t => t.name).join(', ')

export interface GgufBlock {
  readonly id: number
  readonly values: number
  readonly bytes: number
}

const blocks: ReadonlyMap<string, GgufBlock> = new Map([...ggufTypes].flatMap(([id, { name, values, bytes }]) => (values === undefined || bytes === undefined ? [] : [[name, { id, values, bytes }]])))

/** The block of a type by its name, or null for one that no file of weights holds. */
export function ggufBlock(type: string): GgufBlock | null {
  return blocks.get(type) ?? null
}
