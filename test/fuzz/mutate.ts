/**
 * Mutations of valid files, drawn from a seed: bits, lengths, splices for bytes; values, keys and nesting for JSON; pieces of the
 * language for templates. The same seed gives the same mutant on every machine.
 */

/** Draws numbers; a 32-bit generator (mulberry32) is plenty for choosing mutations. */
export class Draw {
  #state: number

  constructor(...seeds: readonly (number | string)[]) {
    let h = 2166136261
    for (const c of seeds.join(' ')) h = Math.imul(h ^ c.charCodeAt(0), 16777619)
    this.#state = h >>> 0
  }

  /** An integer in [0, below). */
  below(below: number): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let t = this.#state
    t = Math.imul(t ^ (t >>> 15), t | 1)
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61)
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 2 ** 32) * below)
  }

  pick<T>(list: readonly T[]): T {
    return list[this.below(list.length)]!
  }
}

const bigs = [0n, 1n, 2n, 7n, 31n, 32n, 127n, 128n, 255n, 256n, 65535n, 65536n, 2n ** 31n - 1n, 2n ** 31n, 2n ** 32n - 1n, 2n ** 32n, 2n ** 53n - 1n, 2n ** 53n, 2n ** 60n, 2n ** 63n, 2n ** 64n - 1n] as const
const bytes = [0, 1, 0x7f, 0x80, 0xff, 0x22, 0x2c, 0x39, 0x5b, 0x5c, 0x7b, 0x7d] as const

/** One to four mutations of `file`, most of them in its first `hot` bytes; `others` are spliced in. */
export function mutateBytes(draw: Draw, file: Uint8Array, others: readonly Uint8Array[], hot = file.length): Uint8Array {
  let out = Buffer.from(file)
  for (let n = draw.below(4); n >= 0; n--) out = mutateOnce(draw, out, others, hot)
  return out
}

function mutateOnce(draw: Draw, out: Buffer<ArrayBuffer>, others: readonly Uint8Array[], hot: number): Buffer<ArrayBuffer> {
  if (out.length < 16) return Buffer.concat([out, Buffer.alloc(16, draw.below(256))])
  const place = (): number => draw.below(Math.min(out.length, draw.below(8) === 0 ? out.length : hot))
  const at = Math.min(place(), out.length - 8)
  const length = 1 + draw.below(draw.below(4) === 0 ? 400 : 16)
  switch (draw.below(11)) {
    case 0: out[at]! ^= 1 << draw.below(8); return out
    case 1: out[at] = draw.pick(bytes); return out
    case 2: out.writeUInt32LE(Number(draw.pick(bigs) & 0xffffffffn), at); return out
    case 3: out.writeBigUInt64LE(draw.pick(bigs), at); return out
    case 4: out.writeUInt32LE((out.readUInt32LE(at) + draw.below(33) - 16) >>> 0, at); return out
    case 5: return Buffer.concat([out.subarray(0, at), out.subarray(at + length)])
    case 6: return Buffer.concat([out.subarray(0, at), Buffer.from(Array.from({ length }, () => draw.below(256))), out.subarray(at)])
    case 7: out.copyWithin(at, place(), Math.min(out.length, place() + length)); return out
    case 8: return out.subarray(0, draw.below(8) === 0 ? draw.below(out.length) : out.length - draw.below(100))
    case 9: {
      const other = draw.pick(others)
      return Buffer.concat([out.subarray(0, at), other.subarray(draw.below(other.length))])
    }
    default: return digits(draw, out, at)
  }
}

/** Replaces a number written in digits, as JSON inside a binary file has them. */
function digits(draw: Draw, out: Buffer<ArrayBuffer>, from: number): Buffer<ArrayBuffer> {
  let at = from
  while (at < out.length && !(out[at]! >= 0x30 && out[at]! <= 0x39)) at++
  let end = at
  while (end < out.length && out[end]! >= 0x30 && out[end]! <= 0x39) end++
  return Buffer.concat([out.subarray(0, at), Buffer.from(String(draw.pick(bigs))), out.subarray(end)])
}

export type Json = null | boolean | number | string | Json[] | { [key: string]: Json }

const values: readonly Json[] = [
  null, true, false, 0, 1, -1, 2, 3, 0.5, -0, 1e308, 2 ** 31, 2 ** 32, 2 ** 53, 1e-320, 16, 31, '', 'a', ' ', '\u0000', '\ud800', 'constructor', '__proto__', '../../etc/passwd', '1', 'NaN',
  [], {}, [[]], [null], { a: 1 }, { type: 'Sequence' }, { content: 'a' }, { __proto__: null, toString: 1 },
]

/** A copy: what later mutations do to it must not change what other mutants get. */
function anyValue(draw: Draw): Json {
  return structuredClone(draw.pick(values))
}

/** One to three values of a JSON document replaced, removed, copied elsewhere, doubled or nested. */
export function mutateJson(draw: Draw, document: Json): Json {
  let root = structuredClone(document)
  for (let n = draw.below(3); n >= 0; n--) {
    const places: (readonly [Json[] | { [key: string]: Json }, string])[] = []
    const walk = (value: Json, depth: number): void => {
      if (typeof value !== 'object' || value === null || depth > 12) return
      const keys = Object.keys(value)
      // Of long lists and vocabularies only some members, else nothing else would ever be chosen.
      const step = Math.max(1, Math.floor(keys.length / 24))
      for (let i = draw.below(step); i < keys.length; i += step) {
        places.push([value as { [key: string]: Json }, keys[i]!])
        walk((value as { [key: string]: Json })[keys[i]!]!, depth + 1)
      }
    }
    walk(root, 0)
    if (places.length === 0) return anyValue(draw)
    const [parent, key] = draw.pick(places)
    const holder = parent as { [key: string]: Json }
    const old = holder[key]!
    switch (draw.below(9)) {
      case 0: if (Array.isArray(parent)) parent.splice(Number(key), 1); else delete holder[key]; break
      case 1: { const [from, name] = draw.pick(places); holder[key] = structuredClone((from as { [key: string]: Json })[name] ?? null); break }
      case 2: holder[key] = Array.isArray(old) ? [...old, ...old] : typeof old === 'string' ? old + old : typeof old === 'number' ? old * 2 : [old]; break
      case 3: holder[key] = typeof old === 'number' ? old + draw.below(5) - 2 : nested(draw, old); break
      case 4: if (typeof old === 'number') holder[key] = -old; else if (Array.isArray(parent)) parent.push(structuredClone(old)); else put(holder, draw.pick(['', 'type', 'id', '__proto__', 'constructor', key + key]), structuredClone(old)); break
      case 5: if (typeof old === 'string' && old.length > 0) { holder[key] = textOf(draw, old); break } holder[key] = anyValue(draw); break
      case 6: if (draw.below(20) === 0) root = [root]; else holder[key] = anyValue(draw); break
      default: holder[key] = anyValue(draw)
    }
  }
  return root
}

/** A property like any other, whatever its name: "__proto__" is an ordinary key of JSON. */
function put(holder: object, key: string, value: Json): void {
  Object.defineProperty(holder, key, { value, enumerable: true, configurable: true, writable: true })
}

function nested(draw: Draw, value: Json): Json {
  let out = value
  for (let depth = draw.below(40); depth > 0; depth--) out = draw.below(2) === 0 ? [out] : { type: 'Sequence', [draw.pick(['normalizers', 'pretokenizers', 'processors'])]: [out] }
  return out
}

function textOf(draw: Draw, text: string): string {
  const at = draw.below(text.length)
  return draw.pick([text.slice(0, at), text.slice(at), `${text.slice(0, at)}\u0000${text.slice(at)}`, `${text} `, text.toUpperCase(), `${text.slice(0, at)}é${text.slice(at + 1)}`])
}

const pieces = [
  '{% for a in range(10 ** 9) %}', '{% for a in messages %}', '{% endfor %}', '{% if true %}', '{% endif %}', '{% else %}', '{{', '}}', '{%', '%}', '{#', '#}', "{% set ns = namespace(x='ab') %}", '{% set ns.x = ns.x ~ ns.x %}',
  '{% set ns.x = [ns.x, ns.x] %}', '{{ ns.x | tojson }}', '{% macro m(n) %}{{ m(n) }}{{ m(n - 1) }}{% endmacro %}', '{{ m(9) }}', '| length', '| tojson(indent=100000)', '| join("xxxx")', "| replace('', 'yyyy')", '| indent(99999999)',
  '| sort', '| unique', '[::-1]', '[::0]', '[1:10:2]', '(', ')', '[', ']', '**', ' ~ ', ' in ', ' is defined', 'loop.index', 'raise_exception("x")', 'strftime_now("%Y")', '{% break %}', '{% continue %}', '{% include "a" %}',
  'messages', 'tools', '999999999', '0.1', '"', "'", '\\', '\n', '-%}', '{%-', '{% generation %}', '{% filter upper %}', '{% endfilter %}', '{% call m(1) %}', '{% endcall %}', '*messages', '**messages[0]', 'none', '%',
] as const

/** One to four pieces of a template put in, taken out, doubled or moved. */
export function mutateTemplate(draw: Draw, template: string): string {
  let out = template
  for (let n = draw.below(4); n >= 0; n--) {
    const at = draw.below(out.length + 1), to = Math.min(out.length, at + 1 + draw.below(60))
    switch (draw.below(6)) {
      case 0: case 1: out = out.slice(0, at) + draw.pick(pieces) + out.slice(at); break
      case 2: out = out.slice(0, at) + out.slice(to); break
      case 3: out = out.slice(0, to) + out.slice(at); break
      case 4: { const from = draw.below(out.length + 1); out = out.slice(0, from) + out.slice(at, to) + out.slice(from); break }
      default: out = out.slice(0, at) + String.fromCharCode(draw.below(draw.below(4) === 0 ? 65536 : 128)) + out.slice(at + 1)
    }
  }
  return out
}
