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
  /** T_k, ascending. */
  readonly rates: readonly number[]
  /** W_k. */
  readonly weights: readonly number[]
}

/**
 * Fitted to saliency maps of pictures: of their overlap, weighted over x, the sums keep 96.3, 99.0 and 99.7 %. Rates by
 * Nelder-Mead, weights by linear programming under (1), then scaled so that the greatest x phat(x) is 0.9998.
 */
export const TWO_TERMS: ExponentialSum = { rates: [0.4851, 3.3537], weights: [1.3001, 5.19367] }
export const THREE_TERMS: ExponentialSum = {
  rates: [0.3616, 2.2643, 8.5699],
  weights: [0.95859, 3.17318, 11.24317],
}
export const FOUR_TERMS: ExponentialSum = {
  rates: [0.2856, 1.7008, 5.4961, 17.2514],
  weights: [0.75139, 2.24441, 6.01921, 20.83168],
}
