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

const forms = (labelsFormat: NonNullable<Forms['labelsFormat']>): Forms => ({ labelsFormat, layout: 'flat' })

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

test('the same dataset makes the same bytes anywhere, whatever an earlier attempt has left', async () => {
  const one = dataset(1001)
  await writeForms(one.folder, CLASSES, forms('parquet'), one.scratch)
  const other = dataset(1001)
  writeFileSync(path.join(other.folder, 'labels.jsonl'), 'left')
  await writeForms(other.folder, CLASSES, forms('parquet'), other.scratch)
  expect(tree(other.folder)).toEqual(tree(one.folder))
  expect(readdirSync(other.scratch)).toEqual([])
})

test('what is changed or missing is found', async () => {
  const { folder, scratch } = dataset(1001)
  await writeForms(folder, CLASSES, forms('jsonl'), scratch)
  expect(await checkWrittenForms(folder, CLASSES, forms('jsonl'))).toEqual([])
  const problem = 'labels.jsonl: does not match the pictures and metadata.jsonl'
  writeFileSync(path.join(folder, 'labels.jsonl'), readFileSync(path.join(folder, 'labels.jsonl'), 'utf8').slice(1))
  expect(await checkWrittenForms(folder, CLASSES, forms('jsonl'))).toEqual([problem])
  rmSync(path.join(folder, 'labels.jsonl'))
  expect(await checkWrittenForms(folder, CLASSES, forms('jsonl'))).toEqual([problem])
})

test('a name too long for a tar header is an error, one of 100 bytes is not', () => {
  const longest = 'n'.repeat(100)
  const bytes = Buffer.concat([...tarMember(longest, Buffer.from('x')), TAR_END])
  expect(execFileSync('tar', ['t'], { input: bytes, encoding: 'utf8' })).toBe(`${longest}\n`)
  expect(() => [...tarMember(`${longest}n`, new Uint8Array())]).toThrow(RangeError)
})
