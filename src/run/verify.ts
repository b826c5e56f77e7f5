import { createHash } from 'node:crypto'
import { createReadStream, existsSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { decodeImage } from '../codec/codec.js'
import { counted } from '../core/counted.js'
import { AugmentError } from '../core/errors.js'
import { reasonOf } from '../core/systemError.js'
import { checkWrittenForms, type Forms } from '../output/forms.js'
import { readRecord } from '../output/outputFolder.js'
import { labelsHeader } from '../output/rows.js'
import { orderedMap } from '../threads/orderedMap.js'
import { requirePaths } from './paths.js'

/** One output as its three rows tell it. */
interface Triple {
  readonly line: number
  readonly label: string
  readonly metadata: string
  readonly provenance: string
}

export interface Verdict {
  /** Rows checked. */
  readonly rows: number
  /** One line a problem: place, found, expected. */
  readonly problems: readonly string[]
}

/**
 * Checks a finished dataset (throws a usage error where there is no folder): the record is complete and its counts right; the tables agree row by row; labels are
 * distributions; every picture is there, has the recorded hash and size, and decodes; no picture is without a row.
 */
export async function verify(folder: string): Promise<Verdict> {
  await requirePaths('folder', [folder], 'a finished dataset')
  const record = await readRecord(folder)
  if (record === null) return { rows: 0, problems: [`${folder}: found no run.json, expected a finished dataset`] }
  const problems: string[] = []
  if (!record.complete) problems.push('run.json: found an unfinished run, expected "complete": true')
  const classes = (await readFile(path.join(folder, 'classes.txt'), 'utf8')).split('\n').slice(0, -1)
  const triples = readTriples(folder, classes, problems)
  let rows = 0
  const files = new Set<string>()
  let index = -1
  for await (const { file, at, found } of orderedPool(triples, (triple) => checkRow(folder, triple, classes.length))) {
    rows++
    problems.push(...found)
    if (files.has(file)) problems.push(`labels.csv:${rows + 1}: ${file} has two rows`)
    files.add(file)
    if (at <= index) problems.push(`provenance.jsonl:${rows}: found index ${at} after ${index}, expected plan order`)
    index = at
  }
  const { counts } = record as { counts?: { written: number; skipped: number } }
  if (counts?.written !== rows)
    problems.push(`run.json: found ${counts?.written} written, expected ${rows} as there are rows`)
  for await (const file of pictures(folder)) {
    if (!files.has(file)) problems.push(`${file}: found a picture without a row`)
  }
  // They are made of what has just been found right.
  if (problems.length === 0) problems.push(...(await checkWrittenForms(folder, classes, record.options as Forms)))
  return { rows, problems }
}

/** The tables side by side; what does not even line up goes to `problems`. */
async function* readTriples(folder: string, classes: readonly string[], problems: string[]): AsyncGenerator<Triple> {
  const tables = ['labels.csv', 'metadata.jsonl', 'provenance.jsonl']
  const missing = tables.filter((table) => !existsSync(path.join(folder, table)))
  if (missing.length > 0) {
    problems.push(...missing.map((table) => `${table}: not there, expected a table`))
    return
  }
  const lines = (table: string) =>
    createInterface({ input: createReadStream(path.join(folder, table)) })[Symbol.asyncIterator]()
  const [labels, metadata, provenance] = [lines('labels.csv'), lines('metadata.jsonl'), lines('provenance.jsonl')]
  const header = await labels.next()
  const expected = labelsHeader(classes).trimEnd()
  if (header.value !== expected)
    problems.push(`labels.csv:1: found ${header.value}, expected ${expected} as in classes.txt`)
  for (let line = 1; ; line++) {
    const next = await Promise.all([labels.next(), metadata.next(), provenance.next()])
    if (next.every(({ done }) => done)) return
    if (next.some(({ done }) => done)) {
      problems.push(`${folder}: found tables of different length, expected a row of each for every picture`)
      return
    }
    yield { line, label: next[0].value, metadata: next[1].value, provenance: next[2].value }
  }
}

/** Results of `work` in order, a few at a time. */
async function* orderedPool<T, R>(items: AsyncIterator<T>, work: (item: T) => Promise<R>): AsyncGenerator<R> {
  let exhausted = false
  const one = async () => {
    const { value, done } = await items.next()
    if (done) exhausted = true
    return done ? undefined : work(value as T)
  }
  const width = 2 * availableParallelism()
  for await (const result of orderedMap(0, Number.POSITIVE_INFINITY, () => (exhausted ? 0 : width), one)) {
    if (result === undefined) return
    yield result
  }
}

async function checkRow(folder: string, triple: Triple, classes: number) {
  const place = `labels.csv:${triple.line + 1}`
  const [file = '', ...cells] = triple.label.split(',')
  const weights = cells.map(Number)
  const found: string[] = []
  const metadata = JSON.parse(triple.metadata) as { file_name: string; soft_label: number[]; lambda: number }
  const provenance = JSON.parse(triple.provenance) as {
    file_name: string
    index: number
    lambda: number
    sha256: string
    canvas: [number, number]
  }
  if (metadata.file_name !== file || provenance.file_name !== file) {
    found.push(`${place}: found ${file}, expected ${provenance.file_name} as in provenance.jsonl`)
  }
  if (!/^images\/([0-9]{5}\/)?[A-Za-z0-9][A-Za-z0-9_-]*\.(jpg|png)$/.test(file)) {
    found.push(`${place}: found the name ${JSON.stringify(file)}, expected images/<numbers>.jpg`)
  }
  const sum = weights.reduce((total, weight) => total + weight, 0)
  if (weights.length !== classes || !(Math.abs(sum - 1) <= 1e-6) || !weights.every((weight) => weight >= 0)) {
    found.push(
      `${place}: found ${counted(weights.length, 'weight')} that sum to ${sum}, expected ${classes} that sum to 1`,
    )
  }
  if (metadata.soft_label.some((weight, k) => weight !== weights[k]) || metadata.lambda !== provenance.lambda) {
    found.push(`metadata.jsonl:${triple.line}: found another label than in labels.csv`)
  }
  const problem = await checkPicture(folder, file, provenance)
  if (problem !== undefined) found.push(problem)
  return { file, at: provenance.index, found }
}

async function checkPicture(
  folder: string,
  file: string,
  { sha256, canvas }: { sha256: string; canvas: readonly [number, number] },
): Promise<string | undefined> {
  try {
    const bytes = await readFile(path.join(folder, file))
    const hash = createHash('sha256').update(bytes).digest('hex')
    if (hash !== sha256) return `${file}: found SHA-256 ${hash}, expected ${sha256}`
    const { width, height } = await decodeImage(bytes, file, { maxPixels: canvas[0] * canvas[1] })
    if (width !== canvas[0] || height !== canvas[1])
      return `${file}: found ${width} x ${height}, expected ${canvas.join(' x ')}`
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    if (code === 'ENOENT') return `${file}: not there, expected a picture`
    return error instanceof AugmentError ? message : `${file}: ${reasonOf(error)}, expected a picture`
  }
}

/** Every picture below images/, by its name in the tables. */
async function* pictures(folder: string): AsyncGenerator<string> {
  const entries = await readdir(path.join(folder, 'images'), { recursive: true, withFileTypes: true }).catch(() => [])
  for (const entry of entries) {
    if (!entry.isFile()) continue
    yield path.relative(folder, path.join(entry.parentPath, entry.name)).split(path.sep).join('/')
  }
}
