import { readFileSync, writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { expect, test } from 'vitest'
import { openOutput } from '../../src/output/outputFolder.js'
import { differences } from '../../src/output/record.js'
import { temporaryFolder, tree } from '../helpers/folder.js'

const CLASSES = ['cat', 'dog']
const IDENTITY = {
  versions: {},
  options: { seed: 1, size: '32x32' },
  inputs: { sources: 2 },
  used: {},
  model: null,
  device: 'cpu',
  shard: '1/1',
}

const INPUTS = '{}\n"a.jpg"\t10 bytes, label 0\n"b.jpg"\t20 bytes, label 1\n'

function open(folder: string, changes: { identity?: typeof IDENTITY; inputs?: string; overwrite?: boolean } = {}) {
  const notices: string[] = []
  const options = {
    first: 0,
    retryFailed: false,
    inputs: { list: changes.inputs ?? INPUTS, entryOf: async () => undefined },
    overwrite: changes.overwrite ?? false,
    facts: {},
    notice: (text: string) => notices.push(text),
  }
  return openOutput(folder, CLASSES, changes.identity ?? IDENTITY, options).then((output) => ({ ...output, notices }))
}

test('a folder of other files is refused and left alone', async () => {
  const folder = temporaryFolder()
  writeFileSync(path.join(folder, 'labels.csv'), 'mine')
  for (const overwrite of [false, true]) {
    await expect(open(folder, { overwrite })).rejects.toMatchObject({ code: 'conflict' })
  }
  expect(tree(folder)).toEqual({ 'labels.csv': 'mine' })
})

test('run.json says complete only after finish', async () => {
  const folder = temporaryFolder()
  const output = await open(folder)
  const record = () => JSON.parse(readFileSync(path.join(folder, 'run.json'), 'utf8'))
  expect(record()).toMatchObject({ tool: 'sage-augment', complete: false, ...IDENTITY })
  await output.finish({ counts: { planned: 0, written: 0, skipped: 0 } })
  await output.close()
  expect(record()).toMatchObject({ complete: true, ...IDENTITY, counts: { planned: 0, written: 0, skipped: 0 } })
  expect((await open(folder)).finished).toMatchObject({ complete: true })
})

test('a changed option is refused by its name and both values', async () => {
  const folder = temporaryFolder()
  await (await open(folder)).close()
  const identity = { ...IDENTITY, options: { seed: 2, size: '32x32' } }
  await expect(open(folder, { identity })).rejects.toMatchObject({
    code: 'conflict',
    message: `${folder}: run with options.seed 1, now asked for 2`,
  })
  const output = await open(folder, { identity, overwrite: true })
  expect(output.tables.next).toBe(0)
  await output.close()
})

test('what is added or gone counts as a difference', () => {
  expect(differences({ a: { b: 1, c: [1] } }, { a: { b: 1, c: [2] }, d: 0 })).toEqual([
    { name: 'a.c', old: [1], new: [2] },
    { name: 'd', old: undefined, new: 0 },
  ])
})

test('a second writer is refused while the first runs', async () => {
  const folder = temporaryFolder()
  const first = await open(folder)
  await expect(open(folder)).rejects.toMatchObject({
    code: 'conflict',
    message: expect.stringContaining(`in use by process ${process.pid} on ${os.hostname()}`),
  })
  await first.close()
  await (await open(folder)).close()
})

test('overwriting removes what a run left and nothing else', async () => {
  const folder = temporaryFolder()
  const output = await open(folder)
  await output.write('images/00000/000000000.jpg', Uint8Array.of(1))
  await output.close()
  writeFileSync(path.join(folder, 'notes.txt'), 'mine')
  await (await open(folder, { overwrite: true })).close()
  expect(Object.keys(tree(folder)).sort()).toEqual([
    '.sage/inputs.tsv',
    'classes.txt',
    'labels.csv',
    'metadata.jsonl',
    'notes.txt',
    'provenance.jsonl',
  ])
})

test('changed inputs are named one by one', async () => {
  const folder = temporaryFolder()
  await (await open(folder)).close()
  const identity = { ...IDENTITY, inputs: { sources: 2, sha256: 'other' } }
  const inputs = '{}\n"a.jpg"\t11 bytes, label 0\n"c.jpg"\t20 bytes, label 1\n'
  await expect(open(folder, { identity, inputs })).rejects.toMatchObject({
    message: [
      `${folder}: run with inputs.sha256 unset, now asked for "other"`,
      '"a.jpg": was 10 bytes, label 0, is 11 bytes, label 0',
      '"b.jpg": was 20 bytes, label 1, is not there',
      '"c.jpg": was not there, is 20 bytes, label 1',
    ].join('\n'),
  })
})
