/**
 * Models split into several GGUF files, `NAME-00001-of-00003.gguf`, as llama.cpp's gguf-split writes them: each part is a whole
 * GGUF file with some of the tensors, and says which part of how many it is, and how many tensors there are in all. Settings
 * are those of the first. What the parts say has to agree with their names and with each other, and no tensor may be in two.
 */
import { readdirSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { check } from '../graph/error.js'
import { readable, show } from './fields.js'
import type { FileTensor } from './file-tensor.js'
import { kindOf, type ModelFiles } from './files.js'
import { readGguf, type GgufFile } from './gguf.js'

const where = 'gguf'
/** As many files as are opened at once at most; the largest models have some thirty parts. */
const partLimit = 256
const partName = /^(.*)-(\d{5})-of-(\d{5})\.gguf$/s

/** Opens the GGUF model at `path`, whole or given by one of its parts, which lie beside each other. Throws naming the part that is missing or does not fit. */
export function readGgufModel(files: ModelFiles, path: string): GgufFile {
  const given = readGguf(files, path)
  const count = given.metadata['split.count'] ?? 1
  check(typeof count === 'number' && count <= partLimit, where, `${path}: metadata split.count`, `at most ${partLimit} parts`, show(count))
  // A split of one part may be named like any file.
  if (count <= 1) return given
  const [, stem, no, of] = partName.exec(basename(path)) ?? []
  check(Number(of) === count && Number(no) >= 1, where, `${path}: file name of one of ${count} parts of a model`, `NAME-00001-of-${five(count)}.gguf`)
  const paths = Array.from({ length: count }, (_, i) => join(dirname(path), `${stem}-${five(i + 1)}-of-${five(count)}.gguf`))
  const missing = paths.filter(p => kindOf(p) !== 'file').map(p => basename(p))
  check(missing.length === 0, where, `${path}: part of a split model whose other files are not beside it`, `${count} files`, `no ${missing.slice(0, 3).join(', ')}${missing.length > 3 ? ', …' : ''}`)
  const parts = paths.map((p, i) => (i === Number(no) - 1 ? given : readGguf(files, p)))
  const total = parts[0]!.metadata['split.tensors.count']
  const tensors = new Map<string, FileTensor>()
  parts.forEach((part, i) => {
    for (const [key, value] of [['split.no', i], ['split.count', count], ['split.tensors.count', total]] as const) {
      check(part.metadata[key] === value, where, `${part.file}: metadata ${key}`, show(value), show(part.metadata[key]))
    }
    for (const [name, tensor] of part.tensors) {
      const other = tensors.get(name)
      check(other === undefined, where, `${part.file}: tensor ${readable(name)}`, 'in one part of the model', `also in ${basename(other?.range.file ?? '')}`)
      tensors.set(name, tensor)
    }
  })
  check(tensors.size === total, where, `${parts[0]!.file}: tensors in all ${count} parts`, show(total), `${tensors.size}`)
  return { file: parts[0]!.file, metadata: parts[0]!.metadata, tensors }
}

/** The GGUF model of a folder: its only .gguf file, or the first part of the only split model. Null when there is none; throws when there are several. */
export function ggufOfFolder(folder: string, expected: string): string | null {
  const names = readdirSync(folder).filter(name => name.endsWith('.gguf')).sort()
  if (names.length === 0) return null
  const models = new Set(names.map(name => {
    const [, stem, , of] = partName.exec(name) ?? []
    return stem === undefined ? name : `${stem} of ${of}`
  }))
  check(models.size === 1, 'model', `${folder}: no model in this folder`, expected, `${models.size} .gguf ${names.length === models.size ? 'files' : 'models'}`)
  return join(folder, names[0]!)
}

const five = (n: number): string => String(n).padStart(5, '0')
