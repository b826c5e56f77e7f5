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

/**
 * The difference of the shares of right pictures, ours - theirs, over r repetitions, with a standard error that says what another
 * sample of pictures and other seeds could change.
 *
 * Hold-outs: lessons of different repetitions overlap, so that var / r is too small. Nadeau & Bengio (2003) correct it:
 *     error^2 = (1 / r + share / (1 - share)) var over repetitions.
 * Validation: seeds and pictures vary independently (crossed random effects). With d[s, i] in {-1, 0, 1} of seed s, picture i:
 *     error^2 = var_s(mean_i d) / r + var_i(mean_s d) / n - var(residual) / (r n), at least the first two's larger.
 * A single repetition has no variance over repetitions: then it is that of the n pictures alone (McNemar),
 *     error^2 = var_i(d) / n.
 */
export function difference(repetitions: readonly Paired[], design: Design): Difference {
  const r = repetitions.length
  const rows = repetitions.map(({ ours, theirs }) => Float64Array.from(ours, (right, i) => right - theirs[i]!))
  const means = rows.map((row) => row.reduce((sum, d) => sum + d, 0) / row.length)
  const squared =
    r === 1
      ? variance([...rows[0]!]) / rows[0]!.length
      : design.kind === 'holdOuts'
        ? (1 / r + design.share / (1 - design.share)) * variance(means)
        : crossed(rows, means)
  const quantile = r === 1 ? NORMAL : studentQuantile(r - 1)
  return { mean: mean(means), error: Math.sqrt(squared), quantile, repetitions: r }
}

function crossed(rows: readonly Float64Array[], means: readonly number[]): number {
  const [r, n] = [rows.length, rows[0]!.length]
  const byPicture = Array.from({ length: n }, (_, i) => mean(rows.map((row) => row[i]!)))
  const all = mean(means)
  let residual = 0
  for (const [s, row] of rows.entries()) {
    for (let i = 0; i < n; i++) residual += (row[i]! - means[s]! - byPicture[i]! + all) ** 2
  }
  residual /= Math.max(1, (r - 1) * (n - 1))
  const [seeds, pictures] = [variance(means) / r, variance(byPicture) / n]
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

/** Two students who are told the same disagree about this share of the pictures, unless it has been measured. */
const USUAL_DISAGREEMENT = 0.2

/** Standard error of one repetition's difference where `disagreement` of `held` pictures is right in one arm alone. */
export function errorOfOne(held: number, disagreement = USUAL_DISAGREEMENT): number {
  return Math.sqrt(disagreement / held)
}

/** Share of the pictures that are right in one of two arms alone. */
export function disagreementOf(repetitions: readonly Paired[]): number {
  let [unlike, all] = [0, 0]
  for (const { ours, theirs } of repetitions) {
    ours.forEach((right, i) => {
      if (right !== theirs[i]) unlike++
    })
    all += ours.length
  }
  return unlike / all
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
