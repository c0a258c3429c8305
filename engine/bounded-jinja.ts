/**
 * Jinja templates of strangers, rendered by `@huggingface/jinja` within bounds. A template is a program: it can loop for ever, call
 * itself, or double a text until memory is gone. Its interpreter is watched at every node: how many were evaluated, how
 * large what they made is, and how much was made in all; `range` is bounded before it makes its list. What a single node may
 * still take (a regular expression, a sort) ends by a time limit of the virtual machine, which interrupts it anywhere. On the way it
 * puts right where the library parts from Python (`python-strip.ts`).
 */
import { Environment, Interpreter, parse, Template, tokenize } from '@huggingface/jinja'
import { createContext, Script } from 'node:vm'
import { strip, type Strip } from './python-strip.js'

export interface TemplateLimits {
  /** Characters of the template. */
  readonly source: number
  /** Characters of white space in a row: the library looks for such gaps in time that is their square. */
  readonly gap: number
  /** Nodes of the program that are evaluated; a turn of a loop counts as several. */
  readonly steps: number
  /** Characters of one text, the rendered one included. */
  readonly text: number
  /** Members of one list or object. */
  readonly list: number
  /** Bytes, roughly, of everything made on the way. */
  readonly made: number
  readonly milliseconds: number
}

/** Far above what any chat template takes; the longest known is 30 kB and takes some 100 steps a message. */
export const templateLimits: TemplateLimits = { source: 1 << 19, gap: 2000, steps: 4_000_000, text: 1 << 24, list: 1 << 16, made: 1 << 27, milliseconds: 10_000 }

/** What a template does beyond its bounds; the message says which. */
export class TemplateLimit extends Error {}

/** A value at run time: a text, a list of values, a map of them, a number, a function. */
interface Value {
  readonly value: unknown
}
interface Node {
  readonly type: string
}
/** The library's types name their modules in a way that Node's resolution does not follow; this is what is used of them. */
interface Evaluator {
  evaluate(node: Node | undefined, scope: unknown): Value
  run(program: unknown): Value
}
interface Scope {
  set(name: string, value: unknown): unknown
}
const PlainInterpreter = Interpreter as unknown as new (scope: Scope) => Evaluator
const NewScope = Environment as unknown as new () => Scope

/** A member of a list costs its slot and, mostly, an object. */
const memberBytes = 64
/** What a turn of a loop takes beside its body: scopes, and the facts under `loop`. */
const turnSteps = 4
/** Nodes that make nothing: they name what is there. */
const names: ReadonlySet<string> = new Set(['Identifier', 'MemberExpression', 'StringLiteral', 'IntegerLiteral', 'FloatLiteral', 'SelectExpression', 'Ternary', 'Comment'])

class BoundedInterpreter extends PlainInterpreter {
  #steps = 0
  #made = 0
  /** Of lists and maps: characters and members with all that is inside, each time it is inside. */
  readonly #sizes = new WeakMap<Value, number>()

  /** What loops go over. */
  readonly #lists = new WeakSet<Node>()
  /** What is about to be stripped, as it was evaluated last. */
  readonly #operands = new Map<Node, Value | null>()

  constructor(scope: Scope, readonly limits: TemplateLimits) {
    super(scope)
  }

  override evaluate(node: Node | undefined, scope: unknown): Value {
    this.#step(1)
    if (node?.type === 'For') this.#lists.add(listOf(node))
    const stripping = node === undefined ? null : strippingOf(node)
    if (stripping !== null) this.#operands.set(stripping.operand, null)
    const value = this.#asPython(stripping, super.evaluate(node, scope))
    if (node !== undefined && this.#operands.has(node)) this.#operands.set(node, value)
    if (node !== undefined && this.#lists.has(node)) this.#step(turnSteps * membersOf(value))
    if (node !== undefined && (!names.has(node.type) || isSlice(node))) this.#weigh(value)
    return value
  }

  /** What `made` would be in Python, where it is a stripped text or the method that strips one. */
  #asPython(stripping: Stripping | null, made: Value): Value {
    const operand = stripping === null ? null : this.#operands.get(stripping.operand) ?? null
    if (stripping === null || operand === null || typeof operand.value !== 'string') return made
    const text = operand.value
    const Text = operand.constructor as new (value: string) => Value
    const stripped = (characters: unknown): Value => new Text(strip(text, stripping.which, typeof characters === 'string' ? characters : null))
    // the library makes a method anew for each text
    return stripping.method ? Object.assign(made, { value: (args: readonly Value[]) => stripped(args[0]?.value) }) : stripped(null)
  }

  #step(steps: number): void {
    if ((this.#steps += steps) > this.limits.steps) throw new TemplateLimit(`takes more than ${this.limits.steps} steps`)
  }

  #weigh(made: Value): void {
    const { value } = made
    let bytes = 0
    if (typeof value === 'string') {
      if (value.length > this.limits.text) throw new TemplateLimit(`makes a text of more than ${this.limits.text} characters`)
      bytes = value.length
    } else if (Array.isArray(value) || value instanceof Map) {
      const members = membersOf(made)
      if (members > this.limits.list) throw new TemplateLimit(`makes a list of more than ${this.limits.list} members`)
      // As a text it would be this long: a list of two that are lists of two grows with every level.
      if (this.#size(made) > this.limits.text) throw new TemplateLimit(`makes a list that holds more than ${this.limits.text} characters`)
      bytes = members * memberBytes
    }
    if ((this.#made += bytes) > this.limits.made) throw new TemplateLimit(`makes more than ${this.limits.made} bytes of texts and lists`)
  }

  #size(of: Value): number {
    const { value } = of
    if (typeof value === 'string') return value.length
    if (!Array.isArray(value) && !(value instanceof Map)) return 1
    const known = this.#sizes.get(of)
    if (known !== undefined) return known
    let size = 1
    for (const member of value.values() as Iterable<Value>) size += this.#size(member)
    this.#sizes.set(of, size)
    return size
  }
}

interface Stripping {
  /** The node of the text. */
  readonly operand: Node
  readonly which: Strip
  /** `text.strip`, to be called; else `text | trim`. */
  readonly method: boolean
}

/** Whether a node strips a text, or names the method that does. */
function strippingOf(node: Node): Stripping | null {
  const { object, property, computed, operand, filter } = node as Node & Readonly<Partial<Record<'object' | 'property' | 'operand' | 'filter', Node & { readonly value?: unknown }>>> & { readonly computed?: boolean }
  if (node.type === 'MemberExpression' && computed !== true && (property?.value === 'strip' || property?.value === 'lstrip' || property?.value === 'rstrip')) {
    return { operand: object!, which: property.value, method: true }
  }
  return node.type === 'FilterExpression' && filter?.type === 'Identifier' && filter.value === 'trim' ? { operand: operand!, which: 'strip', method: false } : null
}

function membersOf({ value }: Value): number {
  return Array.isArray(value) ? value.length : value instanceof Map ? value.size : 0
}

/** The node that yields what a loop goes over; one with a condition has it in a node of its own. */
function listOf(loop: Node): Node {
  const { iterable } = loop as Node & { readonly iterable: Node & { readonly lhs?: Node } }
  return iterable.type === 'SelectExpression' && iterable.lhs !== undefined ? iterable.lhs : iterable
}

function isSlice(node: Node): boolean {
  return node.type === 'MemberExpression' && 'property' in node && (node.property as Node).type === 'SliceExpression'
}

/** The text that `source` makes of `variables`. Throws TemplateLimit, or whatever the template or the library throws. */
export function renderBounded(source: string, variables: Readonly<Record<string, unknown>>, limits: TemplateLimits = templateLimits, onStep: (step: 'parsed') => void = () => {}): string {
  if (source.length > limits.source) throw new TemplateLimit(`has more than ${limits.source} characters`)
  if (source.split(/\S+/).some(gap => gap.length > limits.gap)) throw new TemplateLimit(`has more than ${limits.gap} characters of white space in a row`)
  const run = (): string => {
    const program = parse(tokenize(source, { lstrip_blocks: true, trim_blocks: true }))
    onStep('parsed')
    const scope = new NewScope()
    for (const [name, value] of Object.entries({ ...builtIns(limits), ...variables })) scope.set(name, value)
    const { value } = new BoundedInterpreter(scope, limits).run(program)
    return String(value)
  }
  return limited(run, limits.milliseconds)
}

/** What templates find without being given it; the library sets these only where it also makes the interpreter. */
function builtIns({ list }: TemplateLimits): Readonly<Record<string, unknown>> {
  const constants = { true: true, false: false, none: null, True: true, False: false, None: null }
  return {
    ...constants,
    raise_exception: (message: unknown) => { throw new Error(String(message)) },
    range: (...bounds: readonly unknown[]) => range(bounds, list),
    strftime_now: (format: unknown) => new Template('{{ strftime_now(format) }}').render({ format: String(format).slice(0, 1000) }),
  }
}

/** Python's range, whose length is known before anything is made. */
function range(bounds: readonly unknown[], most: number): readonly number[] {
  const given = bounds.filter((b): b is number => Number.isSafeInteger(b))
  if (given.length < 1 || given.length > 3 || given.length !== bounds.length) throw new Error('range() takes one to three integers')
  const [first, second, step = 1] = given
  const [from, to] = second === undefined ? [0, first!] : [first!, second]
  if (step === 0) throw new Error('range() step must not be zero')
  const length = Math.max(0, Math.ceil((to - from) / step))
  if (length > most) throw new TemplateLimit(`makes a list of more than ${most} members`)
  return Array.from({ length }, (_, i) => from + i * step)
}

const call = new Script('run()')

/** Runs a function, interrupted when it takes too long: the limit holds for whatever is called from the script. */
function limited<T>(run: () => T, milliseconds: number): T {
  try {
    return call.runInContext(createContext({ run }), { timeout: milliseconds }) as T
  } catch (cause) {
    // the context's own Error is not this one's
    if (typeof cause === 'object' && cause !== null && 'code' in cause && cause.code === 'ERR_SCRIPT_EXECUTION_TIMEOUT') throw new TemplateLimit(`takes longer than ${milliseconds / 1000} s`)
    throw cause
  }
}
