/** Copies of tiny models with some weights changed: mistakes that a converter makes. */
import { cpSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fixtures } from './models.js'

interface Entry {
  readonly dtype: string
  readonly shape: readonly number[]
  readonly data_offsets: readonly [number, number]
}

/** A copy of a fixture whose BF16 tensors of these names hold other values: `change` gets and returns [rows][columns]. */
export function modelCopy(name: string, fits: RegExp, change: (rows: readonly Float32Array[]) => readonly Float32Array[]): string {
  const folder = mkdtempSync(join(tmpdir(), 'weft-copy-'))
  cpSync(join(fixtures, 'models', name), folder, { recursive: true })
  for (const name of readdirSync(folder).filter(n => n.endsWith('.safetensors'))) edit(join(folder, name), fits, change)
  return folder
}

function edit(file: string, fits: RegExp, change: (rows: readonly Float32Array[]) => readonly Float32Array[]): void {
  const bytes = readFileSync(file)
  const length = Number(bytes.readBigUInt64LE(0))
  const header = JSON.parse(bytes.toString('utf8', 8, 8 + length)) as Readonly<Record<string, Entry>>
  for (const [tensor, entry] of Object.entries(header)) {
    if (tensor === '__metadata__' || !fits.test(tensor)) continue
    const { dtype, shape, data_offsets: [from, to] } = entry
    if (dtype !== 'BF16') throw new Error(`${tensor} is ${dtype}`)
    const columns = shape.at(-1)!
    const at = 8 + length + from
    const values = Float32Array.from({ length: (to - from) / 2 }, (_, i) => new Float32Array(Uint32Array.of(bytes.readUInt16LE(at + 2 * i) << 16).buffer)[0]!)
    const rows = Array.from({ length: values.length / columns }, (_, r) => values.subarray(r * columns, (r + 1) * columns))
    change(rows).forEach((row, r) => row.forEach((v, i) => {
      bytes.writeUInt16LE(new Uint32Array(Float32Array.of(v).buffer)[0]! >>> 16, at + 2 * (r * columns + i))
    }))
  }
  writeFileSync(file, bytes)
}
