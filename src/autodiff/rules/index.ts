/** The table: operator of the standard domain -> its gradient rule. */
import type { VjpRule } from '../rule.js'
import { ACTIVATION } from './activation.js'
import { CONVOLUTION } from './convolution.js'
import { ELEMENTWISE, STOPS } from './elementwise.js'
import { INDEXING } from './indexing.js'
import { LINALG } from './linalg.js'
import { MOVEMENT } from './movement.js'
import { NORMALIZATION } from './normalization.js'
import { POOLING } from './pooling.js'
import { LSTM } from './recurrent.js'
import { REDUCTION } from './reduction.js'

export const RULES: Readonly<Record<string, VjpRule | undefined>> = {
  ...ELEMENTWISE,
  ...ACTIVATION,
  ...CONVOLUTION,
  ...POOLING,
  ...NORMALIZATION,
  ...LINALG,
  ...MOVEMENT,
  ...INDEXING,
  ...REDUCTION,
  ...STOPS,
  LSTM,
}
