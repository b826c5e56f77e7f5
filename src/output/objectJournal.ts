/**
 * How far a run in an object store has got: for each full shard an object with its rows in all tables, written once the shard is
 * there. A run that goes on puts them together again; what it made after the last of them was kept only if it could end by itself.
 */
import { appendFile, mkdir, open, readFile, stat, utimes, writeFile } from 'node:fs/promises'
import path from 'node:path'
import { listObjects, readObject } from '../objects/reading.js'
import { putObject, removeObject } from '../objects/writing.js'
import { numbered, numbersOf } from './closedShards.js'
import { CLASSES, INPUTS, OPEN_SHARDS, RUN_RECORD, TABLES } from './layout.js'
import { readRecord } from './record.js'
import { shardName } from './shardForm.js'

/** Below the place of the run; the open shard has the same, followed by its samples. */
const [PIECES, OPEN] = ['.sage/rows', '.sage/open']

/** The rows of a shard by the name of their table. */
type Piece = Readonly<Record<string, string>>

/** A run in an object store, and the folder in which this process works on it. */
export interface Mirror {
  readonly url: string
  readonly folder: string
}

/** What of each table has been written. */
export class ObjectJournal {
  readonly #mirror: Mirror
  readonly #written = new Map<string, number>(TABLES.map((table) => [table, 0]))

  private constructor(mirror: Mirror) {
    this.#mirror = mirror
  }

  /** Brings the tables of a run into its folder, as far as `closed` shards are there. Whole ones where it is complete. */
  static async restore(mirror: Mirror, names: readonly string[], closed: readonly number[]): Promise<ObjectJournal> {
    const journal = new ObjectJournal(mirror)
    const { url, folder } = mirror
    await mkdir(path.join(folder, OPEN_SHARDS), { recursive: true })
    if (!names.includes(RUN_RECORD)) return journal
    const fetch = async (name: string) => writeFile(path.join(folder, name), (await readObject(`${url}/${name}`)).bytes)
    for (const name of [INPUTS, CLASSES, RUN_RECORD]) await fetch(name)
    // When the run began decides which sources have been touched since.
    const { mtimeMs } = (await readObject(`${url}/${INPUTS}`)).stats
    await utimes(path.join(folder, INPUTS), mtimeMs / 1000, mtimeMs / 1000)
    if ((await readRecord(folder))?.complete) {
      for (const table of TABLES) if (names.includes(table)) await fetch(table)
      return journal
    }
    const pieces = numbersOf(
      names.filter((name) => name.startsWith(`${PIECES}/`)).map((name) => path.posix.basename(name)),
      '',
    )
    let n = 0
    for (; pieces.includes(n) && closed.includes(n); n++) {
      await journal.#take(JSON.parse((await readObject(pieceOf(url, n))).bytes.toString('utf8')) as Piece)
    }
    if (names.includes(OPEN)) await journal.#reopen(n)
    return journal
  }

  /** Says that shard `n` is complete, and which rows it has. */
  async keep(n: number): Promise<void> {
    await putObject(pieceOf(this.#mirror.url, n), JSON.stringify(await this.#rest(true)))
  }

  /** Keeps the open shard of a run that ends before its time. */
  async keepOpen(): Promise<void> {
    const [n] = numbered(path.join(this.#mirror.folder, OPEN_SHARDS), '').slice(-1)
    if (n === undefined) return
    const samples = await readFile(this.#open(n))
    const head = Buffer.from(`${JSON.stringify({ n, rows: await this.#rest(false) })}\n`)
    await putObject(`${this.#mirror.url}/${OPEN}`, Buffer.concat([head, samples]))
  }

  /** Takes all of it away. */
  async drop(): Promise<void> {
    const names: string[] = []
    for await (const { name } of listObjects(`${this.#mirror.url}/${PIECES}`)) names.push(`${PIECES}/${name}`)
    for (const name of [...names, OPEN]) await removeObject(`${this.#mirror.url}/${name}`)
  }

  async #take(piece: Piece): Promise<void> {
    for (const [table, rows] of Object.entries(piece)) {
      await appendFile(path.join(this.#mirror.folder, table), rows)
      this.#written.set(table, this.#written.get(table)! + Buffer.byteLength(rows))
    }
  }

  /** The open shard, where it is the one that follows the full ones. Its rows are kept again with it. */
  async #reopen(next: number): Promise<void> {
    const { bytes } = await readObject(`${this.#mirror.url}/${OPEN}`)
    const end = bytes.indexOf(10)
    const { n, rows } = JSON.parse(bytes.toString('utf8', 0, end)) as { n: number; rows: Piece }
    if (n !== next) return
    await writeFile(this.#open(n), bytes.subarray(end + 1))
    for (const [table, text] of Object.entries(rows)) await appendFile(path.join(this.#mirror.folder, table), text)
  }

  /** What the tables hold that no shard has kept. */
  async #rest(isKept: boolean): Promise<Piece> {
    const rows: Record<string, string> = {}
    for (const table of TABLES) {
      const file = path.join(this.#mirror.folder, table)
      const size = (await stat(file).catch(() => ({ size: 0 }))).size
      const from = this.#written.get(table)!
      if (size <= from) continue
      const handle = await open(file)
      const bytes = Buffer.alloc(size - from)
      await handle.read(bytes, 0, bytes.length, from).finally(() => handle.close())
      rows[table] = bytes.toString('utf8')
      if (isKept) this.#written.set(table, size)
    }
    return rows
  }

  #open(n: number): string {
    return path.join(this.#mirror.folder, OPEN_SHARDS, shardName(n, { ending: '' }))
  }
}

function pieceOf(url: string, n: number): string {
  return `${url}/${PIECES}/${shardName(n, { ending: '' })}`
}
