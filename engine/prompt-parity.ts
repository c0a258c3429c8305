/**
 * The prompt of a trace beside what this model's template and tokenizer make of it. The known mistakes here change a text,
 * not numbers: what is missing or too much is found, and tried against the few things it usually is.
 */
import { show } from '../weights/fields.js'
import type { TracedPrompt } from './trace-file.js'
import type { Model } from './types.js'

export interface PromptReport {
  /** Whether the template gives the trace's text; null where the trace has no conversation. */
  readonly template: boolean | null
  /** Whether the tokenizer gives the trace's ids. */
  readonly ids: boolean
  readonly ok: boolean
  /** Where they part, in one line, and which known mistake that is. */
  readonly difference: string | null
  readonly mistake: 'template' | 'BOS' | 'tokenizer' | null
}

type Comparable = Pick<Model, 'render' | 'tokenizer' | 'source'>

/** Null where the trace has no text, or the model no tokenizer. */
export function comparePrompt(model: Comparable, { ids, text, messages }: TracedPrompt): PromptReport | null {
  if (text === null || model.source.tokenizer === null) return null
  const bos = model.tokenizer.bosId
  const bosText = bos === null ? null : model.tokenizer.tokenOf(bos) ?? null
  const own = messages === null ? text : model.render(messages)
  const template = messages === null ? null : own === text
  const encoded = model.tokenizer.encode(text, { addSpecial: messages === null })
  const equal = encoded.length === ids.length && encoded.every((id, i) => id === ids[i])
  if (template !== false && equal) return { template, ids: true, ok: true, difference: null, mistake: null }
  if (template === false) {
    if (bosText !== null && (text === `${bosText}${own}` || own === `${bosText}${text}`)) {
      const difference = `the trace's prompt ${text.length > own.length ? 'has one BOS more' : 'lacks the BOS that the template writes'} (${show(bosText)})`
      return { template, ids: equal, ok: false, mistake: 'BOS', difference }
    }
    const { more, less, at } = changed([...own], [...text])
    const shown = (part: readonly string[]): string => (part.length === 0 ? '' : show(part.join('')))
    const difference = knownTemplates(model, messages!, text, own) ?? said('the trace\'s prompt', ['has', 'lacks'], shown(more), shown(less), at)
    return { template, ids: equal, ok: false, mistake: 'template', difference }
  }
  const { more, less, at } = changed([...encoded], [...ids])
  const names = (list: readonly number[]): string => list.slice(0, 8).map(id => `${id} ${show(model.tokenizer.tokenOf(id) ?? '')}`).join(', ')
  const one = [...more, ...less]
  if (bos !== null && at <= 1 && one.length === 1 && one[0] === bos) {
    const what = more.length > 0 ? 'begins with a BOS that this tokenizer does not add' : 'lacks the BOS that this tokenizer adds'
    return { template, ids: false, ok: false, mistake: 'BOS', difference: `the trace ${what} (${names(one)})` }
  }
  return { template, ids: false, ok: false, mistake: 'tokenizer', difference: said('the ids of the trace', ['have', 'lack'], names(more), names(less), at) }
}

/** What `theirs` has more and less than `own`, between what both begin and end with. */
function changed<T>(own: readonly T[], theirs: readonly T[]): { readonly at: number; readonly more: readonly T[]; readonly less: readonly T[] } {
  const shorter = Math.min(own.length, theirs.length)
  let at = 0
  while (at < shorter && own[at] === theirs[at]) at++
  let end = 0
  while (end < shorter - at && own[own.length - 1 - end] === theirs[theirs.length - 1 - end]) end++
  return { at, more: theirs.slice(at, theirs.length - end), less: own.slice(at, own.length - end) }
}

/** The conversation rendered with one mistake, compared with the trace's text. */
function knownTemplates(model: Comparable, messages: NonNullable<TracedPrompt['messages']>, theirs: string, own: string): string | null {
  const eos = model.tokenizer.eosId === null ? null : model.tokenizer.tokenOf(model.tokenizer.eosId) ?? null
  const last = messages.at(-1)?.content ?? ''
  const ends = [...new Set([eos, '<|im_end|>', '<|eot_id|>', '</s>'].filter(t => t !== null && own.includes(t)) as string[])]
  const without = model.render(messages, { add_generation_prompt: false })
  if (theirs === without) return 'the trace\'s prompt lacks what opens the answer (add_generation_prompt)'
  if (theirs === last) return 'the trace\'s prompt is the bare message, without a template'
  for (const end of ends) {
    if (theirs === own.replaceAll(end, `\n${end}`)) return `the trace's prompt has a line break before each ${show(end)}`
    if (own === theirs.replaceAll(end, `\n${end}`)) return `the trace's prompt lacks the line break before each ${show(end)}`
  }
  if (theirs.trim() === own.trim()) return 'the trace\'s prompt differs in space at its beginning or end'
  return theirs.replace(/\s/g, '') === own.replace(/\s/g, '') ? 'the trace\'s prompt differs in spaces and line breaks' : null
}

function said(whose: string, [has, lacks]: readonly [string, string], more: string, less: string, at: number): string {
  const parts = [...(more === '' ? [] : [`${has} ${more}`]), ...(less === '' ? [] : [`${lacks} ${less}`])]
  return `from ${at} on, ${whose} ${parts.join(' and ')}`
}
