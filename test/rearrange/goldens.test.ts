import { expect, test } from 'vitest'
import { bestShift } from '../../src/rearrange/bestShift.js'
import { mask } from '../../src/rearrange/mask.js'
import { totalSaliency } from '../../src/rearrange/totalSaliency.js'
import { needing } from '../helpers/needing.js'
import { readGoldens } from './goldens.js'

const bundled = readGoldens('fixtures/goldens')
const shared = readGoldens('../shared/oracle/goldens')

test('the bundled golden cases are there', () => {
  expect(bundled.length).toBeGreaterThanOrEqual(20)
})

for (const [origin, pairs] of Object.entries({ bundled, shared })) {
  const goldenTest = needing('the shared reference files', pairs.length > 0)

  goldenTest(`total saliency of every shift is the official code's (${origin})`, () => {
    for (const { name, a, b, width, height, totals } of pairs) {
      let i = 0
      let error = 0
      for (let dy = 1 - height; dy < height; dy++) {
        for (let dx = 1 - width; dx < width; dx++) {
          error = Math.max(error, Math.abs(totalSaliency(a, b, width, height, dx, dy) - totals[i++]!))
        }
      }
      expect(error, name).toBeLessThan(1e-6)
    }
  })

  goldenTest(`the best shift is the official code's when it searches all shifts (${origin})`, () => {
    for (const { name, a, b, width, height, dx, dy, totals } of pairs) {
      const best = bestShift(a, b, width, height)
      expect({ name, dx: best.dx, dy: best.dy }).toEqual({ name, dx, dy })
      expect(best.total, name).toBeCloseTo(totals[(dy + height - 1) * (2 * width - 1) + dx + width - 1]!, 6)
    }
  })

  goldenTest(`the mask and lambda at the best shift are the official code's (${origin})`, () => {
    for (const golden of pairs) {
      const { name, a, b, width, height, dx, dy, alpha } = golden
      const weights = mask(a, b, width, height, dx, dy, alpha)
      const error = weights.reduce((most, weight, i) => Math.max(most, Math.abs(weight - golden.mask[i]!)), 0)
      expect(error, name).toBeLessThan(1e-6)
      const mean = weights.reduce((sum, weight) => sum + weight, 0) / weights.length
      expect(Math.abs(mean - golden.lambda), name).toBeLessThan(1e-6)
    }
  })
}
