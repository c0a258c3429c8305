/**
 * `weft run`: one prompt, one answer. The text streams to standard output as it comes, or is printed as one JSON object
 * when it is whole; Ctrl-C ends it with the text so far.
 */
import type { Model } from '../../engine/types.js'
import { collect, type Answer } from '../answer.js'
import { defineCommand, wrongOption } from '../command.js'
import { readInput } from '../input.js'
import { interruptedCode } from '../interrupt.js'
import { loadModel } from '../load.js'
import { generateOptions, generateOptionsOf, loadOptions, loadOptionsOf, modelOption } from '../options.js'
import { generateLines, loadLine, note, reasonLine } from '../terminal.js'

export const runCommand = defineCommand({
  positionals: { prompt: { type: 'string', describe: 'The prompt; else --file, else standard input' } },
  options: {
    ...modelOption,
    file: { type: 'string', requiresArg: true, describe: 'Read the prompt from this file' },
    raw: { type: 'boolean', default: false, describe: 'Send the prompt as it is, without the chat template' },
    ...generateOptions,
    ...loadOptions,
    json: { type: 'boolean', default: false, describe: 'Print one JSON object: text, ids, reason, stats, model, device' },
    stats: { type: 'boolean', default: false, describe: 'Say where the time went' },
  },
  async run(argv, interrupt) {
    const load = loadOptionsOf(argv)
    const options = { ...generateOptionsOf(argv), raw: argv.raw }
    if (argv.raw && argv.system !== undefined) throw wrongOption('--system', 'given together with --raw, which sends no template', 'one of the two')
    const prompt = promptOf(await readInput(argv.prompt, argv.file, 'prompt'), argv)
    const model = await loadModel(argv.model, load)
    try {
      const pieces = model.generate(prompt, { ...options, signal: interrupt.stoppable() })
      const answer = await collect(pieces, argv.json ? () => {} : text => process.stdout.write(text))
      if (!argv.json && answer.text !== '' && !answer.text.endsWith('\n')) process.stdout.write('\n')
      if (argv.json) process.stdout.write(`${JSON.stringify(asJson(answer, model))}\n`)
      const line = reasonLine(answer.reason, options.maxTokens, model.context)
      if (line !== null) note(line)
      if (argv.stats) [loadLine(model.stats), ...generateLines(answer.stats)].forEach(note)
      return interrupt.pressed ? interruptedCode : 0
    } finally {
      await model.close()
    }
  },
})

/** A file and a pipe end in a line break that nobody meant as part of a message; a raw prompt is left alone. */
function promptOf(text: string, argv: { readonly prompt: string | undefined; readonly raw: boolean }): string {
  const prompt = argv.prompt !== undefined || argv.raw ? text : text.replace(/\r?\n$/, '')
  if (prompt === '') throw wrongOption('prompt', 'empty')
  return prompt
}

function asJson({ text, ids, reason, stats }: Answer, model: Model): object {
  return { text, ids, reason, stats: { ...stats, load: model.stats }, model: model.source.path, device: model.device }
}
