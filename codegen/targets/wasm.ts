/**
 * The `wasm` target: AssemblyScript, compiled by `asc` into one module for all kernels of a source. A kernel is a function
 * of a tile, of a record with the addresses of its params, and of scratch memory for its shared arrays. A group is one
 * thread, so builtins of threads are 0 and a barrier is nothing. AssemblyScript neither unrolls loops nor folds address
 * arithmetic into immediates: both are done here.
 */
import { WeftError } from '../../graph/error.js'
import { deviceFunctions } from '../../shaders/wasm.js'
import { intrinsics } from '../intrinsics.js'
import { elementBytes, sharedBytes, sharedPlaces, type Element, type Expr, type Kernel, type Stmt, type ValueType } from '../kernel.js'
import type { KernelText, Target } from '../target.js'
import { address, linearize, type Linear, type LinearScope } from './wasm-address.js'
import { functionName, safeName } from './wasm-names.js'
import { binaryText, bitcastText, componentText, constantText, convertText, intrinsicSpellings, lanesText, splatText, typeName, unaryText, vectorText } from './wasm-ops.js'

/** Loops of at most this many statements, all turns together, are unrolled in full where their hint asks for it. */
const unrollLimit = 4096

/** What stands for a loop counter in a copy of the loop's body. */
interface Substitute {
  readonly text: string
  readonly linear: Linear
}

class Renderer implements LinearScope {
  private readonly lines: string[] = []
  private depth = 1
  private readonly starts = new Map<string, { readonly base: string; readonly start: number; readonly element: Element }>()
  private readonly counters = new Map<string, Substitute>()
  /** Linear forms of names bound by `let` to pure expressions. */
  private readonly bound = new Map<string, Linear>()
  private readonly variables = new Set<string>()

  constructor(private readonly kernel: Kernel) {
    const { places } = sharedPlaces(kernel)
    kernel.shared.forEach((array, i) => this.starts.set(array.name, { base: 'scratch', start: places[i]!, element: array.element }))
    for (const p of kernel.params) this.starts.set(p.name, { base: safeName(p.name), start: 0, element: p.element })
  }

  render(): string {
    const { kernel } = this
    const knobs = Object.entries(kernel.knobs).map(([k, v]) => `${k} ${v}`).join(', ')
    kernel.params.forEach((p, i) => this.line(`const ${safeName(p.name)}: usize = load<u32>(args, ${4 * i})`))
    this.block(kernel.body)
    return [
      `// ${kernel.schedule}${knobs ? `: ${knobs}` : ''}`,
      `export function ${functionName(kernel.name)}(tile: u32, args: usize, scratch: usize): void {`,
      ...this.lines,
      '}',
      '',
    ].join('\n')
  }

  linearOf(name: string): Linear | undefined {
    return this.counters.get(name)?.linear ?? this.bound.get(name)
  }

  text(e: Expr): string {
    switch (e.kind) {
      case 'const': return constantText(e.type, e.value)
      case 'table': return `i8x16(${e.values.join(', ')})`
      case 'ref': return this.counters.get(e.name)?.text ?? safeName(e.name)
      case 'builtin': return e.name === 'tile' ? 'tile' : '<u32>0'
      case 'unary': return unaryText(e.op, e.a.type, this.text(e.a)) ?? this.refuse(`${e.op} of ${e.a.type}`)
      case 'binary': return binaryText(e.op, e.a.type, this.text(e.a), this.text(e.b)) ?? this.refuse(`${e.op} of ${e.a.type}`)
      case 'select': return `(${this.text(e.condition)} ? ${this.text(e.yes)} : ${this.text(e.no)})`
      case 'convert': return convertText(e.a.type, e.type, this.text(e.a)) ?? this.refuse(`conversion from ${e.a.type} to ${e.type}`)
      case 'bitcast': return bitcastText(e.a.type, e.type, this.text(e.a)) ?? this.refuse(`bitcast from ${e.a.type} to ${e.type}`)
      case 'splat': return this.lanes(e.type, [e.a, e.a, e.a, e.a]) ?? splatText(e.type, this.text(e.a))
      case 'vector': return this.lanes(e.type, e.parts) ?? vectorText(e.type, e.parts.map(p => this.text(p)), e.parts.every(p => p.kind === 'const'))
      case 'component': return componentText(e.a.type, this.text(e.a), e.index)
      case 'load': return this.load(e.param, e.index)
      case 'shared': return this.load(e.array, e.index)
      case 'loadBits': {
        const { at, offset } = this.address(e.param, e.index, e.bits / 8)
        return `<u32>load<u${e.bits}>(${at}, ${offset})`
      }
      case 'call': {
        const spell = intrinsicSpellings[e.intrinsic]
        if (typeof spell !== 'function') return this.refuse(`${e.intrinsic}: ${spell.unsupported}`)
        const type = intrinsics[e.intrinsic].type
        return spell(e.args.map(a => this.text(a)), type === 'same' ? e.args[0]!.type : type)
      }
      case 'matrixLoad': return this.refuse('matrix tiles: WebAssembly has no matrix unit')
      default: return e satisfies never
    }
  }

  /** A vector of lanes of one or two others of its type, which one shuffle makes; null where it is no such. */
  private lanes(type: ValueType, parts: readonly Expr[]): string | null {
    const from: { readonly vector: string; readonly lane: number }[] = []
    for (const p of parts) {
      if (p.kind !== 'component' || p.a.kind !== 'ref' || p.a.type !== type || !type.endsWith('x4')) return null
      from.push({ vector: this.text(p.a), lane: p.index })
    }
    const [first, second = first, ...more] = new Set(from.map(f => f.vector))
    if (first === undefined || second === undefined || more.length > 0) return null
    return lanesText(first, second, from.map(f => f.lane + (f.vector === first ? 0 : 4)))
  }

  private address(name: string, index: Expr, bytes: number): { readonly at: string; readonly offset: number } {
    const { base, start } = this.starts.get(name) ?? this.refuse(`${name}, which it does not declare`)
    return address(base, start, linearize(index, this), bytes)
  }

  private load(name: string, index: Expr): string {
    const element = this.starts.get(name)?.element ?? this.refuse(`${name}, which it does not declare`)
    const { at, offset } = this.address(name, index, elementBytes[element])
    switch (element) {
      case 'f32': case 'i32': case 'u32': return `load<${element}>(${at}, ${offset})`
      case 'f16': return `w_f16(load<u16>(${at}, ${offset}))`
      case 'f32x4': case 'u32x4': return `v128.load(${at}, ${offset})`
      case 'f16x4': return `w_f16x4(v128.load16x4_u(${at}, ${offset}))`
      default: return element satisfies never
    }
  }

  private store(name: string, index: Expr, value: string): void {
    const element = this.starts.get(name)?.element ?? this.refuse(`${name}, which it does not declare`)
    const { at, offset } = this.address(name, index, elementBytes[element])
    switch (element) {
      case 'f32': case 'i32': case 'u32': return this.line(`store<${element}>(${at}, ${value}, ${offset})`)
      case 'f16': return this.line(`store<u16>(${at}, <u16>w_toF16(${value}), ${offset})`)
      case 'f32x4': case 'u32x4': return this.line(`v128.store(${at}, ${value}, ${offset})`)
      case 'f16x4': return this.line(`w_storeF16x4(${at} + ${offset}, ${value})`)
      default: return element satisfies never
    }
  }

  /** The bits of one element, as they are. */
  private copyElement(s: Stmt & { kind: 'copy' }): void {
    const element = this.starts.get(s.array)?.element ?? this.refuse(`${s.array}, which it does not declare`)
    const bytes = elementBytes[this.starts.get(s.param)?.element ?? element]
    const [to, from] = [this.address(s.array, s.index, elementBytes[element]), this.address(s.param, s.from, bytes)]
    if (bytes === 16) return this.line(`v128.store(${to.at}, v128.load(${from.at}, ${from.offset}), ${to.offset})`)
    const type = bytes === 8 ? 'u64' : 'u32'
    return this.line(`store<${type}>(${to.at}, load<${type}>(${from.at}, ${from.offset}), ${to.offset})`)
  }

  private block(body: readonly Stmt[]): void {
    for (const s of body) this.statement(s)
  }

  private statement(s: Stmt): void {
    switch (s.kind) {
      case 'let': {
        const type = typeName(s.value.type) ?? this.refuse(`values of ${s.value.type}`)
        this.line(`const ${safeName(s.name)}: ${type} = ${this.text(s.value)}`)
        const linear = s.value.type === 'u32' && this.pure(s.value) ? linearize(s.value, this) : undefined
        if (linear && linear.constant !== 0) this.bound.set(s.name, linear)
        else this.bound.delete(s.name)
        return
      }
      case 'var':
        this.variables.add(s.name)
        return this.line(`let ${safeName(s.name)}: ${typeName(s.type) ?? this.refuse(`values of ${s.type}`)} = ${this.text(s.value)}`)
      case 'assign': return this.line(`${safeName(s.name)} = ${this.text(s.value)}`)
      case 'store': return this.store(s.param, s.index, this.text(s.value))
      case 'sharedStore': return this.store(s.array, s.index, this.text(s.value))
      case 'for': return this.loop(s)
      case 'if':
        this.nest(`if (${this.text(s.condition)}) {`, s.then)
        if (s.otherwise.length > 0) this.nest('} else {', s.otherwise)
        return this.line('}')
      case 'barrier': return
      case 'copy': return this.copyElement(s)
      case 'copyCommit':
      case 'copyWait': return
      case 'tensorCopy':
      case 'tensorCommit':
      case 'tensorWait': return this.refuse('bulk copies: WebAssembly has no tensor maps')
      case 'matrixMultiply':
      case 'matrixStore': return this.refuse('matrix tiles: WebAssembly has no matrix unit')
      case 'comment': return this.line(`// ${s.text.replace(/[\r\n\u2028\u2029]+/g, ' ')}`)
      default: return s satisfies never
    }
  }

  private loop(s: Stmt & { kind: 'for' }): void {
    const name = safeName(s.name)
    const [from, to, step] = [this.text(s.from), this.text(s.to), this.text(s.step)]
    if (s.from.kind === 'const' && s.to.kind === 'const' && s.step.kind === 'const') {
      const turns = Math.ceil((s.to.value - s.from.value) / s.step.value)
      if (turns <= s.unroll && turns * s.body.length <= unrollLimit) {
        for (let i = s.from.value; i < s.to.value; i += s.step.value) this.copy(s, { text: `<u32>${i}`, linear: { constant: i, terms: new Map() } })
        return
      }
    }
    // The end is a name of its own: the kernel form reads a loop's bounds once.
    let end = to
    if (s.to.kind !== 'const') {
      end = `${s.name}_end_`
      this.line('{')
      this.line(`const ${end}: u32 = ${to}`)
    }
    if (s.unroll > 1 && s.step.kind === 'const') {
      const copies = Array.from({ length: s.unroll }, (_, j) => j * (s.step as { value: number }).value)
      this.line(`let ${name}: u32 = ${from}`)
      this.line(`for (; ${name} + <u32>${copies.at(-1)} < ${end}; ${name} += <u32>${s.unroll * s.step.value}) {`)
      this.depth++
      for (const add of copies) this.copy(s, add === 0 ? undefined : { text: `(${name} + <u32>${add})`, linear: { constant: add, terms: new Map([[name, 1]]) } })
      this.depth--
      this.line('}')
      this.nest(`for (; ${name} < ${end}; ${name} += ${step}) {`, s.body)
    } else this.nest(`for (let ${name}: u32 = ${from}; ${name} < ${end}; ${name} += ${step}) {`, s.body)
    this.line('}')
    if (s.to.kind !== 'const') this.line('}')
  }

  /** The body of a loop once, with something else for its counter. */
  private copy(s: Stmt & { kind: 'for' }, counter: Substitute | undefined): void {
    if (counter) this.counters.set(s.name, counter)
    this.nest('{', s.body)
    this.line('}')
    this.counters.delete(s.name)
  }

  private nest(head: string, body: readonly Stmt[]): void {
    this.line(head)
    this.depth++
    this.block(body)
    this.depth--
  }

  private line(text: string): void {
    this.lines.push('  '.repeat(this.depth) + text)
  }

  /** Whether an expression has the same value wherever its names can be seen. */
  private pure(e: Expr): boolean {
    switch (e.kind) {
      case 'const': case 'builtin': return true
      case 'ref': return !this.variables.has(e.name)
      case 'binary': return this.pure(e.a) && this.pure(e.b)
      default: return false
    }
  }

  private refuse(what: string): never {
    throw new WeftError({ where: `kernel ${this.kernel.name}`, what: `the wasm target has no ${what}` })
  }
}

function renderKernel(kernel: Kernel, sharedLimit: number): KernelText {
  const where = `kernel ${kernel.name}`
  if (kernel.threads !== 1) {
    throw new WeftError({ where, what: `the schedule ${kernel.schedule} is made for groups of threads`, expected: '1 thread on the wasm target', got: String(kernel.threads) })
  }
  const shared = sharedBytes(kernel)
  if (shared > sharedLimit) throw new WeftError({ where, what: 'shared arrays are too large', expected: `at most ${sharedLimit} bytes`, got: String(shared) })
  return {
    name: kernel.name, text: new Renderer(kernel).render(), params: kernel.params, threads: 1, sharedBytes: shared, dynamicBytes: 0, cluster: 1, tiles: kernel.tiles,
  }
}

/** `caps.arch` is `relaxed-simd` where the engine has relaxed SIMD. */
export const wasm: Target = {
  name: 'wasm',
  extension: 'wasm.ts',
  intrinsic: intrinsicSpellings,
  render: (kernels, caps) => ({
    target: 'wasm',
    prelude: deviceFunctions(caps.arch === 'relaxed-simd'),
    kernels: kernels.map(k => renderKernel(k, caps.sharedBytes)),
    caps,
  }),
}
