/**
 * The part of NVIDIA's driver that weft calls, as typed functions. Prototypes are those of cuda.h with versioned names
 * spelled out, which drivers since 11.4 have. Every call but the queries goes through `must`, which turns a result
 * into a WeftError with the driver's own name for it.
 */
import { WeftError } from '../../graph/error.js'
import { openLibrary } from '../library.js'
import type { Library, Pointer } from '../library.js'

export type Handle = Pointer
/** One-element arrays that a call fills. */
type Out<T> = (T | null)[]
type Size = number | bigint

export const notReady = 600
export const outOfMemory = 2
/** Values of cuda.h's enumerations. */
export const attribute = {
  maxThreadsPerBlock: 1, warpSize: 10, multiprocessors: 16, majorVersion: 75, minorVersion: 76, sharedBytesPerBlockOptIn: 97,
} as const
export const functionAttribute = { sharedBytes: 1, localBytes: 3, registers: 4, maxDynamicSharedBytes: 8 } as const
export const flags = { streamNonBlocking: 1, eventDisableTiming: 2, eventRecordExternal: 1, captureThreadLocal: 1 } as const

const open = () => openLibrary('the NVIDIA driver (libcuda.so.1)', ['libcuda.so.1', 'libcuda.so'])

function declare({ func }: Library) {
  return {
    init: func<(flags: number) => number>('int cuInit(unsigned int Flags)'),
    errorName: func<(error: number, text: Out<Pointer>) => number>('int cuGetErrorName(int error, _Out_ void **pStr)'),
    errorString: func<(error: number, text: Out<Pointer>) => number>('int cuGetErrorString(int error, _Out_ void **pStr)'),
    driverVersion: func<(version: Out<number>) => number>('int cuDriverGetVersion(_Out_ int *driverVersion)'),

    deviceCount: func<(count: Out<number>) => number>('int cuDeviceGetCount(_Out_ int *count)'),
    deviceGet: func<(device: Out<number>, ordinal: number) => number>('int cuDeviceGet(_Out_ int *device, int ordinal)'),
    deviceName: func<(name: Uint8Array, length: number, device: number) => number>('int cuDeviceGetName(void *name, int len, int dev)'),
    deviceAttribute: func<(value: Out<number>, attribute: number, device: number) => number>('int cuDeviceGetAttribute(_Out_ int *pi, int attrib, int dev)'),
    deviceBytes: func<(bytes: Out<Size>, device: number) => number>('int cuDeviceTotalMem_v2(_Out_ size_t *bytes, int dev)'),

    contextRetain: func<(context: Out<Handle>, device: number) => number>('int cuDevicePrimaryCtxRetain(_Out_ void **pctx, int dev)'),
    contextRelease: func<(device: number) => number>('int cuDevicePrimaryCtxRelease_v2(int dev)'),
    contextSet: func<(context: Handle) => number>('int cuCtxSetCurrent(void *ctx)'),

    memoryInfo: func<(free: Out<Size>, total: Out<Size>) => number>('int cuMemGetInfo_v2(_Out_ size_t *free, _Out_ size_t *total)'),
    memoryAlloc: func<(at: Out<Size>, bytes: number) => number>('int cuMemAlloc_v2(_Out_ uint64_t *dptr, size_t bytesize)'),
    memoryFree: func<(at: bigint) => number>('int cuMemFree_v2(uint64_t dptr)'),
    hostAlloc: func<(at: Out<Pointer>, bytes: number, flags: number) => number>('int cuMemHostAlloc(_Out_ void **pp, size_t bytesize, unsigned int Flags)'),
    hostFree: func<(at: Pointer) => number>('int cuMemFreeHost(void *p)'),
    copyToDevice: func<(to: bigint, from: Pointer, bytes: number, stream: Handle) => number>(
      'int cuMemcpyHtoDAsync_v2(uint64_t dstDevice, void *srcHost, size_t ByteCount, void *hStream)'),
    copyToHost: func<(to: Pointer, from: bigint, bytes: number, stream: Handle) => number>(
      'int cuMemcpyDtoHAsync_v2(void *dstHost, uint64_t srcDevice, size_t ByteCount, void *hStream)'),
    copyOnDevice: func<(to: bigint, from: bigint, bytes: number, stream: Handle) => number>(
      'int cuMemcpyDtoDAsync_v2(uint64_t dstDevice, uint64_t srcDevice, size_t ByteCount, void *hStream)'),
    fill: func<(at: bigint, value: number, bytes: number, stream: Handle) => number>(
      'int cuMemsetD8Async(uint64_t dstDevice, unsigned char uc, size_t N, void *hStream)'),

    streamCreate: func<(stream: Out<Handle>, flags: number) => number>('int cuStreamCreate(_Out_ void **phStream, unsigned int Flags)'),
    streamDestroy: func<(stream: Handle) => number>('int cuStreamDestroy_v2(void *hStream)'),
    streamSynchronize: func<(stream: Handle) => number>('int cuStreamSynchronize(void *hStream)'),
    eventCreate: func<(event: Out<Handle>, flags: number) => number>('int cuEventCreate(_Out_ void **phEvent, unsigned int Flags)'),
    eventDestroy: func<(event: Handle) => number>('int cuEventDestroy_v2(void *hEvent)'),
    eventRecord: func<(event: Handle, stream: Handle, flags: number) => number>('int cuEventRecordWithFlags(void *hEvent, void *hStream, unsigned int flags)'),
    eventQuery: func<(event: Handle) => number>('int cuEventQuery(void *hEvent)'),
    eventSynchronize: func<(event: Handle) => number>('int cuEventSynchronize(void *hEvent)'),
    eventElapsed: func<(milliseconds: Out<number>, start: Handle, end: Handle) => number>(
      'int cuEventElapsedTime(_Out_ float *pMilliseconds, void *hStart, void *hEnd)'),

    moduleLoad: func<(module: Out<Handle>, image: Uint8Array) => number>('int cuModuleLoadData(_Out_ void **module, void *image)'),
    moduleUnload: func<(module: Handle) => number>('int cuModuleUnload(void *hmod)'),
    moduleFunction: func<(f: Out<Handle>, module: Handle, name: string) => number>('int cuModuleGetFunction(_Out_ void **hfunc, void *hmod, const char *name)'),
    functionGet: func<(value: Out<number>, attribute: number, f: Handle) => number>('int cuFuncGetAttribute(_Out_ int *pi, int attrib, void *hfunc)'),
    functionSet: func<(f: Handle, attribute: number, value: number) => number>('int cuFuncSetAttribute(void *hfunc, int attrib, int value)'),
    launch: func<(f: Handle, gx: number, gy: number, gz: number, bx: number, by: number, bz: number, sharedBytes: number, stream: Handle, params: BigUint64Array, extra: null) => number>(
      'int cuLaunchKernel(void *f, unsigned int gridDimX, unsigned int gridDimY, unsigned int gridDimZ, unsigned int blockDimX, unsigned int blockDimY, unsigned int blockDimZ, '
      + 'unsigned int sharedMemBytes, void *hStream, void **kernelParams, void **extra)'),

    captureBegin: func<(stream: Handle, mode: number) => number>('int cuStreamBeginCapture_v2(void *hStream, int mode)'),
    captureEnd: func<(stream: Handle, graph: Out<Handle>) => number>('int cuStreamEndCapture(void *hStream, _Out_ void **phGraph)'),
    graphInstantiate: func<(executable: Out<Handle>, graph: Handle, flags: number) => number>(
      'int cuGraphInstantiateWithFlags(_Out_ void **phGraphExec, void *hGraph, unsigned long long flags)'),
    graphDestroy: func<(graph: Handle) => number>('int cuGraphDestroy(void *hGraph)'),
    graphLaunch: func<(executable: Handle, stream: Handle) => number>('int cuGraphLaunch(void *hGraphExec, void *hStream)'),
    graphExecDestroy: func<(executable: Handle) => number>('int cuGraphExecDestroy(void *hGraphExec)'),
  } as const
}

type LaunchEarly = (config: BigUint64Array, f: Handle, params: BigUint64Array, extra: null) => number
/** The version of CUDA from which on captured graphs keep such launches. */
const overlapInGraphs = 12040

export interface Driver extends ReturnType<typeof declare> {
  readonly library: Library
  /** `CUDA_ERROR_ILLEGAL_ADDRESS, an illegal memory access was encountered`. */
  readonly reason: (result: number) => string
  /** Throws a WeftError unless the call succeeded; `what` says what was tried. */
  readonly must: (result: number, what: string) => void
  /** A launch that its configuration lets begin before the one before it has ended in full; null where graphs cannot hold such. */
  readonly launchEarly: LaunchEarly | null
  /** The handle or number a call fills in. Throws as `must` does. */
  readonly take: <T>(call: (out: Out<T>) => number, what: string) => T
}

/** Loads and starts the driver. Throws a WeftError that says why it cannot. */
export async function openDriver(): Promise<Driver> {
  const library = await open()
  const calls = declare(library)
  const reason = (result: number): string => {
    const text = (get: typeof calls.errorName): string | null => {
      const out: Out<Pointer> = [null]
      return get(result, out) === 0 && out[0] ? library.string(out[0]) : null
    }
    return [text(calls.errorName) ?? `error ${result}`, text(calls.errorString)].filter(t => t !== null).join(', ')
  }
  const must = (result: number, what: string): void => {
    if (result !== 0) throw new WeftError({ where: 'cuda', what: `${what}: ${reason(result)}` })
  }
  const take = <T>(call: (out: Out<T>) => number, what: string): T => {
    const out: Out<T> = [null]
    must(call(out), what)
    return out[0]!
  }
  must(calls.init(0), 'the driver does not start')
  const version = take<number>(out => calls.driverVersion(out), 'version of the driver')
  const launchEarly = version < overlapInGraphs ? null : library.func<LaunchEarly>('int cuLaunchKernelEx(const void *config, void *f, void **kernelParams, void **extra)')
  return Object.freeze({ ...calls, library, reason, must, take, launchEarly })
}
