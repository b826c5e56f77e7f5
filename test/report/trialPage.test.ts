import { expect, test } from 'vitest'
import { trialPage } from '../../src/report/trialPage.js'

const clean = {
  ...{ name: 'clean', repetitions: 3, cells: ['60.0', ''], difference: null, samples: [] },
  curve: [
    { step: 50, loss: 2, accuracy: 0.4 },
    { step: 100, loss: 1, accuracy: null },
  ],
}
const mixup = { ...clean, name: 'mixup <b>', difference: { mean: 0.03, error: 0.01, reach: 0.02 } }
const cutmix = { ...clean, name: 'cutmix', difference: { mean: -0.02, error: 0.01, reach: 0.04 } }

const text = trialPage({
  ...{ name: 'pets & more', columns: ['accuracy', 'to clean'], arms: [clean, mixup, cutmix] },
  ...{ verdict: ['helps: mixup'], recommendation: "sage-augment 'my pets'", facts: [['seed', '0']] },
})

test('names are escaped, and nothing else than its own style may run', () => {
  expect(text).toContain('mixup &#60;b&#62;')
  expect(text).not.toContain('<b>')
  expect(text).toContain('pets &#38; more')
  expect(text).toContain('sage-augment &#39;my pets&#39;')
  expect(text).not.toMatch(/<script|https?:/)
})

test('intervals are drawn to scale around 0', () => {
  const lines = [...text.matchAll(/<path class="outline" d="M([\d.]+) \d+H([\d.]+)"\/>/g)].map((m) =>
    m.slice(1).map(Number),
  )
  const zero = Number(/<path class="grid" d="M([\d.]+) 0V/.exec(text)![1])
  const [[a1, a2], [b1, b2]] = lines as [number[], number[]]
  // .01 to .05 and -.06 to .02, on one axis.
  const unit = (a2! - a1!) / 0.04
  expect((a1! - zero) / unit).toBeCloseTo(0.01, 3)
  expect((b2! - zero) / unit).toBeCloseTo(0.02, 3)
  // Cut at the edge of the chart, three errors beyond the mean.
  expect((b1! - zero) / unit).toBeCloseTo(-0.05, 3)
})

test('a curve has its loss as a line, and the accuracy where it was measured', () => {
  expect(text.match(/<circle/g)).toHaveLength(3)
  expect(text).toContain('step 50: 40.0 % right')
  expect(text).toContain('d="M240 0L480 71"')
})
