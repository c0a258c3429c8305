/**
 * Twenty thousand mutants of valid files of every kind, the same in every run: each is accepted or refused with one clear line. No
 * crash, no hang, no other error, no memory above 1 GB. `npm run fuzz` tries a million.
 */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { Draw, mutateJson } from './fuzz/mutate.js'
import { fuzz } from './fuzz/pool.js'
import { tokenizerSeed } from './fuzz/seeds.js'
import { fuzzTargets } from './fuzz/targets.js'

const mutants = 20_000
const report = await fuzz({ seed: 'npm test', mutants })

test(`${mutants} mutants: nothing is found`, () => {
  assert.equal(report.findings, [])
  assert.is(report.total, mutants)
})

test('a mutant is the same whatever was mutated before', () => {
  const made = (mutant: number): string => JSON.stringify(mutateJson(new Draw('same', mutant), tokenizerSeed))
  const first = Array.from({ length: 300 }, (_, i) => made(i))
  for (let i = 0; i < 3000; i++) made(1000 + i)
  assert.equal(first.map((_, i) => made(i)), first)
})

test('every kind of file had its share', () => {
  const targets = fuzzTargets()
  const shares = targets.reduce((n, t) => n + t.share, 0)
  for (const { name, share } of targets) assert.ok(report.executions[name]! >= Math.floor((mutants * share) / shares) - targets.length, `${name}: ${report.executions[name]}`)
})

test('the mutants are neither all refused nor all harmless, and their errors are many', () => {
  assert.ok(report.accepted > mutants / 20 && report.accepted < mutants * 0.8, `${report.accepted} accepted`)
  assert.ok(report.messages.size > 100, `${report.messages.size} distinct errors`)
})

test('memory stays below 1 GB', () => assert.ok(report.peakBytes < 1e9, `${report.peakBytes} bytes`))

test.run()
