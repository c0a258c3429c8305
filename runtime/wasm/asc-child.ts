/**
 * Runs in a child process: reads AssemblyScript from standard input and writes the module to standard output, or the
 * compiler's messages to standard error and exits with 1. A process of its own gives back the 300 MB that `asc` takes.
 */
import asc from 'assemblyscript/asc'
import { readFileSync } from 'node:fs'

const text = readFileSync(0, 'utf8')
let module: Uint8Array | string | null = null
const { error, stderr } = await asc.main(['kernels.ts', ...process.argv.slice(2), '--outFile', 'kernels.wasm'], {
  readFile: (name: string) => (name === 'kernels.ts' ? text : null),
  writeFile: (name: string, contents: Uint8Array | string) => {
    if (name === 'kernels.wasm') module = contents
  },
  listFiles: () => [],
})
if (error !== null || module === null) {
  process.stderr.write(stderr.toString() || String(error))
  process.exitCode = 1
} else process.stdout.write(module)
