import { beta, type Random } from '../core/random.js'
import type { NumberParameter } from './method.js'

/** The `mixupAlpha` of every method that draws its ratio from Beta(a, a). */
export const mixupAlpha: NumberParameter = {
  default: 1,
  low: 0,
  high: 1000,
  description: 'a of lambda = Beta(a, a), the ratio aimed at; 0 means 1/2',
}

/** lambda = Beta(a, a), for a = 0 its limit in the mean, 1/2. */
export function drawLambda(a: number, random: Random): number {
  return a === 0 ? 0.5 : beta(random, a, a)
}
