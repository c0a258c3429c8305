/**
 * The score of the built-in model, through weft's own engine: asks every question of `assets/lexicon/eval.jsonl`, greedily, and
 * counts the answers that end as one of the accepted ones. Groups whose wordings are held out one by one come first; the
 * last is the family of wordings that training never saw.
 *
 *     npm run eval -- [--model PATH] [--questions FILE] [--device NAME] [--wrong]
 */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { load, type Model } from '../engine/index.js'
import { WeftError } from '../graph/error.js'

interface Question {
  readonly group: string
  readonly question: string
  /** How an accepted answer may end. */
  readonly accepted: readonly string[]
}

interface Score {
  right: number
  asked: number
}

/** The longest answer is a chain of six kinds. */
const maxTokens = 96

const { values } = parseArgs({
  options: {
    model: { type: 'string' },
    questions: { type: 'string', default: fileURLToPath(new URL('../../assets/lexicon/eval.jsonl', import.meta.url)) },
    device: { type: 'string', default: 'auto' },
    wrong: { type: 'boolean', default: false },
  },
})

function readQuestions(file: string): readonly Question[] {
  return readFileSync(file, 'utf8').split('\n').filter(line => line !== '').map((line, i) => {
    const { group, question, accepted } = JSON.parse(line) as Partial<Question>
    const whole = typeof group === 'string' && typeof question === 'string' && Array.isArray(accepted) && accepted.length > 0 && accepted.every(a => typeof a === 'string' && a !== '')
    if (!whole) throw new WeftError({ where: 'eval', what: `${file}, line ${i + 1}`, expected: '{ group, question, accepted: [text, …] }' })
    return { group, question, accepted }
  })
}

async function answerOf(model: Model, question: string): Promise<string> {
  let text = ''
  for await (const piece of model.generate(question, { maxTokens, temperature: 0 })) text += piece.text
  return text.trim()
}

const percent = ({ right, asked }: Score): string => `${(100 * right / asked).toFixed(1)}%`

async function main(): Promise<void> {
  const questions = readQuestions(values.questions)
  const device = values.device as 'auto' // the engine refuses what it does not know
  const model = await load(values.model ?? null, { device, onNotice: line => process.stderr.write(`weft: ${line}\n`) })
  try {
    const scores = new Map<string, Score>()
    const began = performance.now()
    for (const [i, { group, question, accepted }] of questions.entries()) {
      const answer = await answerOf(model, question)
      const score = scores.get(group) ?? { right: 0, asked: 0 }
      scores.set(group, score)
      score.asked++
      if (accepted.some(a => answer.endsWith(a))) score.right++
      else if (values.wrong) console.log(`${group}: ${question} -> ${answer}`)
      if ((i + 1) % 100 === 0) process.stderr.write(`weft: ${i + 1} of ${questions.length} questions\n`)
    }
    console.log(`${model.source.path} on ${model.device}, ${model.compute}: ${questions.length} questions in ${((performance.now() - began) / 1000).toFixed(0)} s`)
    for (const [group, score] of scores) console.log(`${group.padEnd(12)} ${percent(score).padStart(7)}  ${score.right} of ${score.asked}`)
  } finally {
    await model.close()
  }
}

await main().catch((error: unknown) => {
  process.stderr.write(`weft: ${error instanceof WeftError ? error.message : String(error instanceof Error ? error.stack : error)}\n`)
  process.exitCode = 1
})
