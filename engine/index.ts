/** weft as a library: `import { load } from 'weft-llm'`. */
export { load, builtInModel } from './load.js'
export { check } from './check.js'
export { checkAgainst, checkTrace } from './check-trace.js'
export { perplexity, scoredText } from './perplexity.js'
export { readTrace, writeTrace } from './trace-file.js'
export { WeftError } from '../graph/error.js'
export type * from './types.js'
export type { Tokenizer } from './tokenizer.js'
