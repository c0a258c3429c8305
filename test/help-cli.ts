/**
 * Runs the compiled `weft` as a user does, in a process of its own, and makes the broken models that errors are tested with.
 */
import { spawn, type ChildProcess } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import * as assert from 'uvu/assert'

const program = fileURLToPath(new URL('../bin/weft.js', import.meta.url))
export const fixtures = fileURLToPath(new URL('../../test/fixtures/', import.meta.url))
export const projectRoot = fileURLToPath(new URL('../../', import.meta.url))

export interface Ended {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

export interface Running {
  readonly child: ChildProcess
  readonly ended: Promise<Ended>
  /** Resolves when standard output holds at least one character. */
  readonly speaks: Promise<void>
}

export interface SpawnOptions {
  /** Written to standard input, which is then closed; `null` leaves it open for the test. Default empty. */
  readonly input?: string | Uint8Array | null
  readonly env?: Readonly<Record<string, string>>
}

/** Starts `weft` with these arguments. */
export function start(args: readonly string[], { input = '', env = {} }: SpawnOptions = {}): Running {
  const child = spawn(process.execPath, [program, ...args], { cwd: projectRoot, env: { ...process.env, WEFT_DEBUG: '', ...env }, stdio: 'pipe' })
  const out: Buffer[] = [], err: Buffer[] = []
  child.stdout.on('data', (b: Buffer) => out.push(b))
  child.stderr.on('data', (b: Buffer) => err.push(b))
  const speaks = new Promise<void>(resolve => child.stdout.once('data', () => resolve()))
  const ended = new Promise<Ended>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code, signal) => resolve({ code, signal, stdout: Buffer.concat(out).toString(), stderr: Buffer.concat(err).toString() }))
  })
  // a program that does not read its input may be gone before it is written
  child.stdin.on('error', () => undefined)
  if (input !== null) child.stdin.end(input)
  return { child, ended, speaks: Promise.race([speaks, ended.then(() => undefined)]) }
}

/** Runs `weft` to its end. */
export function weft(args: readonly string[], options: SpawnOptions = {}): Promise<Ended> {
  return start(args, options).ended
}

/** Runs `weft` and expects exit code 0. */
export async function ok(args: readonly string[], options?: SpawnOptions): Promise<Ended> {
  const ended = await weft(args, options)
  assert.is(ended.code, 0, `weft ${args.join(' ')}: ${ended.stderr}`)
  return ended
}

/** Every token about as likely as any other, so that an answer is long. */
export const babble = ['--temperature', '50', '--seed', '2'] as const

/** An empty folder, or a copy of one of `test/fixtures`, in the system's folder for passing files. */
export function scratch(copyOf?: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'weft-test-'))
  if (copyOf !== undefined) cpSync(join(fixtures, copyOf), folder, { recursive: true })
  return folder
}

export type Header = Record<string, { dtype: string; shape: number[]; data_offsets: [number, number] }>

/** Rewrites the header of `model.safetensors` in `folder`, leaving the data as it is; `change` returns the header's new JSON or changes it. */
export function editHeader(folder: string, change: (header: Header) => string | void): void {
  const file = join(folder, 'model.safetensors')
  const bytes = readFileSync(file)
  const length = Number(bytes.readBigUInt64LE(0))
  const header = JSON.parse(bytes.toString('utf8', 8, 8 + length)) as Header
  const json = Buffer.from(change(header) ?? JSON.stringify(header))
  const size = Buffer.alloc(8)
  size.writeBigUInt64LE(BigInt(json.length))
  writeFileSync(file, Buffer.concat([size, json, bytes.subarray(8 + length)]))
}

/** Changes the bytes of one tensor of `model.safetensors` in `folder`. */
export function editTensor(folder: string, name: string, change: (data: Uint8Array) => void): void {
  const file = join(folder, 'model.safetensors')
  const bytes = readFileSync(file)
  const length = Number(bytes.readBigUInt64LE(0))
  const [from, to] = (JSON.parse(bytes.toString('utf8', 8, 8 + length)) as Header)[name]!.data_offsets
  change(bytes.subarray(8 + length + from, 8 + length + to))
  writeFileSync(file, bytes)
}

/** Changes fields of a JSON file. */
export function editJson(file: string, change: (fields: Record<string, unknown>) => void): void {
  const fields = JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>
  change(fields)
  writeFileSync(file, JSON.stringify(fields))
}

/** Sets the type of a tensor in a GGUF file: after its name stand the number of dimensions, the dimensions, the type. */
export function setGgufType(file: string, tensor: string, type: number): void {
  const bytes = readFileSync(file)
  const at = bytes.indexOf(tensor) + tensor.length
  const dimensions = bytes.readUInt32LE(at)
  bytes.writeUInt32LE(type, at + 4 + dimensions * 8)
  writeFileSync(file, bytes)
}

/** Cuts a file to a part of its length. */
export function truncate(file: string, share: number): void {
  const bytes = readFileSync(file)
  writeFileSync(file, bytes.subarray(0, Math.floor(bytes.length * share)))
}
