/**
 * What the compiled module offers to `engine/tokenizer.ts` and `engine/sampler.ts`. Both sides share flat memory and
 * numbers only; an instance is either a tokenizer or a sampler.
 */
export {
  createTokenizer, finishVocabulary, enterMerges, enterAdded, inputBuffer, outputBuffer, encode, decode, decodedBytes,
} from './tokenizer'
export { tokenBytes, tokenFlags, tokenOffsets } from './vocabulary'
export { UNICODE_VERSION as unicodeVersion } from './unicode'
export {
  createSampler, configure, addBias, logitsBuffer, candidatesBuffer, historyBuffer, fromLogits, fromCandidates,
} from './sampler'
