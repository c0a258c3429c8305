/** What results name: device and driver, machine, the program's version and commit, the date. */
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { availableParallelism, cpus, totalmem } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Roof } from '../codegen/roof.js'
import { deviceOf, driverOf } from '../engine/machine.js'
import type { Backend } from '../runtime/backend.js'
import { switches } from '../runtime/switches.js'

export interface Machine {
  readonly device: string
  readonly backend: string
  readonly chip: string
  readonly driver: string
  readonly processor: string
  readonly cores: number
  readonly memoryBytes: number
  readonly system: string
  readonly node: string
  /** Of weft, and the commit it was built from where that is known; `+` after it for changes that are in no commit. */
  readonly version: string
  readonly commit: string | null
  /** ISO 8601, UTC. */
  readonly date: string
  readonly roof: Roof
}

export function describeMachine(backend: Pick<Backend, 'name' | 'caps' | 'description'>, roof: Roof): Machine {
  const root = packageFolder()
  return {
    device: deviceOf(backend), backend: backend.name, chip: backend.caps.chip, driver: driverOf(backend),
    processor: cpus()[0]?.model.trim() ?? 'unknown', cores: availableParallelism(), memoryBytes: totalmem(),
    system: `${process.platform}-${process.arch}`, node: process.versions.node,
    version: (JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { readonly version: string }).version,
    commit: commitOf(root), date: new Date().toISOString(), roof,
  }
}

/** The folder of package.json, wherever the program was compiled to. */
export function packageFolder(): string {
  let folder = dirname(fileURLToPath(import.meta.url))
  while (!existsSync(join(folder, 'package.json')) && folder !== dirname(folder)) folder = dirname(folder)
  return folder
}

function commitOf(root: string): string | null {
  const { commit: told } = switches()
  if (told !== null || !existsSync(join(root, '.git'))) return told
  const git = (...args: readonly string[]): string | null => {
    const { status, stdout } = spawnSync('git', ['-C', root, ...args], { encoding: 'utf8' })
    return status === 0 ? stdout.trim() : null
  }
  const commit = git('rev-parse', '--short=12', 'HEAD')
  return commit === null ? null : `${commit}${git('status', '--porcelain', '--untracked-files=no') ? '+' : ''}`
}
