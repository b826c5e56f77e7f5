/** For every operator of the rule table, the forms whose formulas differ. */

import { ACTIVATION } from './activation.js'
import { ALGEBRA } from './algebra.js'
import { ELEMENTWISE } from './elementwise.js'
import { EXPANDED } from './expansions.js'
import { INDEXING } from './indexing.js'
import { MOVEMENT } from './movement.js'
import { RECURRENT } from './recurrent.js'
import { REDUCTION } from './reduction.js'
import type { RuleCase } from './ruleCase.js'
import { SPATIAL } from './spatial.js'
import { STOPS } from './stops.js'

export const RULE_CASES: Record<string, readonly RuleCase[]> = {
  ...EXPANDED,
  ...RECURRENT,
  ...ELEMENTWISE,
  ...ACTIVATION,
  ...SPATIAL,
  ...ALGEBRA,
  ...MOVEMENT,
  ...INDEXING,
  ...REDUCTION,
  ...STOPS,
}
