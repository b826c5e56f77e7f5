import path from 'node:path'
import { expect, test } from 'vitest'
import { readRecord } from '../../src/output/record.js'
import { temporaryFolder } from '../helpers/folder.js'

const RIGHT = { tool: 'sage-augment', complete: true, options: {}, inputs: {}, shard: '1/1' }

test('a record that is right is read as it is, and none is none', async () => {
  const record = { ...RIGHT, counts: { planned: 3, written: 2, skipped: 1 }, more: [1] }
  expect(await readRecord(temporaryFolder({ 'run.json': JSON.stringify(record) }))).toEqual(record)
  expect(await readRecord(temporaryFolder())).toBe(null)
})

test.for([
  ['{"tool": "sage-augment",\n', 'found text that is not JSON, or cut, expected the record of a run'],
  ['[]', 'expected the record of a run'],
  [JSON.stringify({ ...RIGHT, tool: 'another' }), 'tool: expected "sage-augment"'],
  [JSON.stringify({ ...RIGHT, shard: '../x' }), 'shard: expected a part of a run such as "1/1"'],
  [JSON.stringify({ ...RIGHT, counts: { planned: 1, written: '1', skipped: 0 } }), 'counts: written: expected a whole'],
])('a damaged record is a conflict that names what is wrong: %s', async ([text, problem]) => {
  const folder = temporaryFolder({ 'run.json': text! })
  const message = expect.stringContaining(`${path.join(folder, 'run.json')}: ${problem}`)
  await expect(readRecord(folder)).rejects.toMatchObject({ code: 'conflict', message })
})
