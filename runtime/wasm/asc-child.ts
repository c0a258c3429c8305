/**
 * Runs in a child process: reads AssemblyScript from standard input and writes the module to standard output, or the
 * compiler's messages to standard error and exits with 1. A process of its own gives back the 300 MB that `asc` takes.
 */
import { text } from 'node:stream/consumers'
import { setFlagsFromString } from 'node:v8'

/** What is used of the compiler; its own declarations would replace the global `console` of the whole program. */
interface Asc {
  main(args: readonly string[], host: {
    readFile(name: string): Promise<string | null>
    writeFile(name: string, contents: Uint8Array | string): void
    listFiles(): readonly string[]
  }): Promise<{ readonly error: unknown; readonly stderr: { toString(): string } }>
}
// asc's own back end is a large WebAssembly module of which little is run, and that too briefly for V8's optimizing compiler to pay.
for (const flag of ['--liftoff-only', '--no-wasm-dynamic-tiering', '--wasm-lazy-validation']) setFlagsFromString(flag)
const compiler: string = 'assemblyscript/asc'
const { default: asc } = (await import(compiler)) as { readonly default: Asc }

// Asked for when the compiler has read its own library, which takes it as long as the kernels: they may come later.
const kernels = text(process.stdin)
let module: Uint8Array | string | null = null
const { error, stderr } = await asc.main(['kernels.ts', ...process.argv.slice(2), '--outFile', 'kernels.wasm'], {
  readFile: async name => (name === 'kernels.ts' ? kernels : null),
  writeFile: (name, contents) => {
    if (name === 'kernels.wasm') module = contents
  },
  listFiles: () => [],
})
if (error !== null || module === null) {
  process.stderr.write(stderr.toString() || String(error))
  process.exitCode = 1
} else process.stdout.write(module)
