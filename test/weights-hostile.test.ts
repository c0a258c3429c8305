/**
 * Files that are broken or made to break the reader. Each gives one line that names the file, and the tensor or field where there
 * is one, without allocating more than the files themselves are large.
 */
import { readFileSync } from 'node:fs'
import { test } from 'uvu'
import * as assert from 'uvu/assert'
import { WeftError } from '../graph/error.js'
import { openModel } from '../weights/open.js'
import {
  cut, folderNamed, indexThroughLink, manyLists, nested, patched, pipe, q, qwen3Gguf, renamed, shardWithout, sparse, split, tooLarge, twoGgufs,
  withConfig, withEntries, withGguf, withIndex, withWeights, withoutConfig, type Entry,
} from './support/hostile-models.js'
import { fixture, GgufBytes, makeFolder, makeModel, safetensorsBytes, writeFiles } from './weights-make.js'

const norm = 'model.layers.0.self_attn.q_norm.weight'
const f32 = (shape: readonly number[], from: number, to: number): Entry => ({ dtype: 'F32', shape, data_offsets: [from, to] })
const huge = 2n ** 60n

const cases: readonly (readonly [string, () => string, RegExp])[] = [
  ['a path that is not there', () => '/no/such/model', /\[model\] \/no\/such\/model: no such file or folder/],
  ['a path with a NUL', () => 'a\0b', /no such file or folder/],
  ['an empty folder', makeFolder, /no model in this folder: expected model.safetensors.*got none/],
  ['a file of another kind', () => fixture('models/qwen3/config.json'), /config.json: unknown kind of model/],
  ['a pipe instead of weights', () => pipe('model.safetensors'), /model.safetensors: no such file: expected a regular file/],
  ['a folder instead of weights', () => folderNamed('model.safetensors'), /model.safetensors: no such file/],
  ['weights without config.json', () => withoutConfig(), /config.json: no such file/],

  ['safetensors: empty', () => withWeights(new Uint8Array(0)), /truncated file: expected at least the 8 bytes.*got 0 bytes/],
  ['safetensors: header length beyond the file', () => withWeights(safetensorsBytes({}, 0, 1000n)), /model.safetensors: header length does not fit the file: expected 2 to 2 bytes, got 1000/],
  ['safetensors: header length of 2^60', () => withWeights(safetensorsBytes({}, 0, huge)), /header length does not fit/],
  ['safetensors: header length of 2^64 - 1', () => withWeights(safetensorsBytes({}, 0, 2n ** 64n - 1n)), /header length does not fit/],
  ['safetensors: huge header in a sparse file', () => sparse(3e9), /header length does not fit the file: expected 2 to 100000000 bytes/],
  ['safetensors: bad JSON', () => withWeights(safetensorsBytes('{"a": }\n')), /header: bad JSON/],
  ['safetensors: not UTF-8', () => withWeights(Buffer.concat([safetensorsBytes('', 0, 2n), Buffer.from([0xff, 0xfe])])), /header is not UTF-8/],
  ['safetensors: a list', () => withWeights(safetensorsBytes('[]')), /header: not a JSON object/],
  ['safetensors: a header of empty lists', () => withWeights(safetensorsBytes(`{"a":[${'[],'.repeat(6e6)}[]]}`)), /header: too many values: expected at most 4194304/],
  ['safetensors: 2^31 tensors', () => withWeights(safetensorsBytes({ a: f32([2 ** 31], 0, 8) }, 8)), /tensor a: bytes do not match "F32" \[2147483648\]: expected 8589934592, got 8/],
  ['safetensors: nested very deep', () => withWeights(safetensorsBytes(`{"a":${'['.repeat(1e6)}`)), /header: bad JSON/],
  ['safetensors: entry of another type', () => withWeights(safetensorsBytes({ a: 'a' })), /tensor a: entry: expected an object, got "a"/],
  ['safetensors: metadata of another type', () => withWeights(safetensorsBytes({ __metadata__: 3 })), /__metadata__: expected an object/],
  ['safetensors: the same name twice', () => withWeights(safetensorsBytes('{"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},"\\u0061":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}}', 2)), /tensor a is there twice/],
  ['safetensors: a name of control characters', () => withWeights(safetensorsBytes({ 'a\n\u001b[2J': 1 })), /tensor "a\\n\\u001b\[2J": entry/],
  ['safetensors: overlap', () => withWeights(safetensorsBytes({ a: f32([2], 0, 8), b: f32([2], 4, 12) }, 12)), /tensors a and b overlap/],
  ['safetensors: offsets beyond the file', () => withWeights(safetensorsBytes({ a: f32([2], 8, 16) }, 8)), /tensor a: data_offsets leave the file \(truncated\?\)/],
  ['safetensors: offsets the wrong way round', () => withWeights(safetensorsBytes({ a: f32([2], 8, 0) }, 8)), /tensor a: data_offsets leave/],
  ['safetensors: negative offset', () => withWeights(safetensorsBytes({ a: f32([2], -8, 0) }, 8)), /tensor a: data_offsets: expected two offsets/],
  ['safetensors: offset of 1e300', () => withWeights(safetensorsBytes({ a: f32([2], 0, 1e300) }, 8)), /tensor a: data_offsets/],
  ['safetensors: sizes that overflow to the right one', () => withWeights(safetensorsBytes({ a: f32([2 ** 32, 2 ** 32], 0, 0) }, 8)), /tensor a: bytes do not match "F32"/],
  ['safetensors: fractional size', () => withWeights(safetensorsBytes({ a: f32([0.5], 0, 2) }, 8)), /tensor a: shape: expected a list/],
  ['safetensors: truncated data', () => cut('models/qwen3', 'model.safetensors', 500_000), /tensor model.layers.1.\S+: data_offsets leave the file \(truncated/],
  ['safetensors: truncated header', () => cut('models/qwen3', 'model.safetensors', 100), /header length does not fit/],
  ['safetensors: missing tensor', () => withEntries('qwen3', { [q]: null }), new RegExp(`tensor ${q} is missing: expected \\[128,128\\] for qwen3`)],
  ['safetensors: missing q_norm', () => withEntries('qwen3', { [norm]: null }), /q_norm.weight is missing/],
  ['safetensors: missing bias', () => withEntries('qwen2', { 'model.layers.2.self_attn.v_proj.bias': null }), /v_proj.bias is missing/],
  ['safetensors: untied without a head', () => withConfig('qwen3', { tie_word_embeddings: false }), /lm_head.weight is missing/],
  ['safetensors: wrong shape', () => withEntries('qwen3', { [q]: { shape: [64, 256] } }), new RegExp(`tensor ${q}: shape: expected \\[128,128\\], got \\[64,256\\]`)],
  ['safetensors: unsupported dtype', () => withEntries('qwen3', { [q]: { dtype: 'I16' } }), new RegExp(`tensor ${q}: dtype: expected F32, F16, BF16, NVFP4.*got I16`)],
  ['safetensors: unknown dtype', () => withEntries('qwen3', { [q]: { dtype: 'constructor' } }), /dtype: expected F32.*got constructor/],
  ['safetensors: dtype of another size', () => withEntries('qwen3', { [q]: { dtype: 'F32' } }), /bytes do not match "F32" \[128,128\]: expected 65536, got 32768/],

  ['index: bad JSON', () => withIndex('{'), /index.json: bad JSON/],
  ['index: no map', () => withIndex({}), /weight_map: expected an object/],
  ['index: a file above the folder', () => withIndex({ weight_map: { [q]: '../x.safetensors' } }), /file name: expected a file inside the folder, got "..\/x.safetensors"/],
  ['index: a file above, by a detour', () => withIndex({ weight_map: { [q]: 'a/../../x.safetensors' } }), /inside the folder/],
  ['index: an absolute file', () => withIndex({ weight_map: { [q]: '/etc/passwd' } }), /inside the folder/],
  ['index: by a link out of the folder', () => indexThroughLink(), /index.json: file name: expected a file inside the folder, got "sub\/x.safetensors", which a link leads out of it/],
  ['index: a million values too many', () => withIndex(`{"weight_map":{},"x":[${'[],'.repeat(5e6)}[]]}`), /index.json: too many values: expected at most 4194304/],
  ['index: a name of control characters', () => withIndex({ weight_map: { [q]: 'a\u001b[2J\u009b.safetensors' } }), /inside the folder, got "a\\u001b\[2J\?.safetensors"/],
  ['index: not a name', () => withIndex({ weight_map: { [q]: 7 } }), /inside the folder, got 7/],
  ['index: a shard that is not there', () => withIndex({ weight_map: { [q]: 'x.safetensors' } }), /x.safetensors: no such file/],
  ['index: a tensor the shard lacks', () => shardWithout(), new RegExp(`index.json: tensor ${q} is not in the file the index names`)],

  ['nvfp4: scales missing', () => withEntries('qwen3_nvfp4_compressed_tensors', { [`${q}_scale`]: null }), new RegExp(`${q}_scale is missing`)],
  ['nvfp4: tensor scale missing', () => withEntries('qwen3_nvfp4_modelopt', { [`${q}_scale_2`]: null }), new RegExp(`${q}_scale_2 is missing`)],
  ['nvfp4: scales of another shape', () => withEntries('qwen3_nvfp4_modelopt', { [`${q}_scale`]: { shape: [64, 16] } }), new RegExp(`${q}_scale: expected F8_E4M3 \\[128,8\\], got F8_E4M3 \\[64,16\\]`)],
  ['nvfp4: scales of another dtype', () => withEntries('qwen3_nvfp4_modelopt', { [`${q}_scale`]: { dtype: 'U8' } }), /expected F8_E4M3 \[128,8\], got U8/],
  ['nvfp4: codes of another dtype', () => withEntries('qwen3_nvfp4_compressed_tensors', { [`${q}_packed`]: { dtype: 'I8' } }), /packed codes: expected U8/],
  ['nvfp4: U8 without scales', () => withEntries('qwen3_nvfp4_modelopt', { [`${q}_scale`]: null }), new RegExp(`tensor ${q}: dtype: expected .* got U8`)],
  ['nvfp4: another layout than declared', () => withConfig('qwen3_nvfp4_modelopt', { quantization_config: { quant_method: 'compressed-tensors', format: 'nvfp4-pack-quantized' } }), /quantized otherwise than the configuration says: expected compressed-tensors, got modelopt/],
  ['nvfp4: plain and packed at once', () => withEntries('qwen3_nvfp4_compressed_tensors', {}, { [q]: { dtype: 'U8', shape: [0], data_offsets: [0, 0] } }), /is there both plain and packed/],
  ['nvfp4: smoothed activations', () => withEntries('qwen3_nvfp4_modelopt', {}, { [q.replace('weight', 'pre_quant_scale')]: { dtype: 'U8', shape: [0], data_offsets: [0, 0] } }), /pre_quant_scale: this kind of quantization is not supported/],
  ['quantization of another method', () => withConfig('qwen3', { quantization_config: { quant_method: 'hqq' } }), /quant_method: expected one of compressed-tensors, modelopt, awq, gptq, fp8, got "hqq"/],
  ['quantization of another format', () => withConfig('qwen3', { quantization_config: { quant_method: 'compressed-tensors', format: 'pack-quantized' } }), /format: expected one of .* got "pack-quantized"/],
  ['quantization by another algorithm', () => withConfig('qwen3', { quantization_config: { quant_method: 'modelopt', quant_algo: 'W4A8_AWQ' } }), /quant_algo: expected one of .* got "W4A8_AWQ"/],
  ['quantization in other groups', () => withConfig('qwen3', { quantization_config: { quant_method: 'modelopt', quant_algo: 'NVFP4', group_size: 32 } }), /group_size: expected .* got 32/],

  ['config: bad JSON', () => makeModel('qwen3', { 'config.json': '{"a"\n:' }), /\[config\] .*config.json: bad JSON/],
  ['config: not an object', () => makeModel('qwen3', { 'config.json': '3' }), /config.json: not a JSON object/],
  ['config: not text', () => makeModel('qwen3', { 'config.json': Buffer.from([0xff, 0xff]) }), /config.json: not UTF-8 text/],
  ['config: too large', () => tooLarge(), /config.json: too large/],
  ['config: unknown architecture', () => withConfig('qwen3', { architectures: ['Gemma3ForCausalLM'] }), /config.json: unknown architecture: expected one of Qwen3ForCausalLM.*got "Gemma3ForCausalLM"/],
  ['config: unknown model_type', () => withConfig('qwen3', { architectures: null, model_type: 'phi3' }), /unknown architecture: .*got "phi3"/],
  ['config: unknown activation', () => withConfig('qwen3', { hidden_act: 'gelu' }), /hidden_act: expected silu, got "gelu"/],
  ['config: unknown rope type', () => withConfig('qwen3', { rope_parameters: { rope_type: 'yarn', rope_theta: 1e6, factor: 4 } }), /rope_parameters: rope_type: expected one of default, llama3, got "yarn"/],
  ['config: rope factor of zero', () => withConfig('llama3', { rope_parameters: { rope_type: 'llama3', factor: 0, low_freq_factor: 1, high_freq_factor: 4, original_max_position_embeddings: 64 } }), /factor: expected a number from 1/],
  ['config: rope ramp of no width', () => withConfig('llama3', { rope_parameters: { rope_type: 'llama3', factor: 8, low_freq_factor: 4, high_freq_factor: 4, original_max_position_embeddings: 64 } }), /high_freq_factor: expected more than/],
  ['config: part of a head rotated', () => withConfig('qwen3', { partial_rotary_factor: 0.5 }), /partial_rotary_factor/],
  ['config: heads that do not divide', () => withConfig('qwen3', { num_key_value_heads: 3 }), /heads do not divide among kv heads: expected a multiple of 3, got 4/],
  ['config: no heads', () => withConfig('qwen3', { num_attention_heads: 0 }), /num_attention_heads: expected an integer from 1/],
  ['config: odd head size', () => withConfig('qwen3', { head_dim: 33 }), /head size: expected an even number, got 33/],
  ['config: head size that does not come out', () => withConfig('qwen3', { head_dim: null, hidden_size: 130 }), /head_dim is absent/],
  ['config: a billion layers', () => withConfig('qwen3', { num_hidden_layers: 1e9 }), /num_hidden_layers: expected an integer from 1 to 1024, got 1000000000/],
  ['config: a layer more than there is', () => withConfig('qwen3', { num_hidden_layers: 4, layer_types: null }), /model.layers.3.input_layernorm.weight is missing/],
  ['config: hidden size as text', () => withConfig('qwen3', { hidden_size: '128' }), /hidden_size: expected an integer .* got "128"/],
  ['config: vocabulary of another size', () => withConfig('qwen3', { vocab_size: 513 }), /embed_tokens.weight: shape: expected \[513,128\], got \[512,128\]/],
  ['config: eps of zero', () => withConfig('qwen3', { rms_norm_eps: 0 }), /rms_norm_eps: expected a number/],
  ['config: too few layer types', () => withConfig('qwen3', { use_sliding_window: true, sliding_window: 8, layer_types: [] }), /layer_types: expected 3 entries/],
  ['generation_config: bad eos', () => makeModel('qwen3', { 'generation_config.json': { eos_token_id: ['x'] } }), /generation_config.json: eos_token_id: expected a token id/],
  ['generation_config: bad temperature', () => makeModel('qwen3', { 'generation_config.json': { temperature: -1 } }), /temperature: expected a number from 0/],
  ['tokenizer_config: bad template', () => makeModel('qwen3', { 'tokenizer_config.json': { chat_template: [3] } }), /chat_template: expected a string, or a list/],

  ['gguf: empty', () => withGguf(new Uint8Array(0)), /bad.gguf: not a GGUF file/],
  ['gguf: another magic', () => withGguf(new GgufBytes(0, 0, 3, 'GGML').done()), /not a GGUF file/],
  ['gguf: version 1', () => withGguf(new GgufBytes(0, 0, 1).done()), /version: expected 2 or 3, got 1/],
  ['gguf: big-endian', () => withGguf(new GgufBytes(0, 0, 0x03000000).done()), /big-endian/],
  ['gguf: 2^60 tensors', () => withGguf(new GgufBytes(huge, 0).done()), /tensor count.*more than the file can hold: expected at most 0, got 1152921504606846976/],
  ['gguf: 2^60 entries', () => withGguf(new GgufBytes(0, huge).data(512).done()), /metadata count.*more than the file can hold/],
  ['gguf: 2^31 tensors', () => withGguf(new GgufBytes(2n ** 31n, 0).data(4096).done()), /tensor count.*more than the file can hold/],
  ['gguf: more tensors than any model has', () => withGguf(new GgufBytes(1 << 20, 0).data(30 << 20).done()), /tensor count.*expected at most 131072, got 1048576/],
  ['gguf: more entries than any model has', () => withGguf(new GgufBytes(0, 1 << 20).data(16 << 20).done()), /metadata count.*expected at most 65536, got 1048576/],
  ['gguf: lists that are small in the file and large in memory', () => withGguf(manyLists(5)), /list\.4: more than the file can hold: expected at most 0, got 4194304/],
  ['gguf: a key of 2^60 bytes', () => withGguf(new GgufBytes(0, 1).u64(huge).data(64).done()), /metadata key.*more than the file can hold/],
  ['gguf: a text beyond the end', () => withGguf(new GgufBytes(0, 1).string('general.name').u32(8).u64(1000).done()), /general.name: more than the file can hold: expected at most 0, got 1000/],
  ['gguf: a list of 2^60', () => withGguf(new GgufBytes(0, 1).string('a.list').u32(9).u32(8).u64(huge).data(64).done()), /a.list: more than the file can hold/],
  ['gguf: a list of 2^60 bytes', () => withGguf(new GgufBytes(0, 1).string('a.list').u32(9).u32(0).u64(huge).data(64).done()), /a.list: more than the file can hold/],
  ['gguf: lists nested deep', () => withGguf(nested(1000)), /a.list: lists nested too deep/],
  ['gguf: unknown value type', () => withGguf(new GgufBytes(0, 1).string('a.b').u32(13).data(64).done()), /metadata a.b: type: expected 0 to 12, got 13/],
  ['gguf: the same key twice', () => withGguf(new GgufBytes(0, 2).entry('a', 1).entry('a', 2).done()), /metadata a is there twice/],
  ['gguf: the same tensor twice', () => withGguf(new GgufBytes(2, 0).tensor('a', [8], 0, 0).tensor('a', [8], 0, 32).data(64).done()), /tensor a is there twice/],
  ['gguf: rank of 2^32 - 1', () => withGguf(new GgufBytes(1, 0).string('a').u32(2 ** 32 - 1).data(64).done()), /tensor a: dimensions: expected at most 4/],
  ['gguf: dimension of 2^60', () => withGguf(new GgufBytes(1, 0).tensor('a', [huge], 0, 0).data(64).done()), /tensor a: dimension: expected less than 2\^53/],
  ['gguf: dimensions that overflow', () => withGguf(new GgufBytes(1, 0).tensor('a', [2n ** 40n, 2n ** 40n], 0, 0).data(64).done()), /tensor a: reaches beyond the end of the file/],
  ['gguf: offset of 2^60', () => withGguf(new GgufBytes(1, 0).tensor('a', [8], 0, huge).data(64).done()), /tensor a: offset: expected less than 2\^53/],
  ['gguf: offset beyond the end', () => withGguf(new GgufBytes(1, 0).tensor('a', [8], 0, 2n ** 40n).data(64).done()), /tensor a: begins beyond the end of the file/],
  ['gguf: misaligned offset', () => withGguf(new GgufBytes(1, 0).tensor('a', [8], 0, 4).data(64).done()), /tensor a: offset: expected a multiple of 32, got 4/],
  ['gguf: alignment of three', () => withGguf(new GgufBytes(0, 1).entry('general.alignment', 3).done()), /general.alignment: expected a power of two/],
  ['gguf: alignment of zero', () => withGguf(new GgufBytes(0, 1).entry('general.alignment', 0).done()), /general.alignment/],
  ['gguf: overlap', () => withGguf(new GgufBytes(2, 0).tensor('a', [16], 0, 0).tensor('b', [16], 0, 32).data(128).done()), /tensors a and b overlap/],
  ['gguf: part of a block', () => withGguf(new GgufBytes(1, 0).tensor('a', [33], 8, 0).data(128).done()), /tensor a: columns of q8_0: expected a multiple of 32, got 33/],
  ['gguf: header cut', () => cut('gguf/qwen3-nvfp4', 'model.gguf', 900), /model.gguf: (truncated header|.*more than the file can hold)/],
  ['gguf: data cut', () => cut('gguf/qwen3-nvfp4', 'model.gguf', 200_000), /tensor \S+: (begins|reaches) beyond the end of the file/],
  ['gguf: no architecture', () => withGguf(new GgufBytes(0, 0).done()), /general.architecture: expected one of llama, qwen2, qwen3, got nothing/],
  ['gguf: unknown architecture', () => withGguf(qwen3Gguf({ 'general.architecture': 'gemma3' })), /general.architecture: expected one of .* got "gemma3"/],
  ['gguf: part of a split model under another name', () => withGguf(qwen3Gguf({ 'split.count': 3 })), /bad.gguf: file name of one of 3 parts of a model: expected NAME-00001-of-00003.gguf/],
  ['gguf: a million parts', () => withGguf(qwen3Gguf({ 'split.count': 1_000_000 })), /split.count: expected at most 256 parts, got 1000000/],
  ['gguf: parts that are text', () => withGguf(qwen3Gguf({ 'split.count': 'two' })), /split.count: expected at most 256 parts, got "two"/],
  ['gguf: a part is missing', () => split(bytes => bytes, [1]), /00001-of-00002.gguf: part of a split model .*: expected 2 files, got no model-00002-of-00002.gguf/],
  ['gguf: parts that say the same number', () => split((b, part) => (part === 1 ? patched(b, 'split.no', 0) : b)), /00002-of-00002.gguf: metadata split.no: expected 1, got 0/],
  ['gguf: parts of another count', () => split((b, part) => (part === 1 ? patched(b, 'split.count', 3) : b)), /00002-of-00002.gguf: metadata split.count: expected 2, got 3/],
  ['gguf: a part cut', () => split((b, part) => (part === 1 ? b.subarray(0, 40_000) : b)), /00002-of-00002.gguf: tensor \S+: (begins|reaches) beyond the end/],
  ['gguf: parts that differ in the number of tensors', () => split((b, part) => (part === 0 ? patched(b, 'split.tensors.count', 22) : b)), /00002-of-00002.gguf: metadata split.tensors.count: expected 22, got 21/],
  ['gguf: more tensors than there are', () => split(b => patched(b, 'split.tensors.count', 22)), /tensors in all 2 parts: expected 22, got 21/],
  ['gguf: a tensor in two parts', () => split((b, part) => (part === 1 ? renamed(b, 'blk.1.attn_k.weight', 'blk.0.attn_k.weight') : b)), /00002-of-00002.gguf: tensor blk.0.attn_k.weight: .*also in model-00001-of-00002.gguf/],
  ['gguf: a billion layers', () => withGguf(qwen3Gguf({ 'qwen3.block_count': 1e9 })), /qwen3.block_count: expected an integer from 1 to 1024/],
  ['gguf: no heads', () => withGguf(qwen3Gguf({ 'qwen3.attention.head_count': 0 })), /qwen3.attention.head_count: expected an integer from 1/],
  ['gguf: unknown rope type', () => withGguf(qwen3Gguf({ 'qwen3.rope.scaling.type': 'yarn' })), /qwen3.rope.scaling.type: expected one of none, linear, got "yarn"/],
  ['gguf: linear rope', () => withGguf(qwen3Gguf({ 'qwen3.rope.scaling.factor': 4 })), /rope.scaling.factor: expected 1 /],
  ['gguf: part of a head rotated', () => withGguf(qwen3Gguf({ 'qwen3.rope.dimension_count': 8 })), /rope.dimension_count: expected 16/],
  ['gguf: experts', () => withGguf(qwen3Gguf({ 'qwen3.expert_count': 8 })), /mixtures of experts/],
  ['gguf: missing tensor', () => withGguf(qwen3Gguf({})), /tensor model.layers.0.input_layernorm.weight is missing/],
  ['gguf: unsupported type', () => withGguf(qwen3Gguf({}, 15)), /tensor token_embd.weight: type: expected f32, f16, .*nvfp4, got q8_k/],
  ['gguf: unknown type', () => withGguf(qwen3Gguf({}, 99)), /tensor token_embd.weight: type: expected .* got type 99/],
  ['gguf: embedding of another width', () => withGguf(qwen3Gguf({ 'qwen3.embedding_length': 64 })), /embed_tokens.weight: shape: expected \[8,64\], got \[8,32\]/],
  ['gguf: two files in a folder', () => twoGgufs(), /no model in this folder: .*got 2 .gguf files/],
]

for (const [name, make, wanted] of cases) {
  test(name, async () => {
    const path = make()
    const before = process.memoryUsage()
    const error: unknown = await openModel(path).then(model => (model.close(), null), (e: unknown) => e)
    const after = process.memoryUsage()
    assert.ok(error instanceof WeftError, `opened, or another error: ${String(error)}`)
    assert.match(error.message, wanted)
    assert.is(error.exitCode, 1)
    assert.not.match(error.message, /[\u0000-\u001f\u007f]/)
    assert.ok(error.message.length < 700, error.message)
    const grown = after.heapUsed + after.external - before.heapUsed - before.external
    assert.ok(grown < 192 << 20, `${grown} bytes allocated`)
  })
}

/** Headers with a few bytes replaced: whatever comes of it, it is a model or one clear line. */
for (const [path, headerBytes] of [
  ['gguf/llama3-mixed/model.gguf', 2600], ['models/qwen3_nvfp4_modelopt/model.safetensors', 8288], ['models/llama3/config.json', 1083],
] as const) {
  test(`${path} with bytes replaced at random`, async () => {
    const original = readFileSync(fixture(path))
    const folder = path.endsWith('.gguf') ? makeFolder() : makeModel(path.split('/')[1]!)
    let state = 7
    const draw = (below: number): number => {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0
      return Math.floor((state / 2 ** 32) * below)
    }
    for (let i = 0; i < 200; i++) {
      const bytes = Buffer.from(original)
      for (let k = draw(3); k >= 0; k--) bytes[draw(headerBytes)] = [draw(256), 0, 255, 0x22, 0x39, 0x7f][draw(6)]!
      writeFiles(folder, { [path.split('/')[2]!]: bytes })
      const error: unknown = await openModel(folder).then(model => (model.close(), null), (e: unknown) => e)
      assert.ok(error === null || error instanceof WeftError, `round ${i}: ${String(error)}`)
    }
  })
}

test.run()
