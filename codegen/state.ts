/**
 * The state buffer: the live values of a plan's dims and the inputs of the graph, as u32 words at fixed places, so
 * that the plan itself can advance them and a token reaches the next step without the host. One layout serves all
 * plans of an engine. Offsets of the arrays are multiples of 64 words (256 bytes).
 */
import { pagePositions } from '../graph/ops/attention.js'

export interface StateLayout {
  /** Word index of each live dim and counter. */
  readonly words: Readonly<Record<DimWord, number>>
  /** First word of each array. */
  readonly arrays: Readonly<Record<StateArray, number>>
  readonly rows: number
  readonly sequences: number
  /** Entries of the page table for each sequence. */
  readonly pages: number
  /** Tokens kept for the host between two reads. */
  readonly history: number
  readonly totalWords: number
}

/** Live dims, and `step`: how many tokens the decode plan has made since the host last set it. */
export type DimWord = 'tokens' | 'outputs' | 'step'
export type StateArray = 'tokens' | 'positions' | 'sequences' | 'slots' | 'outputRows' | 'history' | 'pageTable'

/** Positions of one page of the KV cache. */
export const pageSize = pagePositions

const align = (n: number): number => Math.ceil(n / 64) * 64

/** @param rows the longest prefill chunk; @param contextPositions the context limit of one sequence */
export function stateLayout(rows: number, sequences: number, contextPositions: number, history = 4096): StateLayout {
  const pages = Math.ceil(contextPositions / pageSize)
  const lengths: Record<StateArray, number> = {
    tokens: rows, positions: rows, sequences: rows, slots: rows, outputRows: rows, history, pageTable: sequences * pages,
  }
  const arrays: Record<StateArray, number> = { tokens: 0, positions: 0, sequences: 0, slots: 0, outputRows: 0, history: 0, pageTable: 0 }
  let at = 64
  for (const name of Object.keys(lengths) as StateArray[]) {
    arrays[name] = at
    at += align(lengths[name])
  }
  return { words: { tokens: 0, outputs: 1, step: 2 }, arrays, rows, sequences, pages, history, totalWords: at }
}
