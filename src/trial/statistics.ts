/** What differences between arms are worth: paired differences, their standard errors, and what more pictures would show. */

export function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length
}

/** Sample variance, with n - 1; 0 of a single value. */
function variance(values: readonly number[]): number {
  if (values.length < 2) return 0
  const middle = mean(values)
  return values.reduce((sum, value) => sum + (value - middle) ** 2, 0) / (values.length - 1)
}

/** A paired difference, in the unit of its values. */
export interface Difference {
  readonly mean: number
  readonly error: number
  /** What `error` is multiplied by for an interval of 95 %: Student's quantile. */
  readonly quantile: number
  readonly repetitions: number
}

/** What one repetition says of a pair of arms: 1 or 0 for each held-out picture, in one order. */
export interface Paired {
  readonly ours: Uint8Array
  readonly theirs: Uint8Array
}

/** How repetitions get their held-out pictures. */
export type Design =
  /** Each holds out another part of the same pictures, so that their lessons overlap; `share` of all pictures is held out. */
  | { readonly kind: 'holdOuts'; readonly share: number }
  /** All are judged by the same other pictures. */
  | { readonly kind: 'validation' }

/** Variance of a repetition's difference, from several arms, and how many degrees of freedom it has. */
export interface Spread {
  readonly variance: number
  readonly freedom: number
}

/** Differences ours - theirs of the shares of right pictures, by repetition. */
function meansOf(repetitions: readonly Paired[]): number[] {
  return repetitions.map(({ ours, theirs }) => mean(Array.from(ours, (right, i) => right - theirs[i]!)))
}

/**
 * The variance over repetitions of the differences of several arms, each compared to the same other one, taken together: a few
 * repetitions of one arm may agree by chance. As the arms share that other one, only half of the degrees of freedom count.
 */
export function spreadOf(arms: readonly (readonly Paired[])[]): Spread {
  const several = arms.filter(({ length }) => length > 1)
  const freedom = several.reduce((sum, { length }) => sum + length - 1, 0)
  const squares = several.reduce((sum, arm) => sum + (arm.length - 1) * variance(meansOf(arm)), 0)
  return { variance: freedom === 0 ? 0 : squares / freedom, freedom: Math.ceil(freedom / 2) }
}

/**
 * Variance that seeds alone give a difference to clean, where only one repetition is known: a deviation of one point, that of
 * several arms on 5,000 test pictures of CIFAR-10 (docs/trial.md). Without it one lucky student of clean makes all arms harm.
 */
const LUCK = 0.01 ** 2

/**
 * The difference of the shares of right pictures, ours - theirs, over r repetitions, with a standard error that says what another
 * sample of pictures and other seeds could change. `spread` is the variance over repetitions; it is taken to be at least
 * v = var_i(d) / n, what n pictures alone make (McNemar), with d[s, i] in {-1, 0, 1} of repetition s and picture i, one of which
 * counts as unlike where none is. A single repetition adds LUCK to v.
 *
 * Hold-outs: lessons of different repetitions overlap, so that spread / r is too small. Nadeau & Bengio (2003) correct it:
 *     error^2 = (1 / r + share / (1 - share)) max(spread, v).
 * Validation: seeds and pictures vary independently (crossed random effects):
 *     error^2 = spread / r + var_i(mean_s d) / n - var(residual) / (r n), at least each of the first two.
 */
export function difference(
  repetitions: readonly Paired[],
  design: Design,
  spread: Spread = spreadOf([repetitions]),
): Difference {
  const r = repetitions.length
  const rows = repetitions.map(({ ours, theirs }) => Float64Array.from(ours, (right, i) => right - theirs[i]!))
  const means = meansOf(repetitions)
  // Arms that answer alike everywhere might still differ on the next picture.
  const pictures = mean(rows.map((row) => Math.max(variance([...row]), 1 / row.length) / row.length))
  const alone = pictures + (spread.freedom === 0 ? LUCK : 0)
  const squared =
    design.kind === 'holdOuts'
      ? (1 / r + design.share / (1 - design.share)) * Math.max(spread.variance, alone)
      : Math.max(crossed(rows, means, spread.variance), alone / r)
  const quantile = spread.freedom === 0 ? NORMAL : studentQuantile(spread.freedom)
  return { mean: mean(means), error: Math.sqrt(squared), quantile, repetitions: r }
}

function crossed(rows: readonly Float64Array[], means: readonly number[], spread: number): number {
  const [r, n] = [rows.length, rows[0]!.length]
  const byPicture = Array.from({ length: n }, (_, i) => mean(rows.map((row) => row[i]!)))
  const all = mean(means)
  let residual = 0
  for (const [s, row] of rows.entries()) {
    for (let i = 0; i < n; i++) residual += (row[i]! - means[s]! - byPicture[i]! + all) ** 2
  }
  residual /= Math.max(1, (r - 1) * (n - 1))
  const [seeds, pictures] = [spread / r, variance(byPicture) / n]
  return Math.max(seeds, pictures, seeds + pictures - residual / (r * n))
}

/** The same of one number a repetition, such as the log loss; no part for the choice of pictures in validation. */
export function differenceOf(ours: readonly number[], theirs: readonly number[], design: Design): Difference {
  const differences = ours.map((value, i) => value - theirs[i]!)
  const r = differences.length
  const factor = 1 / r + (design.kind === 'holdOuts' ? design.share / (1 - design.share) : 0)
  const quantile = r === 1 ? Number.POSITIVE_INFINITY : studentQuantile(r - 1)
  return { mean: mean(differences), error: Math.sqrt(factor * variance(differences)), quantile, repetitions: r }
}

/** Whether 0 lies outside of the 95 % interval. */
export function isShown({ mean: found, error, quantile }: Difference): boolean {
  return Math.abs(found) > quantile * error
}

/** The smallest difference that would be shown. */
export function detectable({ error, quantile }: Pick<Difference, 'error' | 'quantile'>): number {
  return quantile * error
}

/**
 * About how many pictures would show a difference of `wanted`, where `pictures` show one of `shown`: the error goes with the
 * root of their number.
 */
export function picturesFor(wanted: number, pictures: number, shown: number): number {
  return pictures * (shown / wanted) ** 2
}

/** About the share of the pictures that is right in one of two students alone: what a plan goes by before anything is known. */
const DISAGREEMENT = 0.2

/** About the standard error of one repetition's difference, judged by `held` pictures. */
export function errorOfOne(held: number): number {
  return Math.sqrt(DISAGREEMENT / held + LUCK)
}

/** The 97.5 % quantile of the normal distribution. */
const NORMAL = 1.959963984540054

/** The 97.5 % quantile of Student's distribution with `freedom` degrees of freedom, at least 1: bisection on its tail. */
export function studentQuantile(freedom: number): number {
  let [low, high] = [0, 13]
  for (let i = 0; i < 60; i++) {
    const middle = (low + high) / 2
    if (studentTail(middle, freedom) > 0.025) low = middle
    else high = middle
  }
  return (low + high) / 2
}

/**
 * P(T > t) for Student's T with a whole number of degrees of freedom (Abramowitz & Stegun 26.7.3 and 26.7.4): with
 * theta = atan(t / sqrt(v)), P(|T| < t) = 2/pi (theta + sin cos (1 + 2/3 cos^2 + ...)) for odd v, and
 * sin (1 + 1/2 cos^2 + 1 3 / (2 4) cos^4 + ...) for even v.
 */
function studentTail(t: number, freedom: number): number {
  const theta = Math.atan(t / Math.sqrt(freedom))
  const [sine, cosine] = [Math.sin(theta), Math.cos(theta)]
  const isOdd = freedom % 2 === 1
  let [term, sum] = [isOdd ? cosine : 1, 0]
  if (freedom > 1) sum = term
  for (let k = isOdd ? 3 : 2; k <= freedom - 2; k += 2) {
    term *= (cosine ** 2 * (k - 1)) / k
    sum += term
  }
  const inside = isOdd ? (2 / Math.PI) * (theta + sine * sum) : sine * sum
  return (1 - inside) / 2
}
