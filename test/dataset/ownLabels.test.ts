import { mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { dense } from '../../src/core/softLabel.js'
import { checkNames } from '../../src/dataset/labels.js'
import { Problems } from '../../src/dataset/problems.js'
import { labelsHeader, weightsText } from '../../src/output/rows.js'
import { temporaryFolder } from '../helpers/folder.js'
import { readManifest } from '../helpers/manifest.js'

const FILES = ['0.png', '1.png', '2.png']

const awkward = fc.constantFrom(
  '-1',
  '+1',
  '=x',
  '@a',
  '"',
  ',',
  ';',
  "'",
  'NA',
  '0',
  '1.0',
  'label',
  'class',
  'Target',
  'id',
  '__proto__',
)
const name = fc
  .oneof(awkward, fc.string({ unit: 'grapheme', minLength: 1, maxLength: 6 }))
  .map((text) => text.normalize('NFC'))
  .filter((text) => {
    const problems = new Problems()
    checkNames([text], () => '', problems)
    return problems.count === 0 && text !== ''
  })
const weights = fc.array(fc.double({ min: 0.001, max: 1, noNaN: true }), { minLength: 7, maxLength: 7 })

test('labels.csv of any classes that are accepted is read back as the same classes and weights', async () => {
  const root = temporaryFolder(Object.fromEntries(FILES.map((file) => [file, ''])))
  mkdirSync(path.join(root, '.sage'))
  const names = fc.uniqueArray(name, { minLength: 1, maxLength: 6 })
  const property = fc.asyncProperty(names, fc.tuple(weights, weights), async (classes, drawn) => {
    const labels = [...drawn, [1, 0, 0, 0, 0, 0, 0]].map((row) => {
      const part = row.slice(0, classes.length)
      const sum = part.reduce((a, b) => a + b, 0)
      return Float64Array.from(part, (weight) => weight / sum)
    })
    const rows = labels.map((label, i) => `${FILES[i]},${weightsText(label)}\n`)
    writeFileSync(path.join(root, 'labels.csv'), labelsHeader(classes) + rows.join(''))
    writeFileSync(path.join(root, 'classes.txt'), classes.map((text) => `${text}\n`).join(''))
    const read = await readManifest(root)
    expect(read.classes).toEqual(classes)
    read.sources.forEach(({ label }, i) => {
      dense(label, classes.length).forEach((weight, k) => {
        expect(weight).toBeCloseTo(labels[i]![k]!, 12)
      })
    })
  })
  await fc.assert(property, { numRuns: 200 })
})
