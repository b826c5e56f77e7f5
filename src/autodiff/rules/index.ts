/** The table: operator of the standard domain -> its gradient rule. */
import type { VjpRule } from '../rule.js'
import { ACTIVATION } from './activation.js'
import { CONVOLUTION } from './convolution.js'
import { ELEMENTWISE } from './elementwise.js'
import { LINALG } from './linalg.js'
import { MOVEMENT } from './movement.js'
import { NORMALIZATION } from './normalization.js'
import { POOLING } from './pooling.js'

export const RULES: Readonly<Record<string, VjpRule | undefined>> = {
  ...ELEMENTWISE,
  ...ACTIVATION,
  ...CONVOLUTION,
  ...POOLING,
  ...NORMALIZATION,
  ...LINALG,
  ...MOVEMENT,
}
