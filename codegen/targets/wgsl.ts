/**
 * The `wgsl` target: each kernel is a module of its own that holds only the device functions and `enable`s it uses,
 * so that its pipeline needs no more of the device than it must. Bindings follow the params: weights and state that
 * is only read are bound read-only, everything else read_write even where a kernel only reads it, because the arena's
 * buffers also hold what the same launch writes, and one buffer may not be bound both ways in a dispatch.
 *
 * A tile is a workgroup. A dispatch has at most 65535 groups a dimension, so tiles are numbered over x and y; `tiles`
 * is set when a pipeline is made for a number of tiles that no two dimensions multiply to.
 */
import { check, WeftError } from '../../graph/error.js'
import { negativeZero, wgslFunctions, type WgslFunction } from '../../shaders/wgsl.js'
import type { Caps } from '../caps.js'
import { sharedBytes, sharedOverlaps, type Builtin, type Element, type Expr, type Kernel, type Param, type Stmt } from '../kernel.js'
import type { KernelText, Target } from '../target.js'
import { wgslName } from './wgsl-names.js'
import { wgslConstant, wgslElement, wgslIntrinsics, wgslType } from './wgsl-text.js'

/** Builtins that are parameters of the entry point; a cluster is always of one group. */
type BuiltinParam = Exclude<Builtin, 'tile' | 'clusterRank'>
const builtinParams: Readonly<Record<BuiltinParam, string>> = {
  local: '@builtin(local_invocation_index) local: u32',
  lane: '@builtin(subgroup_invocation_id) lane: u32',
  subgroup: '@builtin(subgroup_id) subgroup: u32',
}
const moduleNames: readonly string[] = ['tile', 'tiles', 'group', 'groups', 'local', 'lane', 'subgroup', negativeZero.name, ...Object.values(wgslFunctions).map(f => f.name)]

/** Whether a param is bound read-only; the bind group layouts of the backend must say the same. */
export const boundReadOnly = (p: Param): boolean => p.access === 'read' && (p.role === 'weight' || p.role === 'state')

class Renderer {
  private readonly lines: string[] = []
  private depth = 1
  private readonly where: string
  private readonly functions = new Map<string, string>()
  private readonly builtins = new Set<BuiltinParam>()
  private readonly enables = new Set<string>()
  private readonly elements = new Map<string, Element>()
  /** Names of the module that a local name must not hide. */
  private readonly outer: ReadonlySet<string>

  constructor(private readonly kernel: Kernel, private readonly caps: Caps) {
    this.where = `kernel ${kernel.name}`
    for (const a of [...kernel.params, ...kernel.shared]) this.elements.set(a.name, a.element)
    const bits = kernel.params.flatMap(p => [8, 16].map(n => `${p.name}_bits${n}`))
    this.outer = new Set([...moduleNames, ...bits, ...[...this.elements.keys()].map(n => this.outerName(n)), kernel.name])
  }

  render(): KernelText {
    const { kernel, caps } = this
    const { threads } = kernel
    const shared = sharedBytes(kernel)
    check(threads <= caps.maxThreads, this.where, 'threads of a group', `at most ${caps.maxThreads} on ${caps.chip}`, String(threads))
    check(shared <= caps.sharedBytes, this.where, 'bytes of shared memory', `at most ${caps.sharedBytes} on ${caps.chip}`, String(shared))
    check(kernel.params.length <= caps.maxBuffers, this.where, 'storage buffers', `at most ${caps.maxBuffers} on ${caps.chip}`, String(kernel.params.length))
    check((kernel.cluster ?? 1) === 1, this.where, 'groups of a cluster', '1: WGSL has no clusters', String(kernel.cluster))
    check(!sharedOverlaps(kernel), this.where, 'shared arrays lie over each other', 'arrays apart: WGSL has no untyped shared memory')
    const size = this.subgroupSize()
    this.block(kernel.body)
    const variables = [
      ...kernel.params.map((p, i) => `@group(0) @binding(${i}) var<storage, ${boundReadOnly(p) ? 'read' : 'read_write'}> ${this.outerName(p.name)}: array<${this.element(p.element)}>;`),
      ...kernel.shared.map(s => `var<workgroup> ${this.outerName(s.name)}: array<${this.element(s.element)}, ${s.length}>;`),
    ]
    const knobs = Object.entries(kernel.knobs).map(([k, v]) => `${k} ${v}`).join(', ')
    const inputs = ['@builtin(workgroup_id) group: vec3<u32>', '@builtin(num_workgroups) groups: vec3<u32>', ...[...this.builtins].sort().map(b => builtinParams[b])]
    const text = [
      ...[...this.enables].sort().map(e => `enable ${e};`),
      `// ${kernel.schedule}${knobs ? `: ${knobs}` : ''}`,
      ...variables,
      'override tiles: u32 = 4294967295u;',
      '',
      ...[...this.functions.values()].flatMap(f => [f, '']),
      `@compute @workgroup_size(${threads})${size === null ? '' : ` @subgroup_size(${size})`}`,
      `fn ${wgslName(kernel.name, this.where, new Set(moduleNames))}(`,
      ...inputs.map(i => `  ${i},`),
      ') {',
      '  let tile = group.x + group.y * groups.x;',
      '  if (tile >= tiles) { return; }',
      ...this.lines,
      '}',
      '',
    ].join('\n')
    return { name: kernel.name, text, params: kernel.params, threads, sharedBytes: shared, dynamicBytes: 0, cluster: 1, tiles: kernel.tiles }
  }

  /** The size to ask for: null where the body relies on none or the chip has only that one. */
  private subgroupSize(): number | null {
    const size = this.kernel.subgroupSize
    if (size === null) return null
    const range = this.caps.subgroup
    check(range !== null && size >= range.min && size <= range.max, this.where, `subgroup size on ${this.caps.chip}`, range ? `${range.min} to ${range.max}` : 'a kernel without subgroup operations', String(size))
    this.enable('subgroups')
    if (range.min === range.max) return null
    this.enable('subgroup_size_control')
    return size
  }

  private enable(feature: string): void {
    this.enables.add(feature)
  }
  private subgroups(what: string): void {
    if (this.caps.subgroup === null) throw new WeftError({ where: this.where, what: `${what}: ${this.caps.chip} has no subgroup operations` })
    this.enable('subgroups')
  }
  private matrix(): void {
    if (!this.caps.matrix) throw new WeftError({ where: this.where, what: `matrix tiles: ${this.caps.chip} offers none of 16×16×16 with f16 operands and f32 sums` })
    this.enable('f16')
    this.subgroups('matrix tiles')
    this.enable('chromium_experimental_subgroup_matrix')
  }
  private element(e: Element): string {
    if (e === 'f16' || e === 'f16x4') {
      if (!this.caps.f16) throw new WeftError({ where: this.where, what: `buffers of ${e}: ${this.caps.chip} does not store f16` })
      this.enable('f16')
    }
    return wgslElement[e]
  }
  private outerName(name: string): string {
    return wgslName(name, this.where, new Set([...moduleNames, 'f16']))
  }
  private name(name: string): string {
    return wgslName(name, this.where, this.outer)
  }

  /** Text of an expression that any operator may stand beside. */
  private atom(e: Expr): string {
    const text = this.text(e)
    const bare = e.kind === 'binary' || e.kind === 'unary' || (e.kind === 'const' && text.startsWith('-'))
    return bare ? `(${text})` : text
  }

  private text(e: Expr): string {
    switch (e.kind) {
      case 'const':
        if (e.type === 'f32' && Object.is(Math.fround(e.value), -0)) this.functions.set(negativeZero.name, negativeZero.plain)
        return wgslConstant(e.type, e.value, this.where)
      case 'ref': return this.name(e.name)
      case 'builtin': return this.builtin(e.name)
      case 'unary': return `${e.op}${this.atom(e.a)}`
      case 'binary': return this.binary(e)
      case 'select': return `select(${this.text(e.no)}, ${this.text(e.yes)}, ${this.text(e.condition)})`
      case 'convert': return `${wgslType(e.type, this.where)}(${this.text(e.a)})`
      case 'bitcast': return `bitcast<${wgslType(e.type, this.where)}>(${this.text(e.a)})`
      case 'splat': return `${wgslType(e.type, this.where)}(${this.text(e.a)})`
      case 'vector': return `${wgslType(e.type, this.where)}(${e.parts.map(p => this.text(p)).join(', ')})`
      case 'component': return `${this.atom(e.a)}.${'xyzw'[e.index]}`
      case 'load': return this.load(e.param, e.index)
      case 'shared': return this.load(e.array, e.index)
      case 'loadBits': return this.loadBits(e)
      case 'call': return this.call(e)
      case 'matrixLoad':
        this.matrix()
        return `subgroupMatrixLoad<${wgslType(e.type, this.where)}, ${e.columnMajor ? 'col_major' : 'row_major'}>(&${this.outerName(e.array)}, ${this.text(e.index)}, ${e.stride}u)`
      case 'table': throw new WeftError({ where: this.where, what: 'WGSL has no 16-byte tables' })
      default: return e satisfies never
    }
  }

  private builtin(name: Builtin): string {
    if (name === 'tile') return 'tile'
    if (name === 'clusterRank') return '0u'
    if (name !== 'local') this.subgroups(name)
    this.builtins.add(name)
    return name
  }

  private binary(e: Expr & { readonly kind: 'binary' }): string {
    const left = this.atom(e.a)
    const right = this.atom(e.b)
    if (e.op !== '<<' && e.op !== '>>') return `${left} ${e.op} ${right}`
    const count = e.b.type === 'u32' ? right : `u32(${this.text(e.b)})`
    return `${left} ${e.op} ${e.a.type.endsWith('x4') ? `vec4<u32>(${this.text(e.b)})` : count}`
  }

  private load(name: string, index: Expr): string {
    const word = `${this.outerName(name)}[${this.text(index)}]`
    const element = this.elements.get(name)
    return element === 'f16' ? `f32(${word})` : element === 'f16x4' ? `vec4<f32>(${word})` : word
  }

  /** A function for each param and width, so that the index is written and computed once. */
  private loadBits(e: Expr & { readonly kind: 'loadBits' }): string {
    check(this.elements.get(e.param) === 'u32', this.where, `bits of ${e.param}`, 'a param of u32', this.elements.get(e.param) ?? 'none of that name')
    const name = `${e.param}_bits${e.bits}`
    const [perWord, shift, mask] = e.bits === 8 ? [2, 3, '0xffu'] : [1, 4, '0xffffu']
    this.functions.set(name, `fn ${name}(index: u32) -> u32 {\n  return (${this.outerName(e.param)}[index >> ${perWord}u] >> ((index & ${32 / e.bits - 1}u) << ${shift}u)) & ${mask};\n}`)
    return `${name}(${this.text(e.index)})`
  }

  private call(e: Expr & { readonly kind: 'call' }): string {
    const spell = wgslIntrinsics[e.intrinsic]
    if (typeof spell !== 'function') throw new WeftError({ where: this.where, what: `${e.intrinsic} has no spelling: ${spell.unsupported}` })
    if (e.intrinsic.startsWith('subgroup')) this.subgroups(e.intrinsic)
    if (e.intrinsic.startsWith('matrix')) this.matrix()
    const functions: Readonly<Partial<Record<string, WgslFunction>>> = wgslFunctions
    const used = functions[e.intrinsic]
    if (used) {
      const short = this.caps.f16 ? used.f16 : undefined
      if (short !== undefined) this.enable('f16')
      this.functions.set(used.name, short ?? used.plain)
    }
    return spell(e.args.map(a => this.text(a)), e.type)
  }

  private store(name: string, index: Expr, value: Expr): void {
    const element = this.elements.get(name)
    const text = this.text(value)
    const word = element === 'f16' ? `f16(${text})` : element === 'f16x4' ? `vec4<f16>(${text})` : text
    this.line(`${this.outerName(name)}[${this.text(index)}] = ${word};`)
  }

  /** Names with a line below at the end are of no kernel. */
  private copyHalves(s: Stmt & { readonly kind: 'copy' }): void {
    this.line(`{ let to_ = ${this.text(s.index)}; let words_ = ${this.outerName(s.param)}[${this.text(s.from)}];`)
    for (let i = 0; i < 8; i++) this.line(`  ${this.outerName(s.array)}[to_ + ${i}u] = bitcast<vec2<f16>>(words_.${'xyzw'[i >> 1]}).${'xy'[i & 1]};`)
    this.line('}')
  }

  private block(body: readonly Stmt[]): void {
    for (const s of body) this.statement(s)
  }
  private nest(opening: string, body: readonly Stmt[]): void {
    this.line(opening)
    this.depth += 1
    this.block(body)
    this.depth -= 1
  }
  private line(text: string): void {
    this.lines.push(`${'  '.repeat(this.depth)}${text}`)
  }

  private statement(s: Stmt): void {
    switch (s.kind) {
      case 'let': return this.line(`let ${this.name(s.name)} = ${this.text(s.value)};`)
      case 'var': return this.line(`var ${this.name(s.name)}: ${wgslType(s.type, this.where)} = ${this.text(s.value)};`)
      case 'assign': return this.line(`${this.name(s.name)} = ${this.text(s.value)};`)
      case 'store': return this.store(s.param, s.index, s.value)
      case 'sharedStore': return this.store(s.array, s.index, s.value)
      case 'for': {
        const i = this.name(s.name)
        this.nest(`for (var ${i} = ${this.text(s.from)}; ${i} < ${this.atom(s.to)}; ${i} += ${this.text(s.step)}) {`, s.body)
        return this.line('}')
      }
      case 'if':
        this.nest(`if (${this.text(s.condition)}) {`, s.then)
        if (s.otherwise.length > 0) this.nest('} else {', s.otherwise)
        return this.line('}')
      case 'barrier':
        // Memory of the other kind would be ordered for nothing.
        if (this.kernel.params.some(p => p.access === 'readwrite')) this.line('storageBarrier();')
        return this.line('workgroupBarrier();')
      case 'copy': return this.elements.get(s.array) === 'f16' ? this.copyHalves(s) : this.line(`${this.outerName(s.array)}[${this.text(s.index)}] = ${this.outerName(s.param)}[${this.text(s.from)}];`)
      case 'copyCommit':
      case 'copyWait': return
      case 'tensorCopy':
      case 'tensorCommit':
      case 'tensorWait': throw new WeftError({ where: this.where, what: 'bulk copies: WGSL has no tensor maps' })
      case 'matrixMultiply': {
        this.matrix()
        const acc = this.name(s.name)
        return this.line(`${acc} = subgroupMatrixMultiplyAccumulate(${this.text(s.a)}, ${this.text(s.b)}, ${acc});`)
      }
      case 'matrixStore':
        this.matrix()
        return this.line(`subgroupMatrixStore<row_major>(&${this.outerName(s.array)}, ${this.text(s.index)}, ${this.text(s.value)}, ${s.stride}u);`)
      case 'comment': return this.line(`// ${s.text.replace(/[\n\v\f\r\u0085\u2028\u2029]+/g, ' ')}`)
      default: return s satisfies never
    }
  }
}

export const wgsl: Target = {
  name: 'wgsl',
  extension: 'wgsl',
  intrinsic: wgslIntrinsics,
  render(kernels, caps) {
    return { target: 'wgsl', prelude: '', kernels: kernels.map(k => new Renderer(k, caps).render()), caps }
  },
}
