/** A generation as a whole: its pieces gathered while each piece of text is handed on. */
import type { Piece } from '../engine/types.js'
import { WeftError } from '../graph/error.js'

type Done = NonNullable<Piece['done']>

export interface Answer extends Done {
  readonly text: string
  readonly ids: readonly number[]
}

/** Calls `write` with each piece of text as it comes, and returns all of it with the reason and the figures. */
export async function collect(pieces: AsyncIterable<Piece>, write: (text: string) => void): Promise<Answer> {
  let text = ''
  const ids: number[] = []
  let done: Done | undefined
  for await (const piece of pieces) {
    text += piece.text
    ids.push(...piece.ids)
    if (piece.text !== '') write(piece.text)
    done = piece.done ?? done
  }
  if (done === undefined) throw new WeftError({ where: 'generate', what: 'the last piece carries no reason' })
  return { text, ids, ...done }
}
