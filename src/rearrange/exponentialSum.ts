/**
 * An upper bound on the total saliency of every shift at once. The overlap of two saliencies is harmonic, and
 *
 *     1/x >= sum_k W_k exp(-T_k x)  for all x > 0                                   (1)
 *
 * makes it a sum of products: with x = (a + b) / sigma, for any sigma > 0,
 *
 *     2ab / (a + b) = 2ab / (sigma x) >= (2 / sigma) sum_k W_k (a exp(-T_k a / sigma)) (b exp(-T_k b / sigma)).
 *
 * Summed over the pixels of a shift, each product is a cross-correlation. Hence K of them, by FFT, bound the overlap
 * from below for all shifts, and the total saliency from above. sigma only moves the range of x where the bound is tight.
 *
 * (1) holds: with phat(x) = sum W_k exp(-T_k x) and l = ln x, |d/dl (x phat(x))| <= 0.31 sum_k W_k / T_k, so a grid in l
 * proves it between the ends, which are analytic: x phat(x) <= x sum W_k as x -> 0, and it decreases beyond 1 / T_1.
 * exponentialSum.test.ts checks it.
 */
export interface ExponentialSum {
  /** T_1. */
  readonly rate: number
  readonly terms: readonly Term[]
}

/**
 * T_k is a multiple of T_1, so that one exponential per pixel serves all terms: with d = exp(-T_1 x) to begin with, a
 * term uses d^use, and d^keep takes the place of d.
 */
export interface Term {
  readonly weight: number
  readonly use: number
  readonly keep: number
}

/**
 * Fitted to saliency maps of pictures: of their overlap the sums keep 96, 98.8 and 99.7 %. Weights by linear programming
 * under (1), then scaled so that the greatest x phat(x) is 0.9998. T_k / T_1 = 1, 6; 1, 6, 24; 1, 6, 20, 60. That of two
 * terms has two equal maxima: flat for x from 0.7 to 1.5 rather than wide, it leaves half as many shifts of pictures of
 * 32 x 32 to try as the widest one, at alpha 0.3 to 0.5.
 */
export const TWO_TERMS: ExponentialSum = {
  rate: 0.536,
  terms: [
    { weight: 1.40973, use: 1, keep: 1 },
    { weight: 4.34196, use: 6, keep: 1 },
  ],
}
export const THREE_TERMS: ExponentialSum = {
  rate: 0.37,
  terms: [
    { weight: 0.97391, use: 1, keep: 2 },
    { weight: 2.98696, use: 3, keep: 4 },
    { weight: 12.79327, use: 3, keep: 1 },
  ],
}
export const FOUR_TERMS: ExponentialSum = {
  rate: 0.2925,
  terms: [
    { weight: 0.77042, use: 1, keep: 2 },
    { weight: 2.34027, use: 3, keep: 1 },
    { weight: 6.6143, use: 10, keep: 10 },
    { weight: 19.0582, use: 3, keep: 1 },
  ],
}

/** T_k / T_1 of each term. */
export function multiples({ terms }: ExponentialSum): number[] {
  let kept = 1
  return terms.map(({ use, keep }) => {
    const multiple = kept * use
    kept *= keep
    return multiple
  })
}
