/**
 * Where texts come from: an argument, a file, or standard input, read as UTF-8 and refused otherwise, so that a wrong
 * file never reaches a model as replacement characters.
 */
import { readFileSync, writeFileSync } from 'node:fs'
import { WeftError } from '../graph/error.js'
import { wrongOption } from './command.js'

/** The text of a file. Throws a WeftError that names it. */
export function readTextFile(file: string): string {
  let data: Uint8Array
  try {
    data = readFileSync(file)
  } catch (cause) {
    throw new WeftError({ where: 'input', what: `${file}: cannot be read (${reason(cause)})`, cause })
  }
  return decode(data, file)
}

/** Writes a text to a file. Throws a WeftError that names it. */
export function writeTextFile(file: string, text: string): void {
  try {
    writeFileSync(file, text)
  } catch (cause) {
    throw new WeftError({ where: 'output', what: `${file}: cannot be written (${reason(cause)})`, cause })
  }
}

/** All of standard input. */
export async function readStandardInput(): Promise<string> {
  const chunks: Uint8Array[] = []
  for await (const chunk of process.stdin) chunks.push(chunk as Uint8Array)
  return decode(Buffer.concat(chunks), 'standard input')
}

/** The argument, else `--file`, else standard input. Throws a WeftError with exit code 2 where none of them is there. */
export async function readInput(argument: string | undefined, file: string | undefined, what: string): Promise<string> {
  if (argument !== undefined && file !== undefined) throw wrongOption('--file', `given together with a ${what} as an argument`, 'one of the two')
  if (argument !== undefined) return argument
  if (file !== undefined) return readTextFile(file)
  if (process.stdin.isTTY) throw wrongOption(what, 'missing', `an argument, --file or standard input`)
  return readStandardInput()
}

/** What a JSON text holds; throws a WeftError naming where it came from. */
export function parseJson(text: string, from: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new WeftError({ where: 'input', what: `${from}: bad JSON (${cause instanceof Error ? cause.message : String(cause)})`, cause })
  }
}

function decode(data: Uint8Array, from: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(data)
  } catch (cause) {
    throw new WeftError({ where: 'input', what: `${from}: not UTF-8 text`, cause })
  }
}

function reason(cause: unknown): string {
  return cause instanceof Error && 'code' in cause ? String(cause.code) : String(cause)
}
