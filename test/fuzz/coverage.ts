/**
 * Coverage as V8 counts it, for the files that read what strangers wrote: which characters of a compiled file ran at least once,
 * put together over workers.
 */
import { readFileSync } from 'node:fs'
import { relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Profiler } from 'node:inspector'

/** What mutants can reach, relative to the compiled sources. */
const watched = /^(weights\/(?!quantize(-blocks)?\.js|write\.js|floats\.js)|engine\/(tokenizer|chat-template|bounded-jinja|hub\/(name|select)))/
const root = fileURLToPath(new URL('../../', import.meta.url))

export interface ScriptCoverage {
  readonly file: string
  /** One byte for each character: 1 where it ran. */
  readonly ran: Uint8Array
  readonly functions: readonly (readonly [name: string, ran: boolean])[]
}

/** The watched files of a profile. Ranges come from the outside in: an inner one overrules what is around it. */
export function coverageOf(scripts: readonly Profiler.ScriptCoverage[]): readonly ScriptCoverage[] {
  return scripts.flatMap(script => {
    if (!script.url.startsWith('file:')) return []
    const file = relative(root, fileURLToPath(script.url)).replaceAll('\\', '/')
    if (!watched.test(file)) return []
    const ran = new Uint8Array(Math.max(0, ...script.functions.map(f => f.ranges[0]!.endOffset)))
    const ranges = script.functions.flatMap(f => f.ranges).sort((a, b) => a.startOffset - b.startOffset || b.endOffset - a.endOffset)
    for (const { startOffset, endOffset, count } of ranges) ran.fill(count > 0 ? 1 : 0, startOffset, endOffset)
    return [{ file, ran, functions: script.functions.map(f => [`${f.functionName} ${f.ranges[0]!.startOffset}`, f.ranges[0]!.count > 0] as const) }]
  })
}

export interface FileCoverage {
  readonly file: string
  /** Lines with code, and those of them that ran. */
  readonly lines: number
  readonly covered: number
  readonly functions: number
  readonly called: number
}

/** One row for each file, over all workers. */
export function mergeCoverage(parts: readonly ScriptCoverage[]): readonly FileCoverage[] {
  const files = [...new Set(parts.map(p => p.file))].sort()
  return files.map(file => {
    const own = parts.filter(p => p.file === file)
    const text = readFileSync(`${root}${file}`, 'utf8')
    const ranAt = (i: number): boolean => own.some(p => p.ran[i] === 1)
    let at = 0, lines = 0, covered = 0
    for (const line of text.split('\n')) {
      const first = line.search(/\S/)
      const code = first >= 0 && !/^\s*(\/\/|\/?\*|[\])}]+[;,]?\s*$|import |export \{)/.test(line)
      if (code) {
        lines++
        if (ranAt(at + first)) covered++
      }
      at += line.length + 1
    }
    const called = new Map<string, boolean>()
    for (const [name, ran] of own.flatMap(p => p.functions)) called.set(name, ran || (called.get(name) ?? false))
    return { file, lines, covered, functions: called.size, called: [...called.values()].filter(Boolean).length }
  })
}
