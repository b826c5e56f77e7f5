/** The forms of a dataset that are made of the finished flat one: other label files, tar shards. */
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdir, readdir, rm } from 'node:fs/promises'
import path from 'node:path'
import { writeAtomic } from './atomic.js'
import { LABEL_WRITERS } from './labelForms.js'
import { FORM_FILES, labelsIn, METADATA, TAR_FOLDER } from './layout.js'
import { readTable } from './read.js'
import type { RunRecord } from './record.js'
import { metadataRow } from './rows.js'
import { type FormFile, shards } from './webdataset.js'

export type Forms = Pick<RunRecord['options'], 'labelsFormat' | 'layout'>

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
}

/** What differs between the forms in a folder and those that its flat files make, one per line. */
export async function checkWrittenForms(folder: string, classes: readonly string[], forms: Forms): Promise<string[]> {
  const problems: string[] = []
  const expected = new Set<string>()
  for await (const { file, content } of formFiles(folder, classes, forms)) {
    expected.add(file)
    const found = await digest(createReadStream(path.join(folder, file))).catch(() => 'nothing')
    if (found !== (await digest(content))) problems.push(`${file}: does not match the pictures and metadata.jsonl`)
  }
  const present = await readdir(path.join(folder, TAR_FOLDER)).catch((): string[] => [])
  const strange = present.map((name) => `${TAR_FOLDER}/${name}`).filter((file) => !expected.has(file))
  return [...problems, ...strange.map((file) => `${file}: found a file that the run did not make`)]
}

async function* formFiles(
  folder: string,
  classes: readonly string[],
  { labelsFormat = 'csv', layout }: Forms,
): AsyncGenerator<FormFile> {
  const rows = () => readTable(path.join(folder, METADATA), metadataRow)
  if (labelsFormat !== 'csv') {
    yield { file: labelsIn(labelsFormat), content: LABEL_WRITERS[labelsFormat](rows(), classes) }
  }
  if (layout === 'webdataset') yield* shards(folder, rows(), classes)
}

async function digest(chunks: AsyncIterable<Uint8Array>): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of chunks) hash.update(chunk)
  return hash.digest('hex')
}
