/** The part of the WebAssembly API that the backend uses; Node's type declarations leave it to the browser's. */
export interface WasmModule {
  readonly __module: never
}
export interface WasmMemory {
  readonly buffer: SharedArrayBuffer
  grow(pages: number): number
}
interface Api {
  readonly Memory: new (options: { readonly initial: number; readonly maximum: number; readonly shared: true }) => WasmMemory
  readonly Instance: new (module: WasmModule, imports: Readonly<Record<string, unknown>>) => { readonly exports: Readonly<Record<string, unknown>> }
  compile(bytes: Uint8Array): Promise<WasmModule>
  validate(bytes: Uint8Array): boolean
}

export const { WebAssembly: api } = globalThis as unknown as { readonly WebAssembly: Api }
