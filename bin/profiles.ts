/**
 * Chips that `weft emit` renders for without a device, by name: files of `assets/chips/TARGET/`. Any other chip is a file of the
 * same form, as `weft devices --caps` writes one.
 */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Caps } from '../codegen/caps.js'
import { readCaps, type ChipFile } from './caps-file.js'
import { wrongOption } from './command.js'
import { readTextFile } from './input.js'
import { packageRoot } from './package.js'

type TargetName = Caps['target']

/** The profile taken where none is named. */
const first: Readonly<Record<TargetName, string>> = { wgsl: 'gpu', cuda: 'sm_90a', wasm: 'relaxed-simd', hip: 'gfx942', msl: 'apple-m3' }

const folder = (target: TargetName): string => join(packageRoot(), 'assets', 'chips', target)

/** The chips known by name for a target, the one that is taken unasked first. */
export function profileNames(target: TargetName): readonly string[] {
  const at = folder(target)
  const names = existsSync(at) ? readdirSync(at).filter(n => n.endsWith('.json')).map(n => n.slice(0, -'.json'.length)) : []
  // The one that is taken unasked, then in the order of their numbers: sm_80 before sm_120a.
  const rank = (name: string): number => Number(name !== first[target])
  const { compare } = new Intl.Collator('en', { numeric: true })
  return names.sort((a, b) => rank(a) - rank(b) || compare(a, b))
}

/** A chip by name. Throws a WeftError with exit code 2 that lists those there are. */
function named(target: TargetName, name: string, option: string): ChipFile {
  if (!profileNames(target).includes(name)) throw wrongOption(option, `unknown for ${target}`, `${profileNames(target).join(', ')}, or a file given to --caps`, JSON.stringify(name))
  const file = join(folder(target), `${name}.json`)
  return readCaps(readFileSync(file, 'utf8'), file)
}

/** What `--target`, `--arch` and `--caps` were given. */
export interface ChipOptions {
  readonly target: TargetName | undefined
  readonly arch: string | undefined
  readonly caps: string | undefined
}

/** The chip to render for: a profile's, or what a file says. Throws a WeftError; with exit code 2 where the options contradict each other. */
export function chip({ target, arch, caps }: ChipOptions): ChipFile {
  if (arch !== undefined && caps !== undefined) throw wrongOption('--caps', 'given together with --arch', 'one of the two')
  if (caps !== undefined && /[./\\]/.test(caps)) {
    const read = readCaps(readTextFile(caps), caps)
    if (target !== undefined && target !== read.caps.target) throw wrongOption('--caps', `${caps} is of another target`, target, read.caps.target)
    return read
  }
  const of = target ?? 'wgsl'
  return named(of, arch ?? caps ?? first[of], arch === undefined ? '--caps' : '--arch')
}

/** What the chip can do, alone. */
export const profile = (options: ChipOptions): Caps => chip(options).caps
