/**
 * Compiles the AssemblyScript of `assembly/` (tokenizer and sampler) to `assembly/weft.wasm` of the output folder this
 * file was itself compiled to. Options are those of `asconfig.json`; nothing is done while the module is newer than
 * every source. The compiler runs in a child process, so that its memory is given back.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, realpathSync, renameSync, statSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { WeftError } from '../graph/error.js'

/** The checkout's root: the folder above this file that holds asconfig.json. */
function projectRoot(): string {
  for (let folder = dirname(fileURLToPath(import.meta.url)); ; folder = dirname(folder)) {
    if (existsSync(join(folder, 'asconfig.json'))) return folder
    if (folder === dirname(folder)) throw new WeftError({ where: 'build-assembly', what: 'no asconfig.json above ' + fileURLToPath(import.meta.url) })
  }
}

/** Compiles if anything is newer than the module; returns the module's path. Throws WeftError with the compiler's messages. */
export function buildAssembly(): string {
  const root = projectRoot()
  const compiler = join(dirname(createRequire(import.meta.url).resolve('assemblyscript/package.json')), 'bin', 'asc.js')
  const out = fileURLToPath(new URL('../assembly/weft.wasm', import.meta.url))
  const sources = readdirSync(join(root, 'assembly')).filter(name => name.endsWith('.ts')).map(name => join(root, 'assembly', name))
  const inputs = [...sources, join(root, 'asconfig.json'), compiler, fileURLToPath(import.meta.url)]
  const newest = Math.max(...inputs.map(file => statSync(file).mtimeMs))
  if (existsSync(out) && statSync(out).mtimeMs >= newest) return out

  mkdirSync(dirname(out), { recursive: true })
  const partial = `${out}.${process.pid}`
  const args = [compiler, '--config', 'asconfig.json', '--outFile', partial]
  const child = spawnSync(process.execPath, args, { cwd: root, encoding: 'utf8' })
  if (child.status !== 0) {
    throw new WeftError({ where: 'build-assembly', what: `asc failed\n${child.stderr}${child.stdout}`, cause: child.error })
  }
  renameSync(partial, out)
  return out
}

if (process.argv[1] !== undefined && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  try {
    buildAssembly()
  } catch (error) {
    if (!(error instanceof WeftError)) throw error
    process.stderr.write(`${error.message}\n`)
    process.exitCode = error.exitCode
  }
}
