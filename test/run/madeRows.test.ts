import { expect, test } from 'vitest'
import { readRows } from '../../src/output/outputs.js'
import { jsonLine, labelsHeader, labelsLine, metadataLine } from '../../src/output/rows.js'
import { chooseRows, readFailures } from '../../src/run/madeRows.js'
import { temporaryFolder } from '../helpers/folder.js'
import { rowOf } from '../helpers/rows.js'

const CLASSES = ['a,b', 'c']

/** A folder with the tables of these outputs, the last two originals. */
function tables(indices: readonly number[]): string {
  const method = (i: number) => (i < indices.length - 2 ? 'comixup' : 'original')
  const rows = indices.map((index, i) => {
    const { label, made } = rowOf(index, Float64Array.of(0.25, 0.75))
    return { label, made: { ...made, method: method(i) } }
  })
  return temporaryFolder({
    'labels.csv': labelsHeader(CLASSES) + rows.map((row) => labelsLine(row)).join(''),
    'metadata.jsonl': rows.map((row) => metadataLine(row, CLASSES)).join(''),
    'provenance.jsonl': rows.map(({ made }) => jsonLine(made)).join(''),
    'failures.jsonl': [3, 4, 5].map((index) => `{"index":${index},"sources":[],"message":"broken"}\n`).join(''),
  })
}
const numbers = (count: number) => Array.from({ length: count }, (_, i) => i)
const chosen = async (folder: string, mixes: number, group: number, limit: number) =>
  (await chooseRows(readRows(folder, CLASSES), mixes, group, (index) => index - (index % group), limit)).map(
    ({ made }) => made.index,
  )

test('rows come with their labels', async () => {
  const rows = []
  for await (const row of readRows(tables([4, 5, 8]), CLASSES)) rows.push(row)
  expect(rows.map(({ made, label }) => [made.index, ...label])).toEqual([4, 5, 8].map((index) => [index, 0.25, 0.75]))
})

test('the mixes that are shown lie evenly over the run, and all are where there are few', async () => {
  const folder = tables(numbers(1002))
  const shown = await chosen(folder, 1000, 1, 200)
  expect(shown).toEqual(numbers(200).map((i) => 5 * i + 4))
  expect(await chosen(folder, 1000, 1, 300)).toHaveLength(300)
  expect(await chosen(tables(numbers(9)), 7, 1, 200)).toEqual(numbers(7))
})

test('what was mixed together is shown together, also where groups failed', async () => {
  const groups = numbers(402).filter((i) => i >= 400 || Math.floor(i / 20) % 3 !== 1)
  const shown = await chosen(tables(groups), groups.length - 2, 20, 100)
  expect(shown).toHaveLength(100)
  for (let i = 0; i < 100; i += 20) {
    expect(shown[i]! % 20).toBe(0)
    expect(shown.slice(i, i + 20)).toEqual(numbers(20).map((k) => shown[i]! + k))
  }
})

test('of many failures the first are read', async () => {
  expect((await readFailures(tables([0, 1]), 2)).map(({ index }) => index)).toEqual([3, 4])
  expect(await readFailures(temporaryFolder(), 2)).toEqual([])
})
