import { readFileSync, truncateSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Failure, Row } from '../../src/output/rows.js'
import { Tables } from '../../src/output/tables.js'
import { temporaryFolder, tree } from '../helpers/folder.js'
import { rowOf } from '../helpers/rows.js'

const CLASSES = ['cat', '=HYPERLINK("x")', 'a,b "c"']

function row(index: number): Row {
  const lambda = 1 / (index + 2)
  const { label, made } = rowOf(index, Float64Array.of(lambda, 1 - lambda, 0))
  const sources = made.sources.map((source) => ({ ...source, file: `ü ${index} ${source.file}` }))
  return { label, made: { ...made, lambda, sources } }
}

const failure = (index: number): Failure => ({ index, sources: ['bad.jpg'], message: 'bad.jpg: bad' })

/** Outputs 0 to n - 1, every fifth a failure, in appends of `step`. */
async function fill(folder: string, n: number, step: number): Promise<void> {
  const tables = await Tables.open(folder, CLASSES)
  for (let from = tables.next; from < n; from += step) {
    const indices = Array.from({ length: Math.min(step, n - from) }, (_, i) => from + i)
    await tables.append(
      indices.filter((i) => i % 5 !== 3).map(row),
      indices.filter((i) => i % 5 === 3).map(failure),
      from + indices.length,
    )
  }
}

test('tables cut at any byte of the last line on are completed to the same bytes', async () => {
  const whole = temporaryFolder()
  await fill(whole, 23, 23)
  const expected = tree(whole)
  const names = ['failures.jsonl', 'labels.csv', 'metadata.jsonl']
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 0, max: 22 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      fc.integer({ min: 1, max: 9 }),
      async (reached, cut, step) => {
        const folder = temporaryFolder()
        await fill(folder, reached, step)
        const at = readFileSync(path.join(folder, 'labels.csv')).length
        // A crash while the next append was under way: some of the other files have grown, provenance is torn.
        for (const name of names) writeFileSync(path.join(folder, name), expected[name]!, 'latin1')
        truncateSync(path.join(folder, 'labels.csv'), at + Math.floor(cut * (expected['labels.csv']!.length - at)))
        const torn = expected['provenance.jsonl']!
        const kept = torn
          .split('\n')
          .slice(0, reached - Math.floor((reached + 1) / 5))
          .join('\n').length
        writeFileSync(path.join(folder, 'provenance.jsonl'), torn.slice(0, kept + Math.floor(cut * 20)), 'latin1')
        await fill(folder, 23, step)
        expect(tree(folder)).toEqual(expected)
      },
    ),
    { numRuns: 60 },
  )
})

test('numbers always have a point, whatever their size', async () => {
  const folder = temporaryFolder()
  const tables = await Tables.open(folder, CLASSES)
  const label = Float64Array.of(1, 0, 1e-7)
  await tables.append([{ label, made: { ...row(0).made, lambda: 1 } }], [], 1)
  const line = readFileSync(path.join(folder, 'labels.csv'), 'utf8').split('\n')[1]
  expect(line).toBe('images/00000/000000000.jpg,1.0,0.0,1.0e-7')
  const metadata = readFileSync(path.join(folder, 'metadata.jsonl'), 'utf8')
  expect(metadata).toContain('"soft_label": [1.0, 0.0, 1.0e-7], "lambda": 1.0,')
  expect(JSON.parse(metadata).soft_label).toEqual([1, 0, 1e-7])
})

test('labels.csv names classes as classes.txt does, and none becomes another column', async () => {
  const folder = temporaryFolder()
  await Tables.open(folder, CLASSES)
  const header = readFileSync(path.join(folder, 'labels.csv'), 'utf8')
  expect(header).toBe('file_name,cat,"=HYPERLINK(""x"")","a,b ""c"""\n')
})

test('bytes that are not ours are noticed before more are written', async () => {
  const folder = temporaryFolder()
  const tables = await Tables.open(folder, CLASSES)
  await tables.append([row(0)], [], 1)
  const other = await Tables.open(folder, CLASSES)
  await other.append([row(1)], [], 2)
  const before = tree(folder)
  await expect(tables.append([row(1)], [], 2)).rejects.toMatchObject({
    code: 'conflict',
    message: expect.stringMatching(/: found \d+ bytes, expected the \d+ of this run$/),
  })
  expect(tree(folder)).toEqual(before)
})
