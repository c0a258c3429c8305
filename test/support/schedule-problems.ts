/** The problems that every schedule is tried on: samples of the ops and shapes that those do not have, by type of weight and of cache. */
import type { Op } from '../../graph/op.js'
import { addOp, mulOp, siluOp, sliceOp } from '../../graph/ops/arithmetic.js'
import { attentionOp, kvAppendOp, qkvHeadsOp } from '../../graph/ops/attention.js'
import { fusedLinearOp, linearOp, siluMulOp } from '../../graph/ops/linear.js'
import { rmsNormOp } from '../../graph/ops/norm.js'
import { ropeOp } from '../../graph/ops/rope.js'
import { columnsOp } from '../../graph/ops/columns.js'
import { embeddingOp, rowsOp } from '../../graph/ops/rows.js'
import { argmaxOp, topKOp } from '../../graph/ops/select.js'
import { knobChoices, type Schedule } from '../../codegen/schedule.js'
import { runElements } from '../../codegen/types/layout.js'
import { quantTypes } from '../../codegen/types/table.js'
import { problem, type Problem, type Sample } from './problems.js'

export const ops: readonly Op[] = [
  addOp, mulOp, siluOp, sliceOp, attentionOp, kvAppendOp, qkvHeadsOp, fusedLinearOp, linearOp, siluMulOp, rmsNormOp, ropeOp, embeddingOp, rowsOp, columnsOp, argmaxOp, topKOp,
]

/** Shapes that the ops' own samples do not have: widths that are no whole runs, few rows of a fused linear, odd heads. */
const more: readonly [Op, Sample][] = [
  [linearOp, { sizes: { '...': [2], inner: 48, out: 20 }, attributes: {} }],
  [fusedLinearOp, { sizes: { '...': [8], inner: 96, rows: 40, out: 40 }, attributes: { eps: 1e-6, epilogue: 'none' } }],
  [fusedLinearOp, { sizes: { '...': [1], inner: 96, rows: 40, out: 40 }, attributes: { eps: 0, epilogue: 'none' }, omit: ['norm'] }],
  [fusedLinearOp, { sizes: { '...': [1], inner: 64, rows: 66, out: 33 }, attributes: { eps: 0, epilogue: 'siluMul' }, omit: ['norm', 'bias', 'residual'] }],
  // Large enough for the largest tiles to be worth their while.
  [linearOp, { sizes: { '...': [130], inner: 32, out: 400 }, attributes: {} }],
  [fusedLinearOp, { sizes: { '...': [130], inner: 32, rows: 800, out: 400 }, attributes: { eps: 0, epilogue: 'siluMul' }, omit: ['norm', 'bias'] }],
  [embeddingOp, { sizes: { tokens: 3, vocab: 7, hidden: 48 }, attributes: {} }],
  // Whole blocks of 256: two, so that a row's second is seen.
  [linearOp, { sizes: { '...': [1], inner: 512, out: 5 }, attributes: {} }],
  [linearOp, { sizes: { '...': [9], inner: 256, out: 12 }, attributes: {}, omit: ['bias'] }],
  [embeddingOp, { sizes: { tokens: 3, vocab: 5, hidden: 512 }, attributes: {} }],
  [rmsNormOp, { sizes: { '...': [3], width: 37 }, attributes: { eps: 1e-6 } }],
  [attentionOp, { sizes: { tokens: 3, heads: 2, headDim: 12, slots: 512, kvHeads: 1, sequences: 1, pages: 2 }, attributes: { window: 5, scale: 0.3 } }],
  [attentionOp, { sizes: { tokens: 20, heads: 2, headDim: 16, slots: 1024, kvHeads: 2, sequences: 3, pages: 2 }, attributes: { window: null, scale: 0.25 } }],
  // Several blocks of keys, and a head of three matrix tiles that no tile of threads divides.
  [attentionOp, { sizes: { tokens: 18, heads: 2, headDim: 48, slots: 512, kvHeads: 1, sequences: 1, pages: 2 }, attributes: { window: 70, scale: 48 ** -0.5 } }],
]

const isWide = (type: string): boolean => (quantTypes[type]!.scale?.group ?? 1) > runElements
const hasMatrix = (op: Op): boolean => Object.entries(op.inputs).some(([name, pattern]) => name === 'weight' && pattern.includes(','))
const hasCache = (op: Op): boolean => Object.values(op.inputs).some(p => p.startsWith('float[slots'))
const columns = (s: Sample): number => (s.sizes['inner'] ?? s.sizes['hidden'] ?? 0) as number

/** Types with fields, and those who want rows of 256. */
const blockTypes = Object.values(quantTypes).filter(t => t.blocks).map(t => t.name)
const ofBlocks = (columns: number): boolean => columns > 0 && columns % 256 === 0

export function* problemsOf(op: Op): Generator<Problem> {
  const samples = [...op.samples, ...more.filter(([o]) => o === op).map(([, s]) => s)]
  for (const [i, sample] of samples.entries()) {
    // Every type with few rows and with many; one of each kind (no scale, minima, row scales) with other shapes.
    const rows = [sample.sizes['...'] ?? 1].flat()[0]!
    // Groups wider than a run differ in where their scales are read, and are tried where they fit.
    const [narrow, wide] = [Object.keys(quantTypes).filter(t => !isWide(t)), Object.keys(quantTypes).filter(isWide)]
    const usual = i === 0 || (rows > 64 && rows < 100) ? narrow : rows > 100 ? ['q4_1'] : ['f16', 'q4_1', 'nvfp4', ...(i === 1 ? wide : [])]
    const wanted = ofBlocks(columns(sample)) ? blockTypes : usual
    const fits = (t: string): boolean => columns(sample) % (quantTypes[t]!.blocks?.elements ?? quantTypes[t]!.scale?.group ?? 1) === 0 && wanted.includes(t)
    const types = hasMatrix(op) ? Object.keys(quantTypes).filter(fits) : [undefined]
    for (const type of types) {
      for (const kv of hasCache(op) ? ['f32', 'f16'] as const : ['f32'] as const) {
        const options = { kv, ...(type === undefined ? {} : { type }) }
        yield problem(op, sample, options)
        if (type === undefined || type === 'q4_1') yield problem(op, sample, { ...options, spare: 5 })
      }
    }
  }
}

/** The untuned knobs, and each other value of each knob by itself. */
export function knobsOf(s: Schedule): readonly Readonly<Record<string, number>>[] {
  const [untuned] = knobChoices(s)
  return [untuned!, ...Object.entries(s.knobs).flatMap(([name, values]) => values.slice(1).map(v => ({ ...untuned!, [name]: v })))]
}
