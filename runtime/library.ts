/**
 * Shared libraries through koffi: no C++ is built, and a machine without CUDA never loads any of it. A function is
 * declared by its C prototype, exactly as the header has it with versioned names spelled out, and gets its TypeScript
 * type from the table it stands in.
 */
import { WeftError } from '../graph/error.js'

type Koffi = typeof import('koffi')

/** Compilers recurse deeply, and koffi runs a library's code on stacks of its own making. */
const stackBytes = 16 * 2 ** 20

/** Handles and device addresses. */
export type Pointer = bigint

export interface Library {
  readonly path: string
  /** A function by its C prototype. Throws a WeftError where the library lacks it. */
  readonly func: <F extends (...args: never[]) => unknown>(prototype: string) => F
  /** The same, run on a thread of its own while the event loop turns. */
  readonly asyncFunc: <A extends readonly unknown[], R>(prototype: string) => (...args: A) => Promise<R>
  readonly view: (at: Pointer, bytes: number) => ArrayBuffer
  readonly string: (at: Pointer) => string
  /** Address of the memory behind a typed array, which must not have been made inside V8's heap: give it an ArrayBuffer. */
  readonly address: (array: BigUint64Array) => bigint
}

async function importKoffi(): Promise<Koffi> {
  try {
    return await import('koffi')
  } catch (cause) {
    throw new WeftError({ where: 'cuda', what: 'the package koffi, which calls the driver, does not load', got: firstLine(cause), cause })
  }
}

export const firstLine = (error: unknown): string => String(error instanceof Error ? error.message : error).split('\n')[0]!

/**
 * Loads the first of `paths` that loads. `beside` are libraries that must be there first, at any of their own paths.
 * Throws a WeftError that tells why each did not.
 */
export async function openLibrary(what: string, paths: readonly string[], beside: (path: string) => readonly string[] = () => []): Promise<Library> {
  const koffi = await importKoffi()
  try {
    koffi.config({ sync_stack_size: stackBytes, async_stack_size: stackBytes })
  } catch {
    // Only before the first library of the process; it was done then.
  }
  const reasons = new Set<string>()
  for (const path of paths) {
    try {
      for (const helper of beside(path)) koffi.load(helper, { global: true })
      return wrap(koffi, koffi.load(path), path)
    } catch (error) {
      reasons.add(firstLine(error).replace('Failed to load shared library: ', ''))
    }
  }
  throw new WeftError({
    where: 'cuda', what: `${what} does not load`, expected: paths.slice(0, 4).join(', ') + (paths.length > 4 ? ', …' : ''),
    got: [...reasons].slice(0, 3).join('; ') || 'no such file',
  })
}

function wrap(koffi: Koffi, library: ReturnType<Koffi['load']>, path: string): Library {
  const declare = (prototype: string): ReturnType<typeof library.func> => {
    try {
      return library.func(prototype)
    } catch (cause) {
      throw new WeftError({ where: 'cuda', what: `${path} is too old for weft`, got: firstLine(cause), cause })
    }
  }
  return {
    path,
    func: <F extends (...args: never[]) => unknown>(prototype: string): F => declare(prototype) as unknown as F,
    asyncFunc: <A extends readonly unknown[], R>(prototype: string) => {
      const f = declare(prototype)
      return (...args: A): Promise<R> => new Promise((resolve, reject) => {
        f.async(...args, (error: unknown, result: R) => (error ? reject(error) : resolve(result)))
      })
    },
    view: (at, bytes) => koffi.view(at, bytes),
    string: at => koffi.decode.string(at),
    address: array => koffi.address(array),
  }
}
