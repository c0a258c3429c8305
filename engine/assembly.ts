/**
 * Loads the compiled AssemblyScript (`assembly/weft.wasm` of the build folder). Every tokenizer and sampler
 * instantiates the module for itself, so that each has its own flat memory and none sees another's state.
 */
import { readFile } from 'node:fs/promises'
import { WeftError } from '../graph/error.js'

/** The little of the WebAssembly API that is used; Node's type declarations leave it to the browser's. */
interface Wasm {
  instantiate(bytes: Uint8Array, imports: { readonly host: HostFunctions }): Promise<{ readonly instance: { readonly exports: unknown } }>
}

export type HostFunctions = Readonly<Record<string, (...args: readonly number[]) => number | void>>

/** Instantiates the module with the given host functions. Throws WeftError if the build is missing or broken. */
export async function instantiateAssembly(host: HostFunctions): Promise<unknown> {
  const file = new URL('../assembly/weft.wasm', import.meta.url)
  let bytes: Uint8Array
  try {
    bytes = await readFile(file)
  } catch (cause) {
    throw new WeftError({ where: 'assembly', what: 'assembly/weft.wasm is missing from the build; run `npm run build`', cause })
  }
  const { WebAssembly: wasm } = globalThis as unknown as { readonly WebAssembly: Wasm }
  const { instance } = await wasm.instantiate(bytes, { host })
  return instance.exports
}
