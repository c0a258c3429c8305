/**
 * The turns of a chat, apart from terminals and models: messages, the commands that begin with a slash, and the file a
 * conversation is kept in, which has the form that `weft tokenize --chat` reads.
 */
import type { Message } from '../engine/types.js'
import { WeftError } from '../graph/error.js'
import { parseJson, readTextFile, writeTextFile } from './input.js'

export const chatHelp = [
  '/system TEXT  set the system prompt (without TEXT: show it)',
  '/reset        forget the conversation, keep the system prompt',
  '/save FILE    write the conversation to a file',
  '/load FILE    go on with a conversation from a file',
  '/exit         leave (or Ctrl-D)',
  '//TEXT        say a text that begins with a slash',
] as const

/** What a line asks for: a message to answer, something to show, or the end. */
export type Outcome =
  | { readonly kind: 'say'; readonly text: string }
  | { readonly kind: 'show'; readonly lines: readonly string[] }
  | { readonly kind: 'exit' }

export class Conversation {
  #system: string | null
  #turns: readonly Message[] = []

  constructor(system: string | null) {
    this.#system = system
  }

  get messages(): readonly Message[] {
    return this.#system === null ? this.#turns : [{ role: 'system', content: this.#system }, ...this.#turns]
  }

  /** Adds a turn that was answered. */
  add(user: string, assistant: string): void {
    this.#turns = [...this.#turns, { role: 'user', content: user }, { role: 'assistant', content: assistant }]
  }

  /** Takes one line of input. Throws a WeftError for a file that cannot be read, written or understood. */
  read(line: string): Outcome {
    if (!line.startsWith('/')) return line.trim() === '' ? { kind: 'show', lines: [] } : { kind: 'say', text: line }
    if (line.startsWith('//')) return { kind: 'say', text: line.slice(1) }
    const [, command, argument] = /^(\/\S*)\s*(.*)$/s.exec(line)!
    switch (command) {
      case '/system': return this.#setSystem(argument!)
      case '/reset': return this.#reset()
      case '/save': return this.#save(argument!)
      case '/load': return this.#load(argument!)
      case '/exit': return { kind: 'exit' }
      case '/help': return { kind: 'show', lines: chatHelp }
      default: return { kind: 'show', lines: [`no such command: ${command} (/help lists them)`] }
    }
  }

  #setSystem(text: string): Outcome {
    if (text === '') return { kind: 'show', lines: [this.#system ?? 'no system prompt'] }
    this.#system = text
    return { kind: 'show', lines: ['system prompt set'] }
  }

  #reset(): Outcome {
    this.#turns = []
    return { kind: 'show', lines: ['conversation forgotten'] }
  }

  #save(file: string): Outcome {
    if (file === '') return { kind: 'show', lines: ['/save needs a file'] }
    writeTextFile(file, `${JSON.stringify({ messages: this.messages }, null, 1)}\n`)
    return { kind: 'show', lines: [`${this.messages.length} messages written to ${file}`] }
  }

  #load(file: string): Outcome {
    if (file === '') return { kind: 'show', lines: ['/load needs a file'] }
    const { messages, options } = readConversation(file)
    const [first, ...rest] = messages
    this.#system = first?.role === 'system' ? first.content : null
    this.#turns = first?.role === 'system' ? rest : messages
    const unused = Object.keys(options)
    return { kind: 'show', lines: [`${messages.length} messages read from ${file}`, ...(unused.length > 0 ? [`not used in a chat: ${unused.join(', ')}`] : [])] }
  }
}

/** Messages and the template's other variables (`tools`, `enable_thinking`, `add_generation_prompt`). */
export interface SavedConversation {
  readonly messages: readonly Message[]
  readonly options: Readonly<Record<string, unknown>>
}

/** Reads a file that holds an array of messages, or an object with `messages` and the template's other variables. */
export function readConversation(file: string): SavedConversation {
  const value = parseJson(readTextFile(file), file)
  const { messages, ...rest } = Array.isArray(value) ? { messages: value as unknown } : isRecord(value) ? value : { messages: null }
  const list: readonly unknown[] | null = Array.isArray(messages) ? messages : null
  if (list === null || !list.every(isMessage)) {
    throw new WeftError({ where: 'chat', what: `${file}: no conversation`, expected: 'an array of messages with role and content, or an object with messages' })
  }
  const { options, ...variables } = rest as Readonly<Record<string, unknown>>
  return { messages: list, options: { ...(isRecord(options) ? options : {}), ...variables } }
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** Templates get every field of a message; the engine itself needs these two. An assistant that only calls tools says nothing. */
function isMessage(value: unknown): value is Message {
  if (!isRecord(value) || typeof value['role'] !== 'string') return false
  const content = value['content']
  return typeof content === 'string' || Array.isArray(content) || (content ?? null) === null
}
