import { expect, test } from 'vitest'
import type { ProvenanceRow } from '../../src/output/rows.js'
import { mapTally } from '../../src/run/uniform.js'

test('pictures are counted once, those of earlier attempts included, and originals not at all', () => {
  const tally = mapTally(['a', 'b', 'c', 'd'].map((file) => ({ file })))
  const row = (method: string, ...sources: [string, boolean][]) =>
    ({
      method,
      sources: sources.map(([file, isUniform]) => ({ file, sha256: '', ...(isUniform && { uniform_saliency: true }) })),
    }) as unknown as ProvenanceRow
  tally.recall(row('sage', ['a', true], ['b', false]))
  tally.recall(row('original', ['d', false]))
  tally.note(0, true)
  tally.note(2, true)
  tally.note(2, false)
  expect(tally.counts()).toEqual({ maps: 3, uniform: 1 })
})
