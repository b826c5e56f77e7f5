/** The tables: operator, after its domain unless that is the standard one -> how it is written out. */
import { floatAttribute } from '../../onnx/node.js'
import type { Expansion } from '../expansion.js'
import { ATTENTION } from './attention.js'
import { CONTRIB, SIZED_CONTRIB } from './contrib.js'
import { EINSUM } from './einsum.js'
import { GRID_SAMPLE } from './gridSample.js'
import { LOSS } from './loss.js'
import { NORMALIZATION } from './normalization.js'
import { RECURRENT } from './recurrent.js'

export type Expansions = Readonly<Record<string, Expansion | undefined>>

/** The ones that look at no size: applied before anything is run. */
export const PLAIN_EXPANSIONS: Expansions = {
  ...CONTRIB,
  /** x sigmoid(alpha x). */
  Swish: (g, node) => {
    const [x, alpha] = [node.input[0]!, floatAttribute(node, 'alpha', 1)]
    return [g.mul(x, g.emit('Sigmoid', [alpha === 1 ? x : g.mul(x, alpha)]))]
  },
}

/** The ones that need to know the sizes of their inputs. */
export const SIZED_EXPANSIONS: Expansions = {
  ...ATTENTION,
  ...EINSUM,
  ...SIZED_CONTRIB,
  ...GRID_SAMPLE,
  ...LOSS,
  ...NORMALIZATION,
  ...RECURRENT,
}

export const EXPANSIONS: Expansions = { ...PLAIN_EXPANSIONS, ...SIZED_EXPANSIONS }
