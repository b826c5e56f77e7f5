import { writeFileSync } from 'node:fs'
import path from 'node:path'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { AugmentError } from '../../src/core/errors.js'
import { dense, type Label } from '../../src/core/softLabel.js'
import { temporaryFolder } from '../helpers/folder.js'
import { readManifest, readPairs } from '../helpers/manifest.js'

const PICTURES = { 'a.png': '', 'b.png': '', 'sub/c.png': '' }
const RUNS = { numRuns: 300 }

/** Mostly what is right, so that some of the inputs are. */
function mostly<A, B>(right: fc.Arbitrary<A>, wrong: fc.Arbitrary<B>): fc.Arbitrary<A | B> {
  return fc.oneof({ weight: 5, arbitrary: right }, { weight: 1, arbitrary: wrong })
}

const file = mostly(
  fc.constantFrom('a.png', 'b.png', 'sub/c.png'),
  fc.constantFrom('a', './b.png', '../a.png', '/', '', 'sub', 'none.png', '\0', '.'),
)
const word = fc.constantFrom('cat', 'dog', '', '0', '1', '0.5', '1.0', '1e309', '-1', 'NaN', 'é', '"', "'", '=1+1')
const header = fc.constantFrom('file_name', 'id', 'label', 'class', 'cat', 'dog', '', '__proto__', 'toString')

const csv = fc
  .tuple(
    mostly(fc.constantFrom(['id', 'label'], ['id', 'cat', 'dog']), fc.array(header, { maxLength: 4 })),
    fc.array(fc.tuple(file, mostly(fc.constantFrom(['cat'], ['0.5', '0.5']), fc.array(word, { maxLength: 3 }))), {
      maxLength: 3,
    }),
  )
  .map(([names, rows]) => [names.join(','), ...rows.map(([name, cells]) => [name, ...cells].join(','))].join('\n'))

const value = fc.oneof(
  word,
  file,
  fc.double(),
  fc.integer(),
  fc.array(fc.double({ min: 0, max: 1 }), { maxLength: 3 }),
  fc.constant(null),
)
const key = fc.constantFrom(
  ...[
    'file_name',
    'id',
    'label',
    'soft_label',
    'a',
    'b',
    'label_a',
    'label_b',
    'alpha',
    'shift',
    'name',
    'sources',
    'pairs',
    'images',
  ],
  ...['__proto__', 'x'],
)
const right = fc.oneof(
  fc.record({ file_name: file, label: fc.constantFrom('cat', 'dog') }),
  fc.record({ file_name: file, soft_label: fc.constant({ cat: 0.5, dog: 0.5 }) }),
)
const rightPair = fc.oneof(fc.tuple(file, file), fc.record({ a: file, b: file }))
const wrong = fc.oneof(
  fc.dictionary(key, value, { maxKeys: 5 }),
  fc.record({ a: file, b: file, alpha: value, label_a: value, label_b: value }, { requiredKeys: ['a', 'b'] }),
  fc.record({ sources: fc.array(fc.record({ file }), { maxLength: 3 }), alpha: value }),
  fc.jsonValue(),
)
const rows = fc.oneof(
  fc.array(mostly(right, wrong), { maxLength: 3 }),
  fc.array(mostly(rightPair, wrong), { maxLength: 3 }),
)
const json = fc
  .oneof(rows, fc.record({ pairs: rows, images: fc.constantFrom('.', 'sub', 'none') }), fc.jsonValue())
  .map((any) => JSON.stringify(any))
const lines = rows.map((all) => all.map((any) => JSON.stringify(any)).join('\n'))
const bytes = fc.uint8Array({ maxLength: 60 })

function checkLabel(label: Label, classes: number): void {
  if (typeof label === 'number') {
    expect(Number.isInteger(label) && label >= 0 && label < classes).toBe(true)
  } else {
    const weights = dense(label, classes)
    expect(weights).toHaveLength(classes)
    expect(weights.every((weight) => weight >= 0 && weight < 1)).toBe(true)
    expect(Math.abs(weights.reduce((sum, weight) => sum + weight, 0) - 1)).toBeLessThan(1e-12)
  }
}

/** What was read, or undefined where it was refused as a user's mistake. */
async function readOrRefused<T>(reading: Promise<T>): Promise<T | undefined> {
  try {
    return await reading
  } catch (error) {
    expect(error).toBeInstanceOf(AugmentError)
    expect((error as AugmentError).code).toBe('usage')
    return undefined
  }
}

test.each([
  ['labels.csv', fc.oneof(csv, bytes)],
  ['labels.json', fc.oneof(json, bytes)],
  ['metadata.jsonl', fc.oneof(lines, bytes)],
])('any %s is read or refused, and what is read is sound', async (name, content) => {
  const root = temporaryFolder(PICTURES)
  let read = 0
  const property = fc.asyncProperty(content, async (text) => {
    writeFileSync(path.join(root, name), text)
    const manifest = await readOrRefused(readManifest(root))
    if (manifest === undefined) return
    read++
    const files = manifest.sources.map((source) => source.file)
    expect(files).toEqual([...new Set(files)].sort())
    for (const { file, label } of manifest.sources) {
      expect(Object.keys(PICTURES)).toContain(file)
      checkLabel(label, manifest.classes.length)
    }
  })
  await fc.assert(property, RUNS)
  expect(read).toBeGreaterThan(0)
})

test.each([
  ['pairs.json', fc.oneof(json, bytes)],
  ['pairs.jsonl', fc.oneof(lines, bytes)],
])('any %s is read or refused, and what is read is sound', async (name, content) => {
  const root = temporaryFolder({ ...PICTURES, 'labels.csv': 'id,label\na.png,cat\nb.png,dog\nsub/c.png,cat\n' })
  let read = 0
  const property = fc.asyncProperty(content, async (text) => {
    writeFileSync(path.join(root, name), text)
    const list = await readOrRefused(readPairs(path.join(root, name)))
    if (list === undefined) return
    read++
    const { manifest, pairs } = list
    for (const { a, b, labelA, labelB, alpha } of pairs) {
      for (const index of [a, b]) expect(Object.keys(PICTURES)).toContain(manifest.sources[index]!.file)
      for (const label of [labelA, labelB]) if (label !== undefined) checkLabel(label, manifest.classes.length)
      if (alpha !== undefined) expect(alpha >= 0 && alpha <= 1).toBe(true)
    }
  })
  await fc.assert(property, RUNS)
  expect(read).toBeGreaterThan(0)
})
