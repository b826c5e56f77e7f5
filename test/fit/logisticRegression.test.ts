import { expect, test } from 'vitest'
import { fitLogistic, probabilities, type Rows } from '../../src/fit/logisticRegression.js'

/** 40 rows of 5 features, and classes that depend on them: 17, 20 and 3 rows. */
const x = (i: number, j: number) => Math.sin(1.7 * i + 2.3 * j + 0.1 * i * j)
const features: Rows = { data: Float64Array.from({ length: 200 }, (_, at) => x(Math.floor(at / 5), at % 5)), size: 5 }
const classOf = (i: number) => (2 * x(i, 0) + x(i, 1) ** 2 > 0.6 ? 1 : 0) + (x(i, 2) + x(i, 3) > 0.9 ? 1 : 0)
const targets: Rows = {
  data: Float64Array.from({ length: 120 }, (_, at) => (at % 3 === classOf(Math.floor(at / 3)) ? 1 : 0)),
  size: 3,
}

/** scikit-learn 1.8: LogisticRegression(C=1 / (40 penalty), tol=1e-12).fit(x, y); biases less their mean. */
const SKLEARN = [
  {
    penalty: 1,
    weights: [
      [-0.1984622, 0.0489857, -0.1053579, -0.035479, 0.021869],
      [0.1528138, -0.0651458, 0.0556012, -0.0286821, -0.0408794],
      [0.0456484, 0.01616, 0.0497567, 0.0641611, 0.0190103],
    ],
    bias: [0.5214169, 0.6848692, -1.2062861],
  },
  {
    penalty: 0.01,
    weights: [
      [-2.3375261, -0.0642762, -1.5261165, -1.2834649, 0.0550614],
      [0.8849172, -0.1166341, 0.2022084, -0.3929383, -0.2215591],
      [1.4526089, 0.1809102, 1.3239081, 1.6764032, 0.1664977],
    ],
    bias: [0.6289778, 1.2346287, -1.8636064],
  },
]

test.each(SKLEARN)('the fit with penalty $penalty is that of scikit-learn', ({ penalty, weights, bias }) => {
  const found = fitLogistic(features, targets, penalty)
  const mean = found.bias.reduce((a, b) => a + b) / 3
  const error = (a: ArrayLike<number>, b: readonly number[]) =>
    b.reduce((most, value, i) => Math.max(most, Math.abs(value - a[i]!)), 0)
  expect(error(found.weights, weights.flat())).toBeLessThan(2e-3)
  expect(
    error(
      found.bias.map((b) => b - mean),
      bias,
    ),
  ).toBeLessThan(2e-3)
})

test('soft labels are fitted in the mean, and a start elsewhere ends at the same place', () => {
  const soft = { data: Float64Array.from({ length: 120 }, (_, at) => [0.2, 0.5, 0.3][at % 3]!), size: 3 }
  const head = fitLogistic(features, soft, 0.1)
  const p = new Float64Array(3)
  probabilities(head, features.data.subarray(0, 5), p)
  for (const [c, share] of [0.2, 0.5, 0.3].entries()) expect(p[c]).toBeCloseTo(share, 3)
  const again = fitLogistic(features, targets, 1, {
    weights: new Float64Array(15).fill(3),
    bias: Float64Array.of(2, -5, 1),
  })
  const first = fitLogistic(features, targets, 1)
  for (const [i, weight] of first.weights.entries()) expect(again.weights[i]).toBeCloseTo(weight, 3)
})
