/** The forms of a dataset that are made of the finished flat one, which are other label files; and the check of all forms. */
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdir, readdir, readFile, rm } from 'node:fs/promises'
import path from 'node:path'
import { writeAtomic } from './atomic.js'
import { LABEL_WRITERS } from './labelForms.js'
import { CARD, FORM_FILES, labelsIn, METADATA, PROVENANCE, TAR_INFO } from './layout.js'
import { tableRows } from './read.js'
import type { RunRecord } from './record.js'
import { type MetadataRow, metadataRow, provenanceRow } from './rows.js'
import { DATASET_CARD, tarInfo } from './shardFacts.js'
import { type Sample, type ShardForm, shardName, shardOf } from './shardForm.js'
import { shardFormOf } from './shardForms.js'

/** A file by its path in the output folder; its bytes follow from the tables and the pictures alone. */
interface FormFile {
  readonly file: string
  readonly content: AsyncIterable<Uint8Array>
}

export type Forms = Pick<RunRecord['options'], 'labelsFormat' | 'layout'> & {
  /** Index of the run's first output. */
  readonly first?: number
}

/** Makes the forms; what an interrupted attempt has left is replaced. Each file appears complete or not at all. */
export async function writeForms(
  folder: string,
  classes: readonly string[],
  forms: Forms,
  scratch: string,
): Promise<void> {
  for (const name of FORM_FILES) await rm(path.join(folder, name), { recursive: true, force: true })
  for await (const { file, content } of formFiles(folder, classes, forms)) {
    await mkdir(path.dirname(path.join(folder, file)), { recursive: true })
    await writeAtomic(path.join(folder, file), content, scratch)
  }
  await writeCard(path.join(folder, CARD), forms, scratch)
}

/** Writes README.md where it is needed and the user has none of his own; one of an earlier layout goes. */
async function writeCard(file: string, { layout }: Forms, scratch: string): Promise<void> {
  const found = await readFile(file, 'utf8').catch(() => null)
  if (found === DATASET_CARD && layout !== 'parquet') await rm(file)
  if (found === null && layout === 'parquet') await writeAtomic(file, DATASET_CARD, scratch)
}

/** What differs between the forms in a folder and those that its flat files make, one per line. */
export async function checkWrittenForms(
  folder: string,
  classes: readonly string[],
  { options, outputs }: Pick<RunRecord, 'options' | 'outputs'>,
): Promise<string[]> {
  const forms = { ...options, first: outputs?.start ?? 0 }
  const problems: string[] = []
  const expected = new Set<string>()
  const form = shardFormOf(forms.layout)
  const check = async ({ file, content }: FormFile) => {
    expected.add(file)
    const found = await digest(createReadStream(path.join(folder, file))).catch(() => 'nothing')
    const right = await digest(content).catch(() => 'damaged')
    if (found !== right) problems.push(`${file}: does not match the pictures and metadata.jsonl`)
  }
  for await (const file of formFiles(folder, classes, forms)) await check(file)
  if (form === null) return problems
  for await (const file of shardFiles(folder, classes, form, forms.first)) await check(file)
  const present = await readdir(path.join(folder, form.folder)).catch((): string[] => [])
  const strange = present.map((name) => `${form.folder}/${name}`).filter((file) => !expected.has(file))
  return [...problems, ...strange.map((file) => `${file}: found a file that the run did not make`)]
}

async function* formFiles(
  folder: string,
  classes: readonly string[],
  { labelsFormat = 'csv', layout, first = 0 }: Forms,
): AsyncGenerator<FormFile> {
  const rows = () => tableRows(path.join(folder, METADATA), metadataRow)
  if (labelsFormat !== 'csv') {
    yield { file: labelsIn(labelsFormat), content: LABEL_WRITERS[labelsFormat](rows, classes) }
  }
  if (layout === 'webdataset') yield { file: TAR_INFO, content: tarInfo(shardLengths(folder, first)) }
}

/** The shard of each row, in order. */
async function* shardNumbers(folder: string, first: number): AsyncGenerator<number> {
  for await (const { row } of tableRows(path.join(folder, PROVENANCE), provenanceRow)) yield shardOf(row.index, first)
}

/** How many rows each shard has that has any, in order. */
async function shardLengths(folder: string, first: number): Promise<Map<number, number>> {
  const lengths = new Map<number, number>()
  for await (const n of shardNumbers(folder, first)) lengths.set(n, (lengths.get(n) ?? 0) + 1)
  return lengths
}

/** The shards as the rows and the pictures in them make them. */
async function* shardFiles(
  folder: string,
  classes: readonly string[],
  form: ShardForm,
  first = 0,
): AsyncGenerator<FormFile> {
  const metadata = tableRows(path.join(folder, METADATA), metadataRow)
  for (const [n, count] of await shardLengths(folder, first)) {
    const rows: { readonly row: MetadataRow; readonly bytes: Buffer }[] = []
    while (rows.length < count) rows.push((await metadata.next()).value!)
    const file = `${form.folder}/${shardName(n, form)}`
    yield { file, content: form.encode(withRows(form.decode(path.join(folder, file)), rows), classes) }
  }
}

/** The pictures of a shard, in order, with what the tables say of them. */
async function* withRows(
  samples: AsyncIterable<Sample>,
  rows: readonly { readonly row: MetadataRow; readonly bytes: Buffer }[],
): AsyncGenerator<Sample> {
  let at = 0
  for await (const { picture } of samples) {
    const row = rows[at++]
    if (row === undefined) return
    yield { file: row.row.file_name, picture, row: row.bytes }
  }
  if (at < rows.length) throw new Error(`found ${at} samples, expected ${rows.length}`)
}

async function digest(chunks: AsyncIterable<Uint8Array>): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of chunks) hash.update(chunk)
  return hash.digest('hex')
}
