/** weft as a library: `import { load } from 'weft-llm'`. */
export { load, builtInModel } from './load.js'
export { check } from './check.js'
export { WeftError } from '../graph/error.js'
export type * from './types.js'
export type { Tokenizer } from './tokenizer.js'
