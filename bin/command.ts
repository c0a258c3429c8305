/**
 * What a command of `weft` is: a table of options, from which yargs parses and help and tests are made, and a function
 * that runs on what was parsed. Commands are imported only when they are chosen, so that `weft --help` stays quick.
 */
import type { Argv, InferredOptionTypes, Options, PositionalOptions } from 'yargs'
import { WeftError } from '../graph/error.js'
import type { Interrupt } from './interrupt.js'

export type OptionTable = Readonly<Record<string, Options>>
export type PositionalTable = Readonly<Record<string, PositionalOptions & Options>>

export interface CommandParts<O extends OptionTable, P extends PositionalTable> {
  readonly positionals: P
  readonly options: O
  /** Resolves to the process's exit code. */
  readonly run: (argv: InferredOptionTypes<O & P>, interrupt: Interrupt) => Promise<number>
}

export interface Command {
  readonly positionals: PositionalTable
  readonly options: OptionTable
  build(yargs: Argv): Argv
  /** `argv` is what yargs made of the tables; throws a WeftError with exit code 2 for a wrong option. */
  run(argv: Readonly<Record<string, unknown>>, interrupt: Interrupt): Promise<number>
}

export function defineCommand<const O extends OptionTable, const P extends PositionalTable>(parts: CommandParts<O, P>): Command {
  const { positionals, options } = parts
  return Object.freeze({
    positionals,
    options,
    build(yargs: Argv): Argv {
      const withOptions = yargs.options(options as Record<string, Options>)
      return Object.entries(positionals).reduce((y, [name, option]) => y.positional(name, option), withOptions)
    },
    run(argv: Readonly<Record<string, unknown>>, interrupt: Interrupt): Promise<number> {
      for (const [name, option] of Object.entries(options)) {
        // An option of two values comes as an array too.
        if (Array.isArray(argv[name]) && !option.array && (argv[name] as readonly unknown[]).length !== option.nargs) throw wrongOption(`--${name}`, 'given more than once')
      }
      // yargs has parsed by these very tables
      return parts.run(argv as InferredOptionTypes<O & P>, interrupt)
    },
  })
}

/** Refuses what yargs would read as something else in silence: a value of an option that has none, and an empty one as the number 0. */
export function checkGiven(options: OptionTable, args: readonly string[]): void {
  args.forEach((arg, i) => {
    const [, name = '', own] = /^--([^=]+)(?:=(.*))?$/s.exec(arg) ?? []
    const type = options[name]?.type
    if (type === 'boolean' && own !== undefined && own !== 'true' && own !== 'false') throw wrongOption(`--${name}`, 'takes no value', undefined, JSON.stringify(own))
    if (type === 'number' && (own ?? args[i + 1])?.trim() === '') throw wrongOption(`--${name}`, 'its value is missing')
  })
}

/** The error of a wrong option: exit code 2. */
export function wrongOption(option: string, what: string, expected?: string, got?: string): WeftError {
  return new WeftError({ where: option, what, exitCode: 2, ...(expected === undefined ? {} : { expected }), ...(got === undefined ? {} : { got }) })
}
