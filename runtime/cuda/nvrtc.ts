/**
 * NVRTC: CUDA C to machine code, on machines with and without a GPU. The library is looked for where WEFT_NVRTC says,
 * where the system's loader looks, in toolkits and in Python environments, whose wheels carry it. It opens a second
 * library by its bare name, which only works outside the loader's folders if that one was opened before.
 */
import { existsSync, readdirSync, statSync } from 'node:fs'
import { homedir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { WeftError } from '../../graph/error.js'
import { switches } from '../switches.js'
import { openLibrary } from '../library.js'
import type { Pointer } from '../library.js'

export interface Cubin {
  readonly cubin: Uint8Array
  /** The compiler's warnings. */
  readonly log: string
}

export interface Nvrtc {
  /** `13.0`. */
  readonly version: string
  readonly path: string
  /** Machine code of CUDA C for an architecture such as `sm_90a`. Throws a WeftError with the first lines of the log. */
  compile(text: string, arch: string, name?: string): Promise<Cubin>
}

const list = (folder: string): readonly string[] => {
  try {
    return readdirSync(folder).sort().reverse()
  } catch {
    return []
  }
}
const isLibrary = (file: string): boolean => /^libnvrtc\.so(\.\d+)*$/.test(file)
const isBuiltins = (file: string): boolean => /^libnvrtc-builtins\.so(\.\d+)*$/.test(file)

/** Libraries in a folder, and in those where a toolkit, a Python environment or an unpacked wheel keeps them. */
function librariesUnder(folder: string): readonly string[] {
  const python = (base: string): readonly string[] =>
    list(base).filter(f => /^python3/.test(f)).flatMap(f => ['site-packages', 'dist-packages'].map(p => join(base, f, p)))
  const packages = [folder, ...['lib', 'lib64', 'local/lib'].flatMap(l => python(join(folder, l)))]
  const folders = [
    folder, ...['lib', 'lib64', 'targets/x86_64-linux/lib'].map(l => join(folder, l)),
    ...packages.flatMap(p => list(join(p, 'nvidia')).map(n => join(p, 'nvidia', n, 'lib'))),
  ]
  return folders.flatMap(f => list(f).filter(isLibrary).map(l => join(f, l)))
}

function candidates(): readonly string[] {
  const { nvrtc, pythonPrefixes } = switches()
  if (nvrtc !== null) {
    if (!existsSync(nvrtc)) throw new WeftError({ where: 'WEFT_NVRTC', what: `no such file or folder: ${nvrtc}` })
    if (!statSync(nvrtc).isDirectory()) return [nvrtc]
    const found = librariesUnder(nvrtc)
    if (found.length === 0) throw new WeftError({ where: 'WEFT_NVRTC', what: `no libnvrtc.so in ${nvrtc} or the folders a toolkit or wheel has it in` })
    return found
  }
  const toolkits = list('/usr/local').filter(f => /^cuda(-|$)/.test(f)).map(f => join('/usr/local', f))
  return [
    'libnvrtc.so.13', 'libnvrtc.so.12', 'libnvrtc.so',
    ...[...toolkits, ...pythonPrefixes, join(homedir(), '.local'), '/usr/local', '/usr'].flatMap(librariesUnder),
  ]
}

/** Loads NVRTC. Throws a WeftError that says where it was looked for. */
export async function openNvrtc(): Promise<Nvrtc> {
  const beside = (path: string): readonly string[] => {
    const folder = dirname(path)
    return path === basename(path) ? [] : list(folder).filter(isBuiltins).map(f => join(folder, f))
  }
  const library = await openLibrary('NVRTC, which compiles kernels,', candidates(), beside)
  const { func, asyncFunc } = library
  const nvrtcVersion = func<(major: number[], minor: number[]) => number>('int nvrtcVersion(_Out_ int *major, _Out_ int *minor)')
  const nvrtcGetErrorString = func<(result: number) => string>('const char *nvrtcGetErrorString(int result)')
  const nvrtcCreateProgram = func<(program: (Pointer | null)[], text: string, name: string, headers: number, sources: null, names: null) => number>(
    'int nvrtcCreateProgram(_Out_ void **prog, const char *src, const char *name, int numHeaders, const char **headers, const char **includeNames)')
  const nvrtcDestroyProgram = func<(program: Pointer[]) => number>('int nvrtcDestroyProgram(_Inout_ void **prog)')
  const nvrtcCompileProgram = asyncFunc<[program: Pointer, count: number, options: readonly string[]], number>(
    'int nvrtcCompileProgram(void *prog, int numOptions, const char **options)')
  const nvrtcGetProgramLogSize = func<(program: Pointer, bytes: (number | bigint)[]) => number>('int nvrtcGetProgramLogSize(void *prog, _Out_ size_t *logSizeRet)')
  const nvrtcGetProgramLog = func<(program: Pointer, log: Uint8Array) => number>('int nvrtcGetProgramLog(void *prog, void *log)')
  const nvrtcGetCUBINSize = func<(program: Pointer, bytes: (number | bigint)[]) => number>('int nvrtcGetCUBINSize(void *prog, _Out_ size_t *cubinSizeRet)')
  const nvrtcGetCUBIN = func<(program: Pointer, cubin: Uint8Array) => number>('int nvrtcGetCUBIN(void *prog, void *cubin)')

  const must = (result: number, what: string): void => {
    if (result !== 0) throw new WeftError({ where: 'nvrtc', what: `${what}: ${nvrtcGetErrorString(result)}` })
  }
  const major = [0], minor = [0]
  must(nvrtcVersion(major, minor), 'nvrtcVersion')
  const version = `${major[0]}.${minor[0]}`

  const logOf = (program: Pointer): string => {
    const size: (number | bigint)[] = [0]
    if (nvrtcGetProgramLogSize(program, size) !== 0) return ''
    const log = new Uint8Array(Number(size[0]))
    return nvrtcGetProgramLog(program, log) === 0 ? new TextDecoder().decode(log).replace(/\0+$/, '').trim() : ''
  }

  return Object.freeze({
    version, path: library.path,
    async compile(text: string, arch: string, name = 'weft.cu'): Promise<Cubin> {
      const handle: (Pointer | null)[] = [null]
      must(nvrtcCreateProgram(handle, text, name, 0, null, null), 'nvrtcCreateProgram')
      const program = handle[0]!
      try {
        const result = await nvrtcCompileProgram(program, 2, [`--gpu-architecture=${arch}`, '--std=c++17'])
        const log = logOf(program)
        if (result !== 0) throw compileError(text, arch, version, nvrtcGetErrorString(result), log)
        const size: (number | bigint)[] = [0]
        must(nvrtcGetCUBINSize(program, size), 'nvrtcGetCUBINSize')
        const cubin = new Uint8Array(Number(size[0]))
        must(nvrtcGetCUBIN(program, cubin), 'nvrtcGetCUBIN')
        return { cubin, log }
      } finally {
        nvrtcDestroyProgram([program])
      }
    },
  })
}

/** Names the kernel that the first line of the log lies in. */
function compileError(text: string, arch: string, version: string, result: string, log: string): WeftError {
  const at = /\((\d+)\)/.exec(log)
  const before = at ? text.split('\n').slice(0, Number(at[1])) : []
  const kernel = before.map(line => /__global__ .*?(\w+)\(/.exec(line.replace(/__\w+__\([^)]*\) /g, ''))?.[1]).filter(k => k !== undefined).at(-1)
  const lines = log.split('\n').filter(line => line.trim() !== '')
  const errors = lines.filter(line => line.includes('error'))
  const messages = errors.length > 0 ? errors : lines.length > 0 ? lines : ['its log is empty']
  return new WeftError({
    where: kernel === undefined ? 'nvrtc' : `kernel ${kernel}`,
    what: `does not compile for ${arch} with NVRTC ${version} (${result}): ${messages.slice(0, 3).join('; ')}`,
  })
}

/** Machine code of CUDA C, for machines without a GPU too; `openNvrtc` where many texts are compiled. */
export async function compileCubin(text: string, arch: string): Promise<Cubin> {
  return (await openNvrtc()).compile(text, arch)
}
