import { execFileSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { parquetMetadata, parquetReadObjects } from 'hyparquet'
import { expect, test } from 'vitest'
import { checkWrittenForms, type Forms, writeForms } from '../../src/output/forms.js'
import { labelsParquet } from '../../src/output/labelForms.js'
import { metadataLine, type Row } from '../../src/output/rows.js'
import { TAR_END, tarMember } from '../../src/output/tar.js'
import { temporaryFolder, tree } from '../helpers/folder.js'
import { rowOf } from '../helpers/rows.js'

const CLASSES = ['NA', 'a "quoted" name', 'häst', 'x_file_name']

/** The flat files of a finished run with `count` rows; a picture is its own number. */
function dataset(count: number): { folder: string; scratch: string; rows: Row[] } {
  const rows = Array.from({ length: count }, (_, index): Row => {
    const file = `images/00000/${String(index).padStart(9, '0')}.jpg`
    const label = Float64Array.of(0, index / count, 1 - index / count, 0)
    return rowOf(index, label, file)
  })
  const folder = temporaryFolder({ 'metadata.jsonl': rows.map((row) => metadataLine(row, CLASSES)).join('') })
  mkdirSync(path.join(folder, 'images/00000'), { recursive: true })
  for (const { made } of rows) writeFileSync(path.join(folder, made.file_name), `picture ${made.index}`)
  return { folder, scratch: temporaryFolder(), rows }
}

const forms = (labelsFormat: NonNullable<Forms['labelsFormat']>, layout: NonNullable<Forms['layout']> = 'flat') => ({
  labelsFormat,
  layout,
})

test('labels.jsonl has the columns of labels.csv, and every number a point', async () => {
  const { folder, scratch, rows } = dataset(4)
  await writeForms(folder, CLASSES, forms('jsonl'), scratch)
  const lines = readFileSync(path.join(folder, 'labels.jsonl'), 'utf8').trimEnd().split('\n')
  expect(lines[0]).toBe(
    '{"file_name": "images/00000/000000000.jpg", "NA": 0.0, "a \\"quoted\\" name": 0.0, "häst": 1.0, "x_file_name": 0.0}',
  )
  expect(lines.map((line) => Object.values(JSON.parse(line)))).toEqual(
    rows.map(({ made, label }) => [made.file_name, ...label]),
  )
})

test('labels.parquet is read back exactly, over many groups of rows', async () => {
  const { rows } = dataset(100)
  async function* metadata() {
    for (const row of rows) yield { row: JSON.parse(metadataLine(row, CLASSES)) }
  }
  const chunks: Uint8Array[] = []
  for await (const chunk of labelsParquet(metadata(), CLASSES, 35)) chunks.push(chunk)
  const { buffer, byteOffset, byteLength } = Buffer.concat(chunks)
  const file = buffer.slice(byteOffset, byteOffset + byteLength) as ArrayBuffer
  expect(parquetMetadata(file).row_groups.length).toBe(15)
  const found = await parquetReadObjects({ file })
  expect(found.map((row) => Object.keys(row))).toEqual(rows.map(() => ['file_name', ...CLASSES]))
  expect(found.map((row) => Object.values(row))).toEqual(rows.map(({ made, label }) => [made.file_name, ...label]))
})

test('tar shards hold a thousand samples each, as GNU tar sees them', async () => {
  const { folder, scratch, rows } = dataset(2001)
  await writeForms(folder, CLASSES, forms('csv', 'webdataset'), scratch)
  const shards = path.join(folder, 'webdataset')
  expect(readdirSync(shards)).toEqual(['000000.tar', '000001.tar', '000002.tar'])
  const listed = (name: string) =>
    execFileSync('tar', ['tf', path.join(shards, name)], { encoding: 'utf8' })
      .trimEnd()
      .split('\n')
  expect(['000000.tar', '000001.tar', '000002.tar'].map((name) => listed(name).length)).toEqual([3000, 3000, 3])
  expect(listed('000002.tar')).toEqual(['jpg', 'cls', 'json'].map((ending) => `00000/000002000.${ending}`))
  const out = temporaryFolder()
  execFileSync('tar', ['xf', path.join(shards, '000001.tar'), '-C', out])
  const member = (ending: string) => readFileSync(path.join(out, `00000/000001500.${ending}`), 'utf8')
  expect(member('jpg')).toBe('picture 1500')
  expect(member('cls')).toBe('1')
  expect(JSON.parse(member('json'))).toMatchObject({ file_name: rows[1500]!.made.file_name, label: 'a "quoted" name' })
})

test('the same dataset makes the same bytes anywhere, whatever an earlier attempt has left', async () => {
  const one = dataset(1001)
  await writeForms(one.folder, CLASSES, forms('parquet', 'webdataset'), one.scratch)
  const other = dataset(1001)
  mkdirSync(path.join(other.folder, 'webdataset'))
  writeFileSync(path.join(other.folder, 'webdataset/000007.tar'), 'left')
  await writeForms(other.folder, CLASSES, forms('parquet', 'webdataset'), other.scratch)
  expect(tree(other.folder)).toEqual(tree(one.folder))
  expect(readdirSync(other.scratch)).toEqual([])
})

test('what is changed, missing or too much is found', async () => {
  const { folder, scratch } = dataset(1001)
  const both = forms('jsonl', 'webdataset')
  await writeForms(folder, CLASSES, both, scratch)
  expect(await checkWrittenForms(folder, CLASSES, both)).toEqual([])
  const shard = readFileSync(path.join(folder, 'webdataset/000000.tar'))
  shard[600]! ^= 1
  writeFileSync(path.join(folder, 'webdataset/000000.tar'), shard)
  rmSync(path.join(folder, 'labels.jsonl'))
  writeFileSync(path.join(folder, 'webdataset/000002.tar'), shard)
  expect(await checkWrittenForms(folder, CLASSES, both)).toEqual([
    'labels.jsonl: does not match the pictures and metadata.jsonl',
    'webdataset/000000.tar: does not match the pictures and metadata.jsonl',
    'webdataset/000002.tar: found a file that the run did not make',
  ])
})

test('a name too long for a tar header is an error, one of 100 bytes is not', () => {
  const longest = 'n'.repeat(100)
  const bytes = Buffer.concat([...tarMember(longest, Buffer.from('x')), TAR_END])
  expect(execFileSync('tar', ['t'], { input: bytes, encoding: 'utf8' })).toBe(`${longest}\n`)
  expect(() => [...tarMember(`${longest}n`, new Uint8Array())]).toThrow(RangeError)
})
