/**
 * Checks a kernel before any target or the interpreter sees it: names are defined before use and never shadowed, every
 * type follows from its operands, params and shared arrays exist and are used as declared, and threads meet at every
 * barrier and subgroup operation (`verify-uniformity.ts`). The statements are walked once, depth first, with the scopes
 * of a block-structured language. An error names the kernel, the statement and the values.
 */
import { check, WeftError } from '../graph/error.js'
import { elementBytes, loadedType, statements } from './kernel.js'
import type { Expr, Kernel, Param, Stmt, TensorMap, ValueType } from './kernel.js'
import { nameStatement, printExpr } from './print.js'
import { checkExpr, checkIndex, checkMatrixStride } from './verify-expression.js'
import type { ExprContext } from './verify-expression.js'
import { verifyUniformity } from './verify-uniformity.js'

interface Name {
  readonly type: ValueType
  /** Where it was declared: only a `var` may be assigned. */
  readonly kind: 'let' | 'var' | 'loop'
  /** Loop counters: assigning a variable that a surrounding loop's bounds read would change its trip count. */
  frozen: boolean
}

/** Identifiers on every target: no leading underscore, no double one. */
const identifier = /^[A-Za-z](?:_?[A-Za-z0-9])*$/

function verifyHeader(kernel: Kernel): ReadonlySet<string> {
  const where = `kernel ${kernel.name}`
  const names = new Set<string>()
  const declare = (name: string, what: string): void => {
    check(identifier.test(name), where, `name of a ${what}`, 'letters, digits and single underscores, a letter first', JSON.stringify(name))
    check(!names.has(name), where, `two things are named ${name}`, 'one')
    names.add(name)
  }
  check(identifier.test(kernel.name), where, 'name of a kernel', 'letters, digits and single underscores, a letter first', JSON.stringify(kernel.name))
  check(Number.isInteger(kernel.threads) && kernel.threads >= 1 && kernel.threads <= 1024, where, 'threads', '1 to 1024', String(kernel.threads))
  const size = kernel.subgroupSize
  if (size !== null) {
    check(Number.isInteger(size) && size >= 1 && (size & (size - 1)) === 0, where, 'subgroup size', 'a power of two', String(size))
    check(kernel.threads % size === 0, where, 'threads', `a multiple of the subgroup size ${size}`, String(kernel.threads))
  }
  for (const param of kernel.params) {
    declare(param.name, 'param')
    check(param.element in elementBytes, where, `element of param ${param.name}`, Object.keys(elementBytes).join(', '), param.element)
    if (param.role === 'weight') {
      check(param.access === 'read', where, `param ${param.name} is a weight`, 'access read', param.access)
    }
    if (param.tensor) verifyTensor(param, param.tensor, where)
  }
  for (const array of kernel.shared) {
    declare(array.name, 'shared array')
    check(array.element in elementBytes, where, `element of shared array ${array.name}`, Object.keys(elementBytes).join(', '), array.element)
    check(Number.isInteger(array.length) && array.length > 0, where, `length of shared array ${array.name}`, 'a positive integer', String(array.length))
    const { at = 0 } = array
    check(Number.isInteger(at) && at >= 0 && at % 128 === 0, where, `place of shared array ${array.name}`, 'a multiple of 128 bytes', String(at))
  }
  const { cluster = 1, arrivals = 0 } = kernel
  check(Number.isInteger(cluster) && cluster >= 1 && cluster <= 16, where, 'groups of a cluster', '1 to 16', String(cluster))
  check(Number.isInteger(arrivals) && arrivals >= 0 && arrivals <= 64, where, 'arrivals', '0 to 64', String(arrivals))
  for (const factor of kernel.tiles) {
    const whole = [factor.per, factor.times].every(n => Number.isInteger(n) && n >= 1)
    check(whole, where, `tiles along ${factor.dim ?? 'a constant'}`, 'positive integers', `per ${factor.per}, times ${factor.times}`)
  }
  for (const [name, amount] of Object.entries(kernel.cost)) {
    const finite = [amount.base, ...Object.values(amount.per)].every(n => Number.isFinite(n) && n >= 0)
    check(finite, where, `cost in ${name}`, 'amounts of at least 0', JSON.stringify(amount))
  }
  return names
}

/** The limits of Hopper's bulk tensor copies, the only ones there are so far (CUDA driver API, `cuTensorMapEncodeTiled`). */
function verifyTensor({ name, element, access }: Param, t: TensorMap, where: string): void {
  const bytes = elementBytes[element]
  check(access === 'read', where, `param ${name} is copied in boxes`, 'access read', access)
  const whole = Object.values(t).every(n => Number.isInteger(n) && n >= 1)
  check(whole, where, `sizes of the tensor map ${name}`, 'positive integers', JSON.stringify(t))
  check((t.cols * bytes) % 16 === 0 && (t.boxCols * bytes) % 16 === 0, where, `rows of the tensor map ${name}`, 'multiples of 16 bytes', `${t.cols * bytes} bytes, ${t.boxCols * bytes} in a box`)
  const scalars = t.boxCols * (element.endsWith('x4') ? 4 : 1)
  check(scalars <= 256 && t.boxRows <= 256, where, `box of the tensor map ${name}`, 'at most 256 scalars a side', `${t.boxRows} by ${scalars}`)
}

/** Checks names, types and uses, but not uniformity: what the interpreter relies on. Throws a WeftError. */
export function verifyTypes(kernel: Kernel): void {
  const taken = verifyHeader(kernel)
  const scope = new Map<string, Name>()
  let number = 0
  let current: { readonly stmt: Stmt; readonly number: number } | null = null

  const cx: ExprContext = {
    params: new Map(kernel.params.map(p => [p.name, p])),
    shared: new Map(kernel.shared.map(s => [s.name, s])),
    lookup: name => scope.get(name)?.type,
    fail(what, expected, got): never {
      const at = current === null ? '' : `${nameStatement(current.number, current.stmt)}: `
      throw new WeftError({
        where: `kernel ${kernel.name}`, what: at + what,
        ...(expected === undefined ? {} : { expected }), ...(got === undefined ? {} : { got }),
      })
    },
  }
  const declare = (name: string, type: ValueType, kind: Name['kind']): void => {
    if (!identifier.test(name)) cx.fail('name', 'letters, digits and single underscores, a letter first', JSON.stringify(name))
    if (taken.has(name) || scope.has(name)) cx.fail(`${name} is already defined`)
    scope.set(name, { type, kind, frozen: false })
  }
  const agree = (what: string, want: ValueType, got: ValueType): void => {
    if (want !== got) cx.fail(what, want, got)
  }
  const block = (body: readonly Stmt[]): void => {
    const outer = new Set(scope.keys())
    for (const s of body) statement(s)
    for (const name of [...scope.keys()]) if (!outer.has(name)) scope.delete(name)
  }
  const assign = (name: string): Name => {
    const target = scope.get(name) ?? cx.fail(`${name} is assigned where it is not defined`)
    if (target.kind !== 'var') cx.fail(`${name} is assigned`, 'a var', target.kind === 'loop' ? 'a loop counter' : 'a let')
    if (target.frozen) cx.fail(`${name} is assigned inside a loop whose bounds read it`)
    return target
  }

  const loop = (s: Stmt & { kind: 'for' }): void => {
    for (const [what, bound] of [['start', s.from], ['end', s.to], ['step', s.step]] as const) agree(`${what} of the loop`, 'u32', checkExpr(bound, cx))
    if (s.step.kind === 'const' && s.step.value === 0) cx.fail('step of the loop', 'at least 1', '0')
    if (!Number.isInteger(s.unroll) || s.unroll < 1) cx.fail('unroll of the loop', 'an integer of at least 1', String(s.unroll))
    // Targets read the bounds again before every turn, the interpreter once: they must not change meanwhile.
    const stored = new Set([...statements(s.body)].flatMap(b => (b.kind === 'store' ? [b.param] : 'array' in b ? [b.array] : [])))
    for (const name of stored) if (mentions(s.to, name) || mentions(s.step, name)) cx.fail(`${name} is written inside a loop whose bounds read it`)
    const read = [...scope].filter(([name, n]) => n.kind === 'var' && !n.frozen && (mentions(s.to, name) || mentions(s.step, name)))
    for (const [, n] of read) n.frozen = true
    declare(s.name, 'u32', 'loop')
    block(s.body)
    scope.delete(s.name)
    for (const [, n] of read) n.frozen = false
  }

  const bufferParam = (name: string): Param => {
    const param = cx.params.get(name) ?? cx.fail(`no param named ${name}`)
    if (param.tensor) cx.fail(`param ${name} is a tensor map`, 'bulk copies only')
    return param
  }
  const arrival = (e: Expr): void => {
    checkIndex(e, 'an arrival', cx)
    const { arrivals = 0 } = kernel
    if (arrivals === 0 || (e.kind === 'const' && e.value >= arrivals)) cx.fail('arrival', `one of ${arrivals}`, printExpr(e))
  }

  const statement = (s: Stmt): void => {
    current = { stmt: s, number: ++number }
    switch (s.kind) {
      case 'let':
        return declare(s.name, checkExpr(s.value, cx), 'let')
      case 'var':
        agree(`value of ${s.name}`, s.type, checkExpr(s.value, cx))
        return declare(s.name, s.type, 'var')
      case 'assign': {
        const type = checkExpr(s.value, cx)
        return agree(`value of ${s.name}`, assign(s.name).type, type)
      }
      case 'store': {
        const param = bufferParam(s.param)
        if (param.access === 'read') cx.fail(`param ${s.param} is written`, 'access write or readwrite', 'read')
        checkIndex(s.index, s.param, cx)
        return agree(`value stored to ${s.param} of ${param.element}`, loadedType[param.element], checkExpr(s.value, cx))
      }
      case 'sharedStore': {
        const array = cx.shared.get(s.array) ?? cx.fail(`no shared array named ${s.array}`)
        checkIndex(s.index, s.array, cx)
        return agree(`value stored to ${s.array} of ${array.element}`, loadedType[array.element], checkExpr(s.value, cx))
      }
      case 'for':
        return loop(s)
      case 'if':
        agree('condition of if', 'bool', checkExpr(s.condition, cx))
        block(s.then)
        return block(s.otherwise)
      case 'barrier':
      case 'copyCommit':
      case 'comment':
        return
      case 'copy': {
        const param = bufferParam(s.param)
        const array = cx.shared.get(s.array) ?? cx.fail(`no shared array named ${s.array}`)
        const halves = param.element === 'u32x4' && array.element === 'f16'
        if (!halves && (param.element !== array.element || elementBytes[array.element] < 4)) {
          cx.fail(`copy from ${s.param} of ${param.element} to ${s.array} of ${array.element}`, 'one element type of at least 4 bytes')
        }
        if (param.access === 'write') cx.fail(`param ${s.param} is read`, 'access read or readwrite', 'write')
        checkIndex(s.index, s.array, cx)
        return checkIndex(s.from, s.param, cx)
      }
      case 'copyWait':
        if (!Number.isInteger(s.pending) || s.pending < 0 || s.pending > 7) cx.fail('pending copies', '0 to 7', String(s.pending))
        return
      case 'tensorCopy': {
        const param = cx.params.get(s.param) ?? cx.fail(`no param named ${s.param}`)
        if (!param.tensor) cx.fail(`param ${s.param} is copied in bulk`, 'a tensor map')
        const array = cx.shared.get(s.array) ?? cx.fail(`no shared array named ${s.array}`)
        if (param.element !== array.element) cx.fail(`copy from ${s.param} to ${s.array}`, `an array of ${param.element}`, array.element)
        arrival(s.arrival)
        for (const [e, of] of [[s.index, s.array], [s.row, s.param], [s.col, s.param]] as const) checkIndex(e, of, cx)
        return
      }
      case 'tensorCommit': return arrival(s.arrival)
      case 'tensorWait':
        arrival(s.arrival)
        return checkIndex(s.parity, 'a parity', cx)
      case 'matrixMultiply':
        agree(`accumulator ${s.name}`, 'matrixC', assign(s.name).type)
        agree(`left tile \`${printExpr(s.a)}\``, 'matrixA', checkExpr(s.a, cx))
        return agree(`right tile \`${printExpr(s.b)}\``, 'matrixB', checkExpr(s.b, cx))
      case 'matrixStore': {
        const array = cx.shared.get(s.array) ?? cx.fail(`no shared array named ${s.array}`)
        if (array.element !== 'f32') cx.fail(`matrix store to ${s.array}`, 'a shared array of f32', array.element)
        checkMatrixStride(s.stride, 4, cx)
        checkIndex(s.index, s.array, cx)
        return agree('tile stored', 'matrixC', checkExpr(s.value, cx))
      }
      default: return s satisfies never
    }
  }
  block(kernel.body)
}

/** Whether an expression reads a name, a param or a shared array. */
function mentions(value: unknown, name: string): boolean {
  if (typeof value !== 'object' || value === null) return false
  return Object.entries(value).some(([key, part]) => (['name', 'param', 'array'].includes(key) && part === name) || mentions(part, name))
}

/** Checks a kernel whole. Throws a WeftError that names the kernel, the statement and what differs. */
export function verify(kernel: Kernel): void {
  verifyTypes(kernel)
  verifyUniformity(kernel)
}
