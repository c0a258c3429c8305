#!/usr/bin/env node
/**
 * The command `weft`. yargs reads the command line and only notes what was chosen; the command runs afterwards, so that an
 * error of its own and a wrong option take the same way to the one line on standard error. Exit codes: 0 done,
 * 1 an error, 2 a wrong option, 130 ended by Ctrl-C.
 */
import yargs, { type Argv } from 'yargs'
import { WeftError } from '../graph/error.js'
import { switches } from '../runtime/switches.js'
import { checkGiven, wrongOption, type Command } from './command.js'
import { commands, type CommandEntry } from './commands/index.js'
import { Interrupt } from './interrupt.js'
import { packageVersion } from './package.js'
import { complain } from './terminal.js'

type Job = (interrupt: Interrupt) => Promise<number>

/** Parses the command line. Null where help or the version was printed. Throws a WeftError with exit code 2. */
async function parse(args: readonly string[]): Promise<Job | null> {
  let job: Job | null = null
  // yargs would read a positional argument that begins with a dash as an option even after `--`
  const end = args.indexOf('--')
  const [own, rest] = end < 0 ? [args, []] : [args.slice(0, end), args.slice(end + 1)]
  const named = own.some(arg => arg === '--help' || arg === '-h') ? undefined : commands.find(c => nameOf(c) === own[0])
  const cli = yargs(named ? own.slice(1) : own)
    .scriptName(named ? `weft ${nameOf(named)}` : 'weft')
    .locale('en')
    .wrap(Math.min(110, process.stdout.columns ?? 110))
    .parserConfiguration({ 'boolean-negation': false, 'greedy-arrays': false, 'camel-case-expansion': false })
    .version(packageVersion())
    .alias('help', 'h')
    .strict()
    .exitProcess(false)
    .fail((message, error) => {
      if (error instanceof WeftError) throw error
      throw usageError(message ?? error.message)
    })
  const add = (entry: CommandEntry, usage: string): void => {
    let command: Command
    const build = async (y: Argv): Promise<Argv> => (command = await entry.load()).build(y)
    cli.command(usage, entry.about, build, argv => {
      checkGiven(command.options, own)
      job = interrupt => command.run(withRest(command, argv, rest), interrupt)
    })
  }
  // For a command among several yargs sets its whole help in type before each run; the one that is named goes alone, as the default.
  if (named) add(named, named.usage.replace(nameOf(named), '$0'))
  else {
    cli.usage('$0 <command>\n\nRuns language models on CPU and GPU, with kernels generated for the chip at hand.')
      .epilogue('weft <command> --help lists the options of a command.')
      .demandCommand(1, 1, 'no command given')
    for (const entry of commands) add(entry, entry.usage)
  }
  try {
    await cli.parseAsync()
  } catch (error) {
    // what yargs finds before it knows the command does not reach `fail`
    throw error instanceof Error && error.name === 'YError' ? usageError(error.message) : error
  }
  return job
}

const nameOf = ({ usage }: CommandEntry): string => usage.split(' ')[0]!

/** The arguments with what stands after `--` as the command's positional argument. */
function withRest(command: Command, argv: Readonly<Record<string, unknown>>, rest: readonly string[]): Readonly<Record<string, unknown>> {
  const [name] = Object.keys(command.positionals)
  if (rest.length === 0) return argv
  if (rest.length > 1 || name === undefined || argv[name] !== undefined) throw usageError(`Unknown argument: ${rest.at(-1)}`)
  return { ...argv, [name]: rest[0] }
}

/** yargs' own message as an error of ours: the option, what was expected, what was given. */
function usageError(message: string): WeftError {
  const text = message.replace(/\s+/g, ' ').trim()
  const [, unknown] = /^Unknown (?:arguments?|commands?): (.*)$/.exec(text) ?? []
  if (unknown !== undefined) return wrongOption('options', `unknown option or argument ${unknown} (weft --help lists what there is; quote a text of several words)`)
  const [, name, given, choices] = /^Invalid values: Argument: (\S+), Given: (.*), Choices: (.*)$/.exec(text) ?? []
  if (name !== undefined) return wrongOption(`--${name}`, 'wrong value', choices!.replaceAll('"', ''), given)
  const [, bare] = /^Not enough arguments following: (\S+)$/.exec(text) ?? []
  if (bare !== undefined) return wrongOption(`--${bare}`, 'its value is missing')
  return wrongOption('options', `${text} (weft --help lists what there is)`)
}

/** Whether whoever looks at an error wants to know where in weft it arose. */
function debugging(): boolean {
  try {
    return switches().debug > 0
  } catch {
    return false
  }
}

/**
 * Some values of options only the engine can judge, with the model and the chip before it: they are wrong options all the
 * same. A device that is not there is none.
 */
function exitCode({ where, exitCode: own }: WeftError): number {
  return where.startsWith('--') && where !== '--device' ? 2 : own
}

async function main(args: readonly string[]): Promise<number> {
  const interrupt = new Interrupt()
  try {
    const job = await parse(args)
    return job === null ? 0 : await job(interrupt)
  } catch (error) {
    if (error instanceof WeftError) complain(error.message)
    else complain(`[internal] ${error instanceof Error ? error.message : String(error)}`)
    if (error instanceof Error && debugging()) process.stderr.write(`${error.stack}\n`)
    return error instanceof WeftError ? exitCode(error) : 1
  }
}

// A reader that leaves early (`weft run … | head -1`) is no error, and nobody is left to be told.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(0)
    if (stream === process.stdout) complain(`[output] standard output: cannot be written (${error.code ?? error.message})`)
    process.exit(1)
  })
}

const code = await main(process.argv.slice(2))
// a device's own threads may outlive its close; what was written is waited for
process.stdout.write('', () => process.stderr.write('', () => process.exit(code)))
