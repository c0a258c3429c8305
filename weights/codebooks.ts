/**
 * The codebooks of GGUF's IQ types, unpacked: entries of four or eight small integers. They are the formats' definition, and serve
 * both the plain decoding of this folder and, as a section of the weight, the devices.
 */
import { check } from '../graph/error.js'
import { codebookData } from './codebooks-data.js'

export interface Codebook {
  /** Values of an entry. */
  readonly width: number
  /** [entries, width] */
  readonly values: Int8Array
}

type Packed = (typeof codebookData)[keyof typeof codebookData]

function unpack({ width, values, steps }: Packed): Codebook {
  const bytes = Buffer.from(steps.join(''), 'base64')
  const bits = 16 / width
  const out: number[] = []
  for (let i = 0, entry = 0; i < bytes.length; i++) {
    if (bytes[i] === 255) {
      entry = bytes[i + 1]! | (bytes[i + 2]! << 8)
      i += 2
    } else entry += bytes[i]!
    for (let v = 0; v < width; v++) out.push(values[(entry >> (bits * v)) & (2 ** bits - 1)]!)
  }
  return { width, values: Int8Array.from(out) }
}

const codebooks: ReadonlyMap<string, Codebook> = new Map(Object.entries(codebookData).map(([name, packed]) => [name, unpack(packed)]))

/** A codebook by name: iq1, iq2_xxs, iq2_xs, iq2_s, iq3_xxs, iq3_s. */
export function codebook(name: string): Codebook {
  const found = codebooks.get(name)
  check(found !== undefined, 'weights', 'codebook', [...codebooks.keys()].join(', '), name)
  return found
}
