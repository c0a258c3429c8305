/**
 * Names of models on the hub: `organization/repository`, optionally one file of it and a revision (a branch, a tag or a
 * commit). Whatever looks like a path stays a path, and a path that exists always wins.
 */
import { WeftError } from '../../graph/error.js'
import { show } from '../../weights/fields.js'

export interface HubName {
  /** `Qwen/Qwen3-0.6B`. */
  readonly repo: string
  /** `main` unless given. */
  readonly revision: string
  /** The one file that is wanted, or null for the repository's model. */
  readonly file: string | null
}

const part = '[A-Za-z0-9](?:[\\w.-]{0,94}[A-Za-z0-9_])?'
const pattern = new RegExp(`^(${part}/${part})(?:@([^@:]*))?(?::([^@:]*))?(?:@([^@:]*))?$`)

/** The hub's name for what a text means, or null where it has not the form of one. Throws for one whose parts are unusable. */
export function parseHubName(text: string): HubName | null {
  const match = pattern.exec(text)
  if (match === null) return null
  const [, repo, before, file, after] = match
  const wrong = (what: string, expected: string, got: string): WeftError => new WeftError({ where: 'hub', what: `${show(text)}: ${what}`, expected, got: show(got) })
  if (before !== undefined && after !== undefined) throw wrong('two revisions', 'one', `${before}, ${after}`)
  const revision = before ?? after ?? 'main'
  if (!/^\w[\w.+/-]{0,199}$/.test(revision) || !isInside(revision)) throw wrong('revision', 'a branch, a tag or a commit', revision)
  if (file !== undefined && !isRepoFile(file)) throw wrong('file', 'a file of the repository', file)
  return { repo: repo!, revision, file: file ?? null }
}

/** Whether a name that a stranger gave is that of a file inside its repository, and of no other on any system. */
export function isRepoFile(name: string): boolean {
  return name.length <= 400 && /^[^\u0000-\u001f\u007f\\:*?"<>|]+$/.test(name) && isInside(name)
}

function isInside(path: string): boolean {
  return path.split('/').every(p => p !== '' && p !== '.' && p !== '..')
}

/** The name as it is typed. */
export function hubNameText({ repo, revision, file }: HubName): string {
  return `${repo}${file === null ? '' : `:${file}`}${revision === 'main' ? '' : `@${revision}`}`
}

export function isCommit(revision: string): boolean {
  return /^[0-9a-f]{40}$/.test(revision)
}
