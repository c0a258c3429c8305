/** What `docs/new-target.md` shows of the repository is there, line by line. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { projectRoot } from './help-cli.js'

const page = readFileSync(join(projectRoot, 'docs/new-target.md'), 'utf8')
const blocks = [...page.matchAll(/^```diff\n([\s\S]*?)^```$/gm)].map(m => m[1]!)

test('every line that the page adds is in the file it names', () => {
  assert.ok(blocks.length > 3)
  for (const block of blocks) {
    let file = ''
    let lines: ReadonlySet<string> = new Set()
    for (const line of block.trimEnd().split('\n')) {
      if (line.startsWith('--- ')) {
        file = line.slice(4)
        lines = new Set(readFileSync(join(projectRoot, file), 'utf8').split('\n'))
      } else assert.ok(line.startsWith('+') && lines.has(line.slice(1)), `${file}: ${line}`)
    }
  }
})

test('files that the page names are there', () => {
  for (const [, path] of page.matchAll(/`((?:codegen|shaders|bin|test|assets|runtime|engine)\/[\w./-]+\.\w+)`/g)) readFileSync(join(projectRoot, path!))
})

test.run()
