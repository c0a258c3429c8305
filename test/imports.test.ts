/**
 * The rules that hold over all sources: imports run one way (`graph <- weights, codegen <- runtime <- engine <- bin`),
 * `runtime` knows no op, every file opens with a paragraph on what it is and stays readable in length, nothing is
 * exported as default or typed `any`. Comments, strings and regular expressions are blanked before a rule looks at the
 * text, except for the module names of imports.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { fileURLToPath } from 'node:url'
import { test } from 'uvu'
import * as assert from 'uvu/assert'

const root = fileURLToPath(new URL('../../', import.meta.url))

/** What each folder may import besides itself; null is anything. Packages and Node's own modules are in `packages`. */
const mayImport: Readonly<Record<string, readonly string[] | null>> = {
  graph: [],
  shaders: [],
  assembly: [],
  weights: ['graph'],
  codegen: ['graph', 'shaders'],
  runtime: ['graph', 'codegen', 'shaders', 'weights'],
  engine: ['graph', 'codegen', 'shaders', 'weights', 'runtime', 'assembly'],
  bench: ['graph', 'codegen', 'shaders', 'weights', 'runtime', 'engine'],
  bin: ['graph', 'codegen', 'shaders', 'weights', 'runtime', 'engine', 'bench'],
  assets: ['graph', 'weights', 'engine'],
  test: null,
}
/** Folders that run anywhere, a browser included: no packages, no `node:`. */
const pure: ReadonlySet<string> = new Set(['graph', 'codegen', 'shaders', 'assembly'])

const maxLines = 400

interface Source {
  readonly path: string
  readonly folder: string
  readonly text: string
  /** The text with comments, strings and regular expressions blanked. */
  readonly code: string
  /** Module names of its imports, as written. */
  readonly imports: readonly string[]
}

/**
 * Blanks what is no code, keeping lines. A template's text is blanked and its `${…}` kept, by a stack of the braces
 * around; a slash begins a regular expression where no value can have ended before it.
 */
function codeOf(text: string): string {
  let out = ''
  /** For each open brace: whether it is a template's. */
  const braces: boolean[] = []
  const blank = (from: number, to: number): void => {
    out += text.slice(from, to).replace(/[^\n]/g, ' ')
  }
  const templateEnd = (from: number): number => {
    for (let i = from; i < text.length; i++) {
      if (text[i] === '\\') i++
      else if (text[i] === '`') return i + 1
      else if (text[i] === '$' && text[i + 1] === '{') return i + 2
    }
    return text.length
  }
  const template = (from: number): number => {
    const end = templateEnd(from)
    blank(from, end)
    if (text[end - 1] === '{') braces.push(true)
    return end
  }
  for (let i = 0; i < text.length;) {
    const rest = (pattern: RegExp): string | undefined => {
      pattern.lastIndex = i
      return pattern.exec(text)?.[0]
    }
    const before = out.slice(-40).trimEnd()
    const valueBefore = /[\w$)\]}'"`]$/.test(before) && !/\b(return|typeof|case|of|in)$/.test(before)
    const skipped = rest(/\/\/[^\n]*/y) ?? rest(/\/\*[^]*?\*\//y) ?? rest(/'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"/y) ??
      (valueBefore ? undefined : rest(/\/(?:[^/\\[\n]|\\.|\[(?:[^\]\\\n]|\\.)*\])+\/[a-z]*/y))
    if (skipped !== undefined) {
      // A string is a value: its quotes stay.
      const quote = skipped[0] === "'" || skipped[0] === '"' ? skipped[0] : null
      if (quote === null) blank(i, i + skipped.length)
      else out += quote + ' '.repeat(skipped.length - 2) + quote
      i += skipped.length
      continue
    }
    const c = text[i]!
    if (c === '`') {
      i = template(i + 1)
      continue
    }
    if (c === '{') braces.push(false)
    if (c === '}' && braces.pop() === true) {
      i = template(i + 1)
      continue
    }
    out += c
    i += 1
  }
  return out
}

function* walk(folder: string): Generator<string> {
  for (const entry of readdirSync(join(root, folder), { withFileTypes: true })) {
    const path = `${folder}/${entry.name}`
    if (entry.isDirectory() && path !== 'test/golden' && path !== 'test/fixtures') yield* walk(path)
    else if (entry.isFile() && path.endsWith('.ts') && !path.endsWith('.d.ts')) yield path
  }
}

const sources: readonly Source[] = Object.keys(mayImport).filter(f => existsSync(join(root, f))).flatMap(folder =>
  [...walk(folder)].map(path => {
    const text = readFileSync(join(root, path), 'utf8')
    const code = codeOf(text)
    const imports = [...code.matchAll(/\b(?:from|import)\s*\(?\s*(['"])( *)\1/g)].map(m => {
      const at = m.index + m[0].length - 1 - m[2]!.length
      return text.slice(at, at + m[2]!.length)
    })
    return { path, folder, text, code, imports }
  }))

/** What breaks a rule, as `path: what`. */
function broken(rule: (s: Source) => Iterable<string>): readonly string[] {
  return sources.flatMap(s => [...rule(s)].map(what => `${s.path}: ${what}`))
}

const none = (found: readonly string[]): void => assert.is(found.join('\n'), '')
/** Path from the root of a relative import. */
const resolved = (s: Source, module: string): string => normalize(join(dirname(s.path), module)).replaceAll('\\', '/')

test('sources and their imports are found', () => {
  assert.ok(sources.length > 20, `${sources.length} sources`)
  assert.ok(sources.find(s => s.path === 'codegen/verify.ts')!.imports.includes('../graph/error.js'))
})

test('text that is no code is blanked', () => {
  const kept = (text: string): string => codeOf(text).replace(/\s+/g, ' ').trim()
  assert.is(kept("a // any\n/* any */ b = 'any'"), "a b = ' '")
  assert.is(kept('`any ${x as T} any` + 1'), 'x as T + 1')
  assert.is(kept('`any ${f({ a: `any` })} any` + 1'), 'f({ a: }) + 1')
  assert.is(kept('a / b / c'), 'a / b / c')
  assert.is(kept('x.replace(/["any]/g, y)'), 'x.replace( , y)')
  assert.is(kept('return /"/'), 'return')
})

test('imports run one way', () => {
  none(broken(function* (s) {
    const allowed = mayImport[s.folder]!
    for (const module of s.imports) {
      if (!module.startsWith('.')) {
        if (pure.has(s.folder)) yield `imports ${module}; ${s.folder} runs without Node and packages`
        continue
      }
      const to = resolved(s, module).split('/')[0]!
      if (to !== s.folder && allowed !== null && !allowed.includes(to)) yield `imports ${module}; ${s.folder} may import ${allowed.join(', ') || 'nothing outside itself'}`
    }
  }))
})

test('runtime knows no op', () => {
  none(broken(function* (s) {
    if (s.folder !== 'runtime') return
    for (const module of s.imports) {
      const to = resolved(s, module)
      if (/^(graph\/(ops|models)\/|codegen\/schedules\/)/.test(to)) yield `imports ${module}`
    }
  }))
})

test('imports name files that exist', () => {
  none(broken(function* (s) {
    for (const module of s.imports.filter(m => m.startsWith('.'))) {
      const to = resolved(s, module)
      const file = s.folder === 'assembly' ? `${to}.ts` : to.replace(/\.js$/, '.ts')
      if (!existsSync(join(root, file)) && !existsSync(join(root, to))) yield `imports ${module}, which is not there`
    }
  }))
})

test('nothing is exported as default', () => {
  none(broken(function* (s) {
    if (/\bexport\s+default\b|\bas\s+default\b/.test(s.code)) yield 'has a default export'
  }))
})

test('nothing is typed any', () => {
  none(broken(function* (s) {
    const lines = s.code.split('\n')
    for (const [i, line] of lines.entries()) {
      if (/(?:[:<|&,]|\bas\b|=>)\s*any\b(?!\s*[:(=.])|\bany\[\]/.test(line)) yield `line ${i + 1}: ${s.text.split('\n')[i]!.trim()}`
    }
  }))
})

test('every file opens with a paragraph', () => {
  none(broken(function* (s) {
    if (!/^(#!.*\n)?\/\*\*?\s/.test(s.text)) yield 'does not begin with a block comment'
  }))
})

test(`no file is longer than ${maxLines} lines`, () => {
  none(broken(function* (s) {
    const lines = s.text.split('\n').length - 1
    if (lines > maxLines) yield `${lines} lines`
  }))
})

test.run()
