/**
 * `weft chat`: many turns over one session, whose KV cache holds what was said, so that each turn only prefills what is new.
 * Ctrl-C stops an answer and keeps what there is of it; it does not end the program. With piped input each line is a turn.
 */
import { createInterface } from 'node:readline'
import type { GenerateOptions, Model, Session } from '../../engine/types.js'
import { WeftError } from '../../graph/error.js'
import { collect } from '../answer.js'
import { defineCommand } from '../command.js'
import { Conversation } from '../conversation.js'
import { interruptedCode } from '../interrupt.js'
import { loadModel } from '../load.js'
import { generateOptions, generateOptionsOf, loadOptions, loadOptionsOf, modelOption } from '../options.js'
import { complain, generateLines, loadLine, note, promptAnew, reasonLine } from '../terminal.js'

export const chatCommand = defineCommand({
  positionals: {},
  options: {
    ...modelOption,
    ...generateOptions,
    ...loadOptions,
    stats: { type: 'boolean', default: false, describe: 'Say after each answer where the time went' },
  },
  async run(argv, interrupt) {
    const load = loadOptionsOf(argv)
    const { system, ...options } = generateOptionsOf(argv)
    const model = await loadModel(argv.model, load)
    interrupt.release()
    if (argv.stats) note(loadLine(model.stats))
    try {
      return await converse(model, new Conversation(system ?? null), options, argv.stats)
    } finally {
      await model.close()
    }
  },
})

async function converse(model: Model, conversation: Conversation, options: GenerateOptions, stats: boolean): Promise<number> {
  const terminal = process.stdin.isTTY === true && process.stderr.isTTY === true
  const session = model.session()
  // the prompt and what is typed are not the text: they go to standard error
  const lines = createInterface({ input: process.stdin, ...(terminal ? { output: process.stderr } : {}), terminal, prompt: '> ' })
  const interrupts = new ChatInterrupts(() => lines.close(), () => { if (terminal) promptAnew(lines) })
  if (terminal) note('/help lists the commands, Ctrl-C stops an answer, Ctrl-D leaves')
  lines.on('SIGINT', interrupts.press)
  process.on('SIGINT', interrupts.press)
  let failed = false
  try {
    if (terminal) lines.prompt()
    for await (const line of lines) {
      interrupts.rest()
      try {
        const outcome = conversation.read(line)
        if (outcome.kind === 'exit') break
        if (outcome.kind === 'show') outcome.lines.forEach(note)
        else await answer(model, session, conversation, outcome.text, { ...options, signal: interrupts.start() }, stats)
      } catch (error) {
        // one turn failed, a full context for instance; the next may do better
        if (!(error instanceof WeftError)) throw error
        complain(error.message)
        failed = true
      }
      interrupts.rest()
      if (terminal) lines.prompt()
    }
    return interrupts.left ? interruptedCode : failed && !terminal ? 1 : 0
  } finally {
    process.off('SIGINT', interrupts.press)
    lines.close()
    session.close()
  }
}

async function answer(model: Model, session: Session, conversation: Conversation, text: string, options: GenerateOptions, stats: boolean): Promise<void> {
  const messages = [...conversation.messages, { role: 'user', content: text }]
  const { text: said, reason, stats: figures } = await collect(session.generate(messages, options), piece => process.stdout.write(piece))
  if (!said.endsWith('\n')) process.stdout.write('\n')
  if (said !== '' || reason !== 'aborted') conversation.add(text, said)
  const line = reasonLine(reason, options.maxTokens, model.context)
  if (line !== null) note(line)
  if (stats) generateLines(figures).forEach(note)
}

/** Ctrl-C during an answer stops it, and pressed again ends the program; between answers it takes two in a row. */
class ChatInterrupts {
  #answer: AbortController | null = null
  #presses = 0

  constructor(private readonly leave: () => void, private readonly stay: () => void) {}

  /** Whether Ctrl-C ended the chat. */
  get left(): boolean {
    return this.#answer === null && this.#presses > 1
  }

  start(): AbortSignal {
    this.#answer = new AbortController()
    return this.#answer.signal
  }

  rest(): void {
    this.#answer = null
    this.#presses = 0
  }

  readonly press = (): void => {
    this.#presses++
    if (this.#answer !== null) {
      if (this.#presses > 1) process.exit(interruptedCode)
      this.#answer.abort()
    } else if (this.#presses > 1) this.leave()
    else {
      note('press Ctrl-C again to leave')
      this.stay()
    }
  }
}
