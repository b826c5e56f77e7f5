import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { Readable } from 'node:stream'
import { parquetMetadata, parquetReadObjects } from 'hyparquet'
import { expect, test } from 'vitest'
import { checkWrittenForms, type Forms, writeForms } from '../../src/output/forms.js'
import { labelsParquet } from '../../src/output/labelForms.js'
import { parquet } from '../../src/output/parquetShards.js'
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

test('labels_sparse.csv has the classes of some weight alone, the heaviest first', async () => {
  const { folder, scratch } = dataset(4)
  await writeForms(folder, CLASSES, forms('sparse'), scratch)
  expect(readFileSync(path.join(folder, 'labels_sparse.csv'), 'utf8').trimEnd().split('\n')).toEqual([
    'file_name,label_a,label_b,lambda,index_1,weight_1,index_2,weight_2',
    'images/00000/000000000.jpg,häst,häst,1.0,2,1.0,0,0.0',
    'images/00000/000000001.jpg,häst,"a ""quoted"" name",0.75,2,0.75,1,0.25',
    'images/00000/000000002.jpg,"a ""quoted"" name",häst,0.5,1,0.5,2,0.5',
    'images/00000/000000003.jpg,"a ""quoted"" name",häst,0.75,1,0.75,2,0.25',
  ])
})

test('Parquet shards give their samples back, and hold what Hugging Face asks for', async () => {
  const { rows } = dataset(250)
  const samples = rows.map((row) => ({
    file: row.made.file_name,
    picture: Uint8Array.of(0xff, row.made.index),
    row: Buffer.from(metadataLine(row, CLASSES).trimEnd()),
  }))
  const chunks: Uint8Array[] = []
  for await (const chunk of parquet.encode(Readable.from(samples), CLASSES)) chunks.push(chunk)
  const file = path.join(temporaryFolder(), '000000.parquet')
  writeFileSync(file, Buffer.concat(chunks))
  const found = []
  for await (const sample of parquet.decode(file)) found.push(sample)
  expect(found.map(({ file, picture, row }) => [file, [...picture], row.toString()])).toEqual(
    samples.map(({ file, picture, row }) => [file, [...picture], row.toString()]),
  )
  const { buffer, byteOffset, byteLength } = Buffer.concat(chunks)
  const metadata = parquetMetadata(buffer.slice(byteOffset, byteOffset + byteLength) as ArrayBuffer)
  const [{ value } = { value: '{}' }] = metadata.key_value_metadata!.filter(({ key }) => key === 'huggingface')
  expect(JSON.parse(value!).info.features).toMatchObject({
    image: { _type: 'Image' },
    label: { names: CLASSES, _type: 'ClassLabel' },
  })
  expect(metadata.row_groups).toHaveLength(3)
})

test('README.md of Parquet shards is written once, and one of the user stays', async () => {
  const { folder, scratch } = dataset(1)
  const card = path.join(folder, 'README.md')
  const write = (layout: NonNullable<Forms['layout']>) => writeForms(folder, CLASSES, { layout }, scratch)
  await write('parquet')
  expect(readFileSync(card, 'utf8')).toContain('path: parquet/*.parquet')
  await write('flat')
  expect(existsSync(card)).toBe(false)
  writeFileSync(card, 'mine')
  for (const layout of ['parquet', 'flat'] as const) {
    await write(layout)
    expect(readFileSync(card, 'utf8')).toBe('mine')
  }
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
  expect(await checkWrittenForms(folder, CLASSES, { options: forms('jsonl') })).toEqual([])
  const problem = 'labels.jsonl: does not match the pictures and metadata.jsonl'
  writeFileSync(path.join(folder, 'labels.jsonl'), readFileSync(path.join(folder, 'labels.jsonl'), 'utf8').slice(1))
  expect(await checkWrittenForms(folder, CLASSES, { options: forms('jsonl') })).toEqual([problem])
  rmSync(path.join(folder, 'labels.jsonl'))
  expect(await checkWrittenForms(folder, CLASSES, { options: forms('jsonl') })).toEqual([problem])
})

test('a name too long for a tar header is an error, one of 100 bytes is not', () => {
  const longest = 'n'.repeat(100)
  const bytes = Buffer.concat([...tarMember(longest, Buffer.from('x')), TAR_END])
  expect(execFileSync('tar', ['t'], { input: bytes, encoding: 'utf8' })).toBe(`${longest}\n`)
  expect(() => [...tarMember(`${longest}n`, new Uint8Array())]).toThrow(RangeError)
})
