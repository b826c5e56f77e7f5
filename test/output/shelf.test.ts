import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'
import { randomStream } from '../../src/core/random.js'
import { checkWrittenForms } from '../../src/output/forms.js'
import { openOutput } from '../../src/output/outputFolder.js'
import { metadataLine, type Row } from '../../src/output/rows.js'
import { picturesOf } from '../../src/output/shelf.js'
import { webdataset } from '../../src/output/webdataset.js'
import { temporaryFolder, tree } from '../helpers/folder.js'
import { rowOf } from '../helpers/rows.js'

const CLASSES = ['NA', 'a "quoted" name', 'häst']
const FORMS = { layout: 'webdataset', labelsFormat: 'csv' } as const
const IDENTITY = { versions: {}, options: FORMS, inputs: {}, used: {}, model: null, device: 'cpu', shard: '1/1' }

const pictureOf = (index: number) => Buffer.from(`picture ${index}`.repeat(1 + (index % 3)))

function made(index: number, count: number): Row {
  const { label, made } = rowOf(index, Float64Array.of(0, index / count, 1 - index / count))
  return { label, made: { ...made, sha256: createHash('sha256').update(pictureOf(index)).digest('hex') } }
}

function open(folder: string, retryFailed = false) {
  const options = {
    first: 0,
    retryFailed,
    inputs: { list: '{}\n', entryOf: async () => undefined },
    overwrite: false,
    facts: {},
    notice: () => {},
  }
  return openOutput(folder, CLASSES, IDENTITY, options)
}

const failure = (index: number) => ({ index, sources: ['a.jpg'], message: 'broken' })

/**
 * Goes on with a run of `count` outputs in steps of the given sizes, finishes it once all are there, and leaves it as a kill
 * would at the end of the steps otherwise. Outputs in `broken` fail.
 */
async function goOn(
  folder: string,
  count: number,
  steps: readonly number[],
  broken: readonly number[] = [],
  retry = false,
) {
  const output = await open(folder, retry)
  let reused = 0
  for (const step of steps) {
    const rows: Row[] = []
    const failures = []
    const start = output.tables.next
    const end = Math.min(count, start + step)
    for (let index = start; index < end; index++) {
      const row = await output.reusable(index)
      if (row !== null) reused++
      else if (!broken.includes(index)) await output.write(made(index, count).made.file_name, pictureOf(index))
      if (broken.includes(index)) failures.push(failure(index))
      else rows.push(row ?? made(index, count))
    }
    await output.pictures.append(rows, failures, end)
  }
  expect(output.pictures.waiting).toBe(0)
  if (output.tables.next === count)
    await output.finish({ counts: { planned: count, written: output.tables.rows, skipped: broken.length } })
  await output.close()
  return reused
}

const shards = (folder: string) => readdirSync(path.join(folder, 'webdataset')).filter((name) => name.endsWith('.tar'))

test('pictures go into tar shards of a thousand samples, as GNU tar sees them, and into no file of their own', async () => {
  const folder = temporaryFolder()
  await goOn(folder, 1001, [1001])
  expect(shards(folder)).toEqual(['000000.tar', '000001.tar'])
  const listed = (name: string) =>
    execFileSync('tar', ['tf', path.join(folder, 'webdataset', name)], { encoding: 'utf8' })
      .trimEnd()
      .split('\n')
  expect(shards(folder).map((name) => listed(name).length)).toEqual([3000, 3])
  expect(listed('000001.tar')).toEqual(['jpg', 'cls', 'json'].map((ending) => `00000/000001000.${ending}`))
  const out = temporaryFolder()
  execFileSync('tar', ['xf', path.join(folder, 'webdataset/000000.tar'), '-C', out])
  const member = (ending: string) => readFileSync(path.join(out, `00000/000000500.${ending}`), 'utf8')
  expect(member('jpg')).toBe(String(pictureOf(500)))
  expect(member('cls')).toBe('2')
  expect(`${member('json')}\n`).toBe(metadataLine(made(500, 1001), CLASSES))
  expect(existsSync(path.join(folder, 'images'))).toBe(false)
  expect(readdirSync(path.join(folder, '.sage'))).toEqual(['inputs.tsv'])
})

test('a run that stops anywhere, also half-way through a write, goes on to the same bytes', async () => {
  const [whole, folder] = [temporaryFolder(), temporaryFolder()]
  await goOn(whole, 1300, [1300])
  const random = randomStream(3, 0)
  for (const steps of [[7], [400, 592], [1], [200]]) {
    await goOn(folder, 1300, steps)
    // Behind the rows lie pictures whose rows did not come to be.
    const [last] = readdirSync(path.join(folder, '.sage/open'))
    if (last === undefined) continue
    const file = path.join(folder, '.sage/open', last)
    writeFileSync(file, Buffer.alloc(1 + random.integer(0, 2000), 7), { flag: 'a' })
  }
  // As a kill between the last row of a shard and its name leaves it.
  await goOn(folder, 1300, [1300])
  expect(tree(folder)).toEqual(tree(whole))
  expect(await checkWrittenForms(folder, CLASSES, { options: FORMS })).toEqual([])
})

test('a shard that was full but had no name yet gets it; pictures that are gone are named', async () => {
  const [whole, folder] = [temporaryFolder(), temporaryFolder()]
  await goOn(whole, 1200, [1200])
  await goOn(folder, 1200, [999])
  const spool = readFileSync(path.join(folder, '.sage/open/000000'))
  await goOn(folder, 1200, [1])
  expect(shards(folder)).toEqual(['000000.tar'])
  const full: Uint8Array[] = [spool]
  const samples = picturesOf({ folder, form: webdataset })
  expect(String(await samples.get('images/00000/000000999.jpg'))).toBe(String(pictureOf(999)))
  expect(await samples.get('images/00000/000001000.jpg')).toBe(null)
  await samples.close()
  rmSync(path.join(folder, 'webdataset/000000.tar'))
  writeFileSync(path.join(folder, '.sage/open/000000'), Buffer.concat(full))
  await expect(open(folder)).rejects.toMatchObject({
    code: 'conflict',
    message: expect.stringContaining('webdataset/000000.tar: not there or damaged, expected the pictures of its rows'),
  })
})

test('a retry puts the pictures after a failure back from where they lie', async () => {
  const [whole, folder] = [temporaryFolder(), temporaryFolder()]
  await goOn(whole, 1100, [1100])
  await goOn(folder, 1100, [1100], [500, 1070])
  expect(shards(folder).length).toBe(2)
  // Stopped on the way, and again.
  const before = await goOn(folder, 1100, [600], [], true)
  const reused = before + (await goOn(folder, 1100, [300])) + (await goOn(folder, 1100, [1100]))
  expect(reused).toBe(1100 - 502)
  expect(tree(folder)).toEqual(tree(whole))
})

test('what is changed, missing or too much is found', async () => {
  const folder = temporaryFolder()
  await goOn(folder, 1001, [1001])
  const shard = readFileSync(path.join(folder, 'webdataset/000000.tar'))
  shard[1540]! ^= 1
  writeFileSync(path.join(folder, 'webdataset/000000.tar'), shard)
  truncateSync(path.join(folder, 'webdataset/000001.tar'), 700)
  writeFileSync(path.join(folder, 'webdataset/000002.tar'), shard)
  expect(await checkWrittenForms(folder, CLASSES, { options: FORMS })).toEqual([
    'webdataset/000000.tar: does not match the pictures and metadata.jsonl',
    'webdataset/000001.tar: does not match the pictures and metadata.jsonl',
    'webdataset/000002.tar: found a file that the run did not make',
  ])
})
