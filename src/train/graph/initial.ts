/** Weights to start from where a network has learnt nothing. */
import { normal, randomStream } from '../../core/random.js'
import type { Parameter, Role } from './parameters.js'

/** Deviation of token, position and other tables, as transformers have it. */
const TABLE_DEVIATION = 0.02

/** What a slope of PRelu and the vectors of normalisations start from. */
const START: Partial<Record<Role, number>> = { bias: 0, scale: 1, slope: 0.25 }

/**
 * The elements that weight number `index` starts from: filters normal with variance 2 / fan-in (He et al. 2015, arXiv
 * 1502.01852), 1 / fan-in in the last layer, behind which nothing is rectified; from a stream of (seed, index) alone. Null for
 * a vector that scales a branch, which keeps what the file has.
 */
export function initialWeight(
  { role, fanIn }: Parameter,
  dims: readonly number[],
  { seed, index, isLast }: { readonly seed: number; readonly index: number; readonly isLast: boolean },
): Float32Array<ArrayBuffer> | null {
  const size = dims.reduce((a, b) => a * b, 1)
  const start = START[role]
  if (start !== undefined) return new Float32Array(size).fill(start)
  if (role === 'table' && dims.filter((dim) => dim > 1).length < 2) return null
  const deviation = role === 'table' ? TABLE_DEVIATION : Math.sqrt((isLast ? 1 : 2) / fanIn)
  const random = randomStream(seed, index)
  return Float32Array.from({ length: size }, () => deviation * normal(random))
}
