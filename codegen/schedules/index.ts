/** All schedules, in the order they are tried. CPU schedules reject GPUs and the reverse; plain ones come last. */
import type { Schedule } from '../schedule.js'
import { attentionGrouped } from './attention-grouped.js'
import { attentionMatrix } from './attention-matrix.js'
import { attentionPlain } from './attention-plain.js'
import { attentionSplit } from './attention-split.js'
import { attentionTile } from './attention-tile.js'
import { columns, kvAppend, pointwiseSchedules, rows, slice } from './elementwise.js'
import { embeddingPlain, embeddingRuns } from './embedding.js'
import { matrixTile } from './linear-matrix.js'
import { matvec } from './linear-matvec.js'
import { plain } from './linear-plain.js'
import { tile } from './linear-tile.js'
import { normPlain, normRows } from './norm.js'
import { qkvHeads, ropePlain } from './rope.js'
import { attentionHeads } from './cpu/attention-heads.js'
import { linearBlock } from './cpu/linear-block.js'
import { linearRow } from './cpu/linear-row.js'
import { argmaxChunks, topKPlain, topKSort } from './select.js'

export const schedules: readonly Schedule[] = [
  ...matvec, ...matrixTile, ...tile, ...linearRow, ...linearBlock, ...plain,
  attentionGrouped, attentionSplit, attentionMatrix, attentionTile, attentionHeads, attentionPlain,
  normRows, normPlain,
  qkvHeads, ropePlain,
  embeddingRuns, embeddingPlain,
  ...pointwiseSchedules, slice, rows, columns, kvAppend,
  argmaxChunks, topKSort, topKPlain,
]
