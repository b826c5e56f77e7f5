/** The table: operator, after its domain unless that is the standard one -> how it is written out. */
import type { Expansion } from '../expansion.js'
import { ATTENTION } from './attention.js'
import { NORMALIZATION } from './normalization.js'

export const EXPANSIONS: Readonly<Record<string, Expansion | undefined>> = {
  ...ATTENTION,
  ...NORMALIZATION,
}
