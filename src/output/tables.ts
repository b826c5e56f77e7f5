import { constants } from 'node:fs'
import { copyFile, open, rename, rm, stat, truncate } from 'node:fs/promises'
import path from 'node:path'
import { AugmentError } from '../core/errors.js'
import { placed } from './atomic.js'
import { FAILURES, LABELS, METADATA, PROVENANCE, SCRATCH, TABLES } from './layout.js'
import { type Line, readLines } from './lines.js'
import { damaged, rowOn } from './read.js'
import {
  type Failure,
  failureRow,
  jsonLine,
  labelsHeader,
  labelsLine,
  metadataLine,
  type ProvenanceRow,
  provenanceRow,
  type Row,
  weightsText,
} from './rows.js'

type Table = (typeof TABLES)[number]

/** Not through a link, where the system can tell. */
const APPEND = constants.O_APPEND | constants.O_CREAT | constants.O_WRONLY | (constants.O_NOFOLLOW ?? 0)

export interface TableOptions {
  /** Index of the run's first output. */
  readonly first?: number
  /** A finished run's tables are only read: what is left over in them is damage. */
  readonly finished?: boolean
  /** Hears every row that is there, in order. */
  readonly visit?: (row: ProvenanceRow) => void
  /** Called before each append; throws where this process is no longer the only writer. */
  readonly guard?: () => Promise<void>
}

/**
 * The label files of an output folder, which are at the same time its journal. Rows are appended in plan order, images
 * being durable before; provenance.jsonl comes last, so its last complete line says how far the run has got, and on
 * opening every other file is cut back to that line.
 */
export class Tables {
  /** Number of outputs that have a row. */
  rows = 0
  /** First output that comes after every one that has a row. */
  next: number
  /** Bytes of each table that are ours. */
  private readonly sizes = new Map<Table, number>(TABLES.map((table) => [table, 0]))
  private readonly folder: string
  private readonly classes: readonly string[]
  private readonly guard: () => Promise<void>

  private constructor(folder: string, classes: readonly string[], { first = 0, guard = async () => {} }: TableOptions) {
    this.folder = folder
    this.classes = classes
    this.next = first
    this.guard = guard
  }

  /** Reads the tables of a run. Throws a conflict error that names file and line where they are not as the run left them. */
  static async read(folder: string, classes: readonly string[], options: TableOptions = {}): Promise<Tables> {
    const tables = new Tables(folder, classes, options)
    await tables.walk(options)
    await tables.walkFailures()
    return tables
  }

  /** The same, to go on with the run. */
  static async open(folder: string, classes: readonly string[], options: TableOptions = {}): Promise<Tables> {
    const tables = await Tables.read(folder, classes, options)
    await tables.trim()
    return tables
  }

  /** Cuts the tables back to the rows that count: what comes behind them is of an append that did not come to its end. */
  async trim(): Promise<void> {
    for (const table of TABLES) await this.cut(table)
    if (this.rows === 0) await this.begin()
  }

  /**
   * Appends outcomes that follow each other in plan order, up to but not including output `next`, durably. `before` hears the
   * lines of metadata.jsonl, and makes durable what they speak of.
   */
  async append(
    rows: readonly Row[],
    failures: readonly Failure[],
    next: number,
    before: (metadata: readonly string[]) => Promise<void> = async () => {},
  ): Promise<void> {
    await this.guard()
    const weights = rows.map(({ label }) => weightsText(label))
    const metadata = rows.map((row, i) => metadataLine(row, this.classes, weights[i]))
    await before(metadata)
    await Promise.all([
      this.add(FAILURES, failures.map(jsonLine)),
      this.add(
        LABELS,
        rows.map((row, i) => labelsLine(row, weights[i])),
      ),
      this.add(METADATA, metadata),
    ])
    await this.add(
      PROVENANCE,
      rows.map(({ made }) => jsonLine(made)),
    )
    this.rows += rows.length
    this.next = next
  }

  /** Goes through the rows of the three label files side by side: what counts is what provenance.jsonl has. */
  private async walk({ finished, visit }: TableOptions): Promise<void> {
    const failed = await this.failed(finished === true)
    const [labels, metadata] = [this.lines(LABELS), this.lines(METADATA)]
    const header = await labels.next()
    for await (const line of this.lines(PROVENANCE)) {
      // The last line of an unfinished run may have been cut by its end.
      if (!line.whole && !finished) break
      const row = rowOn(provenanceRow, line, this.at(PROVENANCE))
      if (row.index < this.next) {
        const problem = `found output ${row.index}, expected ${this.next} or later, in plan order`
        throw damaged(this.at(PROVENANCE), line.number, problem)
      }
      // Its failures were durable before a row was.
      for (let missing = this.next; missing < row.index; missing++) {
        if (failed.has(missing)) continue
        throw damaged(this.at(PROVENANCE), line.number, `found output ${row.index}, expected ${missing} or its failure`)
      }
      if (this.rows === 0) this.checkHeader(header)
      this.checkLabels(await labels.next(), row, line.number + 1)
      this.checkMetadata(await metadata.next(), row, line.number)
      this.count(PROVENANCE, line)
      visit?.(row)
      this.rows++
      this.next = row.index + 1
    }
    if (finished && this.rows === 0) this.checkHeader(header)
    if (finished) await this.refuseMore({ [LABELS]: labels, [METADATA]: metadata })
    await Promise.all([labels.return(undefined), metadata.return(undefined)])
  }

  private checkHeader({ value: line }: IteratorResult<Line>): void {
    const expected = labelsHeader(this.classes)
    if (line === undefined || `${line.bytes}\n` !== expected) {
      throw damaged(this.at(LABELS), 1, `found another header, expected file_name and the classes of the run`)
    }
    this.count(LABELS, line)
  }

  /** Whole, of the right picture and with a weight for each class; `verify` reads the numbers. */
  private checkLabels({ value: line }: IteratorResult<Line>, { file_name: file }: ProvenanceRow, number: number): void {
    const right = line?.whole && startsWith(line.bytes, `${file},`) && commas(line.bytes) === this.classes.length
    if (!right) throw damaged(this.at(LABELS), number, `${found(line)}, expected the weights of ${file}`)
    this.count(LABELS, line)
  }

  private checkMetadata({ value: line }: IteratorResult<Line>, { file_name: file }: ProvenanceRow, number: number) {
    const right = line?.whole && startsWith(line.bytes, `{"file_name": "${file}", `) && line.bytes.at(-1) === 125
    if (!right) throw damaged(this.at(METADATA), number, `${found(line)}, expected the row of ${file}`)
    this.count(METADATA, line)
  }

  private async refuseMore(tables: Readonly<Record<string, AsyncGenerator<Line>>>): Promise<void> {
    for (const [table, lines] of Object.entries(tables)) {
      const { value: line } = await lines.next()
      if (line) throw damaged(this.at(table), line.number, `found a row too many, expected one per picture`)
    }
  }

  /** The outputs that failed. */
  private async failed(finished: boolean): Promise<Set<number>> {
    const failed = new Set<number>()
    for await (const line of this.lines(FAILURES)) {
      if (line.whole || finished) failed.add(rowOn(failureRow, line, this.at(FAILURES)).index)
    }
    return failed
  }

  /** Keeps the failures before output `next`; later ones are tried again. */
  private async walkFailures(): Promise<void> {
    for await (const line of this.lines(FAILURES)) {
      if (!line.whole || rowOn(failureRow, line, this.at(FAILURES)).index >= this.next) return
      this.count(FAILURES, line)
    }
  }

  /** The lines of a table; none where there is no such file. */
  private async *lines(table: Table): AsyncGenerator<Line> {
    try {
      yield* readLines(this.at(table))
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    }
  }

  private at(table: string): string {
    return path.join(this.folder, table)
  }

  private count(table: Table, { bytes }: Line): void {
    this.sizes.set(table, this.sizes.get(table)! + bytes.length + 1)
  }

  /** Empty tables, but for the header: a run without a row has them all the same. */
  private async begin(): Promise<void> {
    await this.add(LABELS, [labelsHeader(this.classes)])
    for (const table of [METADATA, PROVENANCE] as const) await this.add(table, [''])
  }

  private async add(table: Table, lines: readonly string[]): Promise<void> {
    if (lines.length === 0) return
    const [file, size] = [this.at(table), this.sizes.get(table)!]
    const handle = await open(file, APPEND)
    try {
      const { size: found } = await handle.stat()
      if (found !== size) throw strange(file, found, size)
      const bytes = Buffer.from(lines.join(''))
      await handle.appendFile(bytes)
      await handle.datasync()
      this.sizes.set(table, size + bytes.length)
    } catch (error) {
      // No half row is left; where even this fails, the next run cuts it off.
      if (!(error instanceof AugmentError)) await handle.truncate(size).catch(() => undefined)
      throw placed(error, file)
    } finally {
      await handle.close()
    }
  }

  /** Cuts a table back to what is ours. */
  private async cut(table: Table): Promise<void> {
    const [file, size] = [this.at(table), this.sizes.get(table)!]
    const found = await stat(file).catch(() => null)
    if (found === null) return
    // A copy made of hard links would change together with its original.
    if (found.nlink > 1) {
      await copyFile(file, path.join(this.folder, SCRATCH, table))
      await rename(path.join(this.folder, SCRATCH, table), file)
    }
    if (table === FAILURES && size === 0) await rm(file)
    else if (found.size !== size) await truncate(file, size)
  }
}

function found(line: Line | undefined): string {
  if (line === undefined) return 'found the end of the file'
  return line.whole ? 'found something else' : 'found a line that is cut'
}

function startsWith(bytes: Buffer, prefix: string): boolean {
  return bytes.length >= prefix.length && bytes.toString('latin1', 0, prefix.length) === prefix
}

function commas(bytes: Buffer): number {
  let count = 0
  for (let at = bytes.indexOf(44); at >= 0; at = bytes.indexOf(44, at + 1)) count++
  return count
}

function strange(file: string, found: number, expected: number): AugmentError {
  return new AugmentError('conflict', `${file}: found ${found} bytes, expected the ${expected} of this run`, {
    hint: 'another program writes to this file: stop it, then repeat the command to continue',
  })
}
