/**
 * The program's own modules as part of keys on the disk: what was made by code is kept under that code, so that it can never be
 * stale, and an edit needs no version to be raised.
 */
import { readdirSync, readFileSync } from 'node:fs'

/** The bytes of a module, or of all modules below a folder, as they were compiled; null where they are no files. @param paths from the program's root */
export function ownCode(...paths: readonly string[]): readonly Uint8Array[] | null {
  const modules = (at: URL): readonly Uint8Array[] =>
    readdirSync(at, { withFileTypes: true }).sort((a, b) => (a.name < b.name ? -1 : 1)).flatMap(entry => {
      if (entry.isDirectory()) return modules(new URL(`${entry.name}/`, at))
      return entry.name.endsWith('.js') ? [readFileSync(new URL(entry.name, at))] : []
    })
  try {
    return paths.map(path => new URL(`../${path}`, import.meta.url)).flatMap(at => (at.href.endsWith('/') ? modules(at) : [readFileSync(at)]))
  } catch {
    return null
  }
}
