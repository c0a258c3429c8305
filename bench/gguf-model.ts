/**
 * A random model as a GGUF file, so that a peer's program can be timed on the same shapes and types. The bytes are those that
 * weft runs on, streamed a few megabytes at a time. The vocabulary is numbered words: such a model takes and makes ids.
 */
import { WeftError } from '../graph/error.js'
import { ggufName } from '../weights/gguf.js'
import { ggufLayout, ggufSlot, type GgufMetadata } from '../weights/gguf-write.js'
import type { ModelSource } from '../weights/model.js'
import { ggufSettings } from '../weights/settings-write.js'
import { TensorFileWriter } from '../weights/tensor-file.js'

const pieceBytes = 8 * 2 ** 20

function numberedWords(vocab: number): GgufMetadata {
  return [
    ['tokenizer.ggml.model', { type: 'string', value: 'gpt2' }], ['tokenizer.ggml.pre', { type: 'string', value: 'qwen2' }],
    ['tokenizer.ggml.tokens', { type: 'strings', value: Array.from({ length: vocab }, (_, i) => `t${i}`) }],
    ['tokenizer.ggml.token_type', { type: 'i32s', value: new Int32Array(vocab).fill(1) }],
    ['tokenizer.ggml.merges', { type: 'strings', value: ['t 0'] }], ['tokenizer.ggml.eos_token_id', { type: 'u32', value: vocab - 1 }],
  ]
}

/** Writes a random model, made with blocks packed as in GGUF. Throws a WeftError where the file cannot be written. */
export function writeGguf(model: ModelSource, file: string): void {
  const tensors = [...model.tensors.values()].map(t => {
    const data = t.ranges['data']
    if (data === undefined) throw new WeftError({ where: 'gguf', what: `${t.name}: ${t.type} in ${t.packing}`, expected: 'blocks as in GGUF' })
    return { data, slot: ggufSlot(ggufName(t.name), t.type, t.shape) }
  })
  const slots = tensors.map(t => t.slot)
  const writer = new TensorFileWriter(file, slots, ggufLayout(slots, [...ggufSettings(model.config, model.path).metadata, ...numberedWords(model.config.vocab)]))
  try {
    const piece = new Uint8Array(pieceBytes)
    for (const { data, slot } of tensors) {
      for (let at = 0; at < data.bytes; at += piece.length) {
        const part = piece.subarray(0, Math.min(piece.length, data.bytes - at))
        model.read(data, part, at)
        writer.put(slot.name, at, part)
      }
    }
    writer.finish()
  } finally {
    writer.abandon()
  }
}
