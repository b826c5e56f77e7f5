/** Multinomial logistic regression with a quadratic penalty, by L-BFGS, in float64. */

/** n rows of `size` numbers, row by row. */
export interface Rows {
  readonly data: Float64Array
  readonly size: number
}

/** Logits are x -> weights x + bias: weights [K, D] row by row, bias [K]. */
export interface Linear {
  readonly weights: Float64Array
  readonly bias: Float64Array
}

/** Steps that the search remembers, and the most it takes. */
const [MEMORY, STEPS] = [10, 300]

/** Largest entry of the gradient at which it ends. */
const FLAT = 1e-5

/**
 * Minimises  mean over rows of cross-entropy(y, softmax(W x + b)) + penalty / 2 |W|^2  over W and b, for label distributions
 * `targets` [n, K]; `start` is where the search begins. The penalty does not touch b.
 */
export function fitLogistic(features: Rows, targets: Rows, penalty: number, start?: Linear): Linear {
  const [d, k] = [features.size, targets.size]
  const objective = (point: Float64Array, gradient: Float64Array) => loss(point, gradient, features, targets, penalty)
  const point = new Float64Array(k * d + k)
  if (start !== undefined) {
    point.set(start.weights)
    point.set(start.bias, k * d)
  }
  minimise(objective, point)
  return { weights: point.slice(0, k * d), bias: point.slice(k * d) }
}

/** softmax(W x + b) of a row, into `out` [K]. */
export function probabilities({ weights, bias }: Linear, row: Float64Array, out: Float64Array): void {
  const d = row.length
  for (let c = 0; c < out.length; c++) {
    let z = bias[c]!
    for (let j = 0, at = c * d; j < d; j++) z += weights[at + j]! * row[j]!
    out[c] = z
  }
  softmax(out)
}

function softmax(z: Float64Array): void {
  let most = Number.NEGATIVE_INFINITY
  for (let c = 0; c < z.length; c++) most = Math.max(most, z[c]!)
  let sum = 0
  for (let c = 0; c < z.length; c++) {
    z[c] = Math.exp(z[c]! - most)
    sum += z[c]!
  }
  for (let c = 0; c < z.length; c++) z[c]! /= sum
}

/** The objective at W, b (`point`), and its gradient. */
function loss(point: Float64Array, gradient: Float64Array, x: Rows, y: Rows, penalty: number): number {
  const [d, k] = [x.size, y.size]
  const n = x.data.length / d
  const linear = { weights: point.subarray(0, k * d), bias: point.subarray(k * d) }
  const p = new Float64Array(k)
  let total = 0
  gradient.fill(0)
  for (let i = 0; i < n; i++) {
    const row = x.data.subarray(i * d, (i + 1) * d)
    probabilities(linear, row, p)
    for (let c = 0; c < k; c++) {
      const target = y.data[i * k + c]!
      // The least probability there is a logarithm of.
      if (target > 0) total -= target * Math.log(Math.max(p[c]!, Number.MIN_VALUE))
      const slope = (p[c]! - target) / n
      for (let j = 0, at = c * d; j < d; j++) gradient[at + j]! += slope * row[j]!
      gradient[k * d + c]! += slope
    }
  }
  let squares = 0
  for (let j = 0; j < k * d; j++) {
    squares += point[j]! ** 2
    gradient[j]! += penalty * point[j]!
  }
  return total / n + (penalty / 2) * squares
}

type Objective = (point: Float64Array, gradient: Float64Array) => number

/** L-BFGS (Nocedal & Wright 2006, algorithm 7.5) with backtracking, in place; for a convex objective. */
function minimise(objective: Objective, point: Float64Array): void {
  let gradient = new Float64Array(point.length)
  let value = objective(point, gradient)
  const pairs: { s: Float64Array; y: Float64Array; rho: number }[] = []
  for (let step = 0; step < STEPS && largest(gradient) > FLAT; step++) {
    const direction = towards(gradient, pairs)
    const slope = dot(direction, gradient)
    const next = { point: new Float64Array(point.length), gradient: new Float64Array(point.length), value: 0 }
    let length = pairs.length === 0 ? Math.min(1, 1 / largest(gradient)) : 1
    for (; ; length /= 2) {
      for (let i = 0; i < point.length; i++) next.point[i] = point[i]! + length * direction[i]!
      next.value = objective(next.point, next.gradient)
      if (next.value <= value + 1e-4 * length * slope) break
      if (length < 1e-12) return
    }
    const s = next.point.map((x, i) => x - point[i]!)
    const y = next.gradient.map((x, i) => x - gradient[i]!)
    const curvature = dot(s, y)
    if (curvature > 0) pairs.push({ s, y, rho: 1 / curvature })
    if (pairs.length > MEMORY) pairs.shift()
    point.set(next.point)
    gradient = next.gradient
    value = next.value
  }
}

/** Minus the approximate inverse Hessian times the gradient: the two loops. */
function towards(gradient: Float64Array, pairs: readonly { s: Float64Array; y: Float64Array; rho: number }[]) {
  const q = gradient.map((x) => -x)
  const alphas = pairs.map(() => 0)
  for (let i = pairs.length - 1; i >= 0; i--) {
    const { s, y, rho } = pairs[i]!
    alphas[i] = rho * dot(s, q)
    for (let j = 0; j < q.length; j++) q[j]! -= alphas[i]! * y[j]!
  }
  const last = pairs.at(-1)
  if (last !== undefined) {
    const scale = 1 / (last.rho * dot(last.y, last.y))
    for (let j = 0; j < q.length; j++) q[j]! *= scale
  }
  for (const [i, { s, y, rho }] of pairs.entries()) {
    const beta = rho * dot(y, q)
    for (let j = 0; j < q.length; j++) q[j]! += (alphas[i]! - beta) * s[j]!
  }
  return q
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0
  for (let i = 0; i < a.length; i++) sum += a[i]! * b[i]!
  return sum
}

function largest(values: Float64Array): number {
  let most = 0
  for (let i = 0; i < values.length; i++) most = Math.max(most, Math.abs(values[i]!))
  return most
}
