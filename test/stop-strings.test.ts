/** Stop strings: the same text comes through however it is cut, and nothing of a stop string is shown. */
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { stopFilter } from '../engine/stop-strings.js'

const run = (pieces: readonly string[], stops: readonly string[]): string => {
  const filter = stopFilter(stops)
  let shown = ''
  for (const piece of pieces) {
    const { text, stopped } = filter.push(piece)
    shown += text
    if (stopped) return shown + '|' + filter.push('more').text + filter.end()
  }
  return shown + filter.end()
}

const cases: readonly (readonly [readonly string[], readonly string[], string])[] = [
  [['Hello'], [], 'Hello'],
  [['Hel', 'lo'], ['lo'], 'Hel|'],
  [['one\n', '\ntwo'], ['\n\n'], 'one|'],
  [['one\n', 'two'], ['\n\n'], 'one\ntwo'],
  [['User', ':'], ['User:'], '|'],
  [['Us', 'e'], ['User:'], 'Use'],
  [['aaab'], ['aab'], 'a|'],
  [['xabc'], ['abc', 'b'], 'xa|'],
  [['xabc'], ['bc', 'abc'], 'x|'],
]
for (const [pieces, stops, want] of cases) {
  test(`${JSON.stringify(pieces)} until ${JSON.stringify(stops)}`, () => assert.is(run(pieces, stops), want))
}

test('text is held back only while it may become a stop string', () => {
  const filter = stopFilter(['END'])
  assert.equal(['a', 'E', 'N', 'x', 'E', 'E', 'N', 'D'].map(c => filter.push(c).text), ['a', '', '', 'ENx', '', 'E', '', ''])
})

test('cutting the text elsewhere changes nothing', () => {
  let state = 7
  const random = (below: number): number => (state = (state * 1103515245 + 12345) % 2147483648) % 65536 % below
  const letters = (n: number): string => Array.from({ length: n }, () => 'abc'[random(3)]).join('')
  for (let i = 0; i < 2000; i++) {
    const text = letters(random(12))
    const stops = Array.from({ length: 1 + random(3) }, () => letters(1 + random(4)))
    const at = random(text.length + 1)
    const whole = run([text], stops)
    assert.is(run([...text], stops), whole, JSON.stringify({ text, stops }))
    assert.is(run([text.slice(0, at), text.slice(at)], stops), whole, JSON.stringify({ text, stops, at }))
  }
})

test('an empty stop string is an error', () => assert.throws(() => stopFilter(['']), /\[stop\].*empty/))

test.run()
