import { createReadStream } from 'node:fs'
import { open, readFile, rm, truncate } from 'node:fs/promises'
import path from 'node:path'
import { placed } from './atomic.js'
import { labelsHeader, labelsLine, metadataLine, provenanceLine, type Row } from './rows.js'

export interface Failure {
  readonly index: number
  readonly sources: readonly string[]
  readonly message: string
}

/**
 * The label files of an output folder, which are at the same time its journal. Rows are appended in plan order, images
 * being durable before; provenance.jsonl comes last, so its last complete line says how far the run has got, and on
 * opening every other file is cut back to that line.
 */
export class Tables {
  /** Number of outputs that have a row. */
  rows: number
  /** First output that comes after every one that has a row. */
  next: number
  private readonly folder: string
  private readonly classes: readonly string[]

  private constructor(folder: string, classes: readonly string[], rows: number, next: number) {
    this.folder = folder
    this.classes = classes
    this.rows = rows
    this.next = next
  }

  /** Opens the tables of a run whose first output is number `first`, to go on with it unless it is `finished`. */
  static async open(folder: string, classes: readonly string[], first = 0, finished = false): Promise<Tables> {
    const provenance = await scan(path.join(folder, 'provenance.jsonl'), Number.POSITIVE_INFINITY)
    const next = provenance.last === undefined ? first : (JSON.parse(provenance.last) as { index: number }).index + 1
    const tables = new Tables(folder, classes, provenance.lines, next)
    if (finished) return tables
    await tables.cut('provenance.jsonl', provenance.lines)
    await tables.cut('metadata.jsonl', provenance.lines)
    await tables.cut('labels.csv', provenance.lines === 0 ? 0 : provenance.lines + 1)
    if (provenance.lines === 0) await tables.add('labels.csv', [labelsHeader(classes)])
    await tables.forgetFailures(next)
    return tables
  }

  /** Appends outcomes that follow each other in plan order, up to but not including output `next`, durably. */
  async append(rows: readonly Row[], failures: readonly Failure[], next: number): Promise<void> {
    await Promise.all([
      this.add('failures.jsonl', failures.map(jsonLine)),
      this.add('labels.csv', rows.map(labelsLine)),
      this.add(
        'metadata.jsonl',
        rows.map((row) => metadataLine(row, this.classes)),
      ),
    ])
    await this.add('provenance.jsonl', rows.map(provenanceLine))
    this.rows += rows.length
    this.next = next
  }

  private async add(name: string, lines: readonly string[]): Promise<void> {
    if (lines.length === 0) return
    const file = path.join(this.folder, name)
    const handle = await open(file, 'a')
    const { size } = await handle.stat()
    try {
      await handle.appendFile(lines.join(''))
      await handle.datasync()
    } catch (error) {
      // No half row is left; where even this fails, the next run cuts it off.
      await handle.truncate(size).catch(() => undefined)
      throw placed(error, file)
    } finally {
      await handle.close()
    }
  }

  /** Keeps the first `lines` lines of a table. */
  private async cut(name: string, lines: number): Promise<void> {
    const file = path.join(this.folder, name)
    const { bytes } = await scan(file, lines)
    await truncate(file, bytes).catch(ignoreMissing)
  }

  /** Drops failures recorded at or after output `next`: those outputs are tried again. */
  private async forgetFailures(next: number): Promise<void> {
    const file = path.join(this.folder, 'failures.jsonl')
    const text = await readFile(file, 'utf8').catch(ignoreMissing)
    if (text === undefined) return
    const lines = text.split('\n').slice(0, -1)
    const first = lines.findIndex((line) => (JSON.parse(line) as Failure).index >= next)
    if (first === 0) await rm(file)
    else await this.cut('failures.jsonl', first < 0 ? lines.length : first)
  }
}

function jsonLine(value: unknown): string {
  return `${JSON.stringify(value)}\n`
}

function ignoreMissing(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error
}

/** Length in bytes of the first `limit` complete lines of a file, their number, and the last of them. */
async function scan(file: string, limit: number): Promise<{ bytes: number; lines: number; last: string | undefined }> {
  let bytes = 0
  let lines = 0
  let last: Buffer | undefined
  let rest: Buffer = Buffer.alloc(0)
  try {
    for await (const chunk of createReadStream(file)) {
      rest = Buffer.concat([rest, chunk as Buffer])
      for (let end = rest.indexOf(10); end >= 0 && lines < limit; end = rest.indexOf(10)) {
        last = rest.subarray(0, end)
        rest = rest.subarray(end + 1)
        bytes += end + 1
        lines++
      }
      if (lines === limit) break
    }
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
  }
  return { bytes, lines, last: last?.toString('utf8') }
}
