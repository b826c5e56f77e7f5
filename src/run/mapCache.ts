/** Saliency maps kept in a folder between runs, by what they are maps of. */
import { createHash, randomUUID } from 'node:crypto'
import { type FileHandle, open, readdir, readFile, rename, rm, rmdir, stat, utimes } from 'node:fs/promises'
import path from 'node:path'
import { crc32 } from 'node:zlib'
import { reasonOf } from '../core/systemError.js'
import { makeFolder } from '../output/atomic.js'
import type { ModelFacts } from './inferenceWorker.js'

/** A map as it is kept: float32, so that a run has the same bytes with and without the cache. */
export interface KeptMap {
  readonly data: Float32Array
  readonly uniform: boolean
}

export interface MapCache {
  /** What the model is, where an earlier run has left it. */
  readonly facts: ModelFacts | null
  /** The map of this key (32 bytes), unless it is not there or damaged. */
  get(key: Buffer): Promise<KeptMap | null>
  put(key: Buffer, map: KeptMap): void
  /** Writes what is new and takes away what has not been used for longest where there is more than the limit. */
  close(facts: ModelFacts): Promise<void>
  /** Maps that were found, were missing, and were damaged; why nothing could be written, if so. */
  readonly counts: { found: number; missing: number; damaged: number; problem: string | null }
}

/*
 * A file of maps ("pack"), little-endian: "SAGEMAPS", uint32 count, uint32 cells; for each map its key of 32 bytes, uint32 CRC-32 of
 * key, flag and map, uint32 flag (1: uniform); then the maps, float32 [count, cells]. It has its name only when it is whole.
 */
const MAGIC = 'SAGEMAPS'
const [HEAD, ENTRY, KEY] = [16, 40, 32]
const PACK = '.maps'
/** What the model is, as JSON behind its own SHA-256. */
const FACTS = 'facts'
/** Says that a folder holds no pictures to mix, should it lie among them. */
const OURS = '.sage'
/** Only what looks like ours is ever deleted. */
const [OUR_FOLDER, OUR_FILE] = [/^[0-9a-f]{32}$/, /^[0-9a-f-]{36}\.(maps|new)$/]

/** A pack is written when it has so many bytes. */
const PACK_BYTES = 4 * 2 ** 20

/** Packs that are kept open; others are opened for each map. */
const MOST_OPEN = 128

/** Temporary files of writers that have died go after so long, in milliseconds. */
const STALE_MS = 24 * 3600 * 1000

interface Pack {
  readonly file: string
  readonly count: number
  readonly cells: number
  readonly index: Buffer
  readonly handle: FileHandle | null
  used: boolean
  replaced: boolean
}

/**
 * Opens the maps made by what `identity` says (model, options, device, versions) in `folder`, which need not exist, of at most
 * `limit` bytes. Several processes may do so at a time. Whatever is wrong with the folder only makes maps be made again.
 */
export async function openMapCache(folder: string, identity: unknown, limit: number): Promise<MapCache> {
  const name = sha256Of(JSON.stringify(identity)).slice(0, 32)
  const home = path.join(folder, name)
  const facts = await readFacts(path.join(home, FACTS))
  const counts: MapCache['counts'] = { found: 0, missing: 0, damaged: 0, problem: null }
  const packs: Pack[] = []
  const places = new Map<number, [pack: number, row: number]>()
  for (const file of await namesIn(home, PACK)) {
    const pack = await openPack(path.join(home, file), packs.length < MOST_OPEN)
    if (pack === null) {
      counts.damaged++
      await rm(path.join(home, file), { force: true }).catch(() => {})
      continue
    }
    for (let row = 0; row < pack.count; row++) places.set(shortOf(keyAt(pack, row)), [packs.length, row])
    packs.push(pack)
  }
  const fresh = new Map<string, KeptMap>()
  let [freshBytes, writing]: [number, Promise<void>] = [0, Promise.resolve()]

  function flush(): void {
    const maps = [...fresh]
    fresh.clear()
    freshBytes = 0
    if (maps.length === 0) return
    writing = writing.then(() =>
      writePack(home, maps).catch((error: unknown) => {
        counts.problem ??= reasonOf(error)
      }),
    )
  }

  function put(key: Buffer, map: KeptMap): void {
    if (counts.problem !== null) return
    fresh.set(key.toString('latin1'), map)
    freshBytes += ENTRY + map.data.byteLength
    if (freshBytes >= PACK_BYTES) flush()
  }

  return {
    facts,
    counts,
    async get(key) {
      const found = fresh.get(key.toString('latin1')) ?? (await find(key))
      if (found === null) counts.missing++
      else counts.found++
      return found
    },
    put,
    async close(now) {
      flush()
      await writing
      await Promise.all(packs.map(({ handle }) => handle?.close()))
      try {
        if (facts === null && counts.problem === null) {
          const json = JSON.stringify(now)
          await writeWhole(home, FACTS, `${sha256Of(json)} ${json}`)
        }
        const date = new Date()
        for (const { file, used, replaced } of packs)
          if (used && !replaced) await utimes(file, date, date).catch(() => {})
        await prune(folder, limit)
      } catch (error) {
        counts.problem ??= reasonOf(error)
      }
    },
  }

  async function find(key: Buffer): Promise<KeptMap | null> {
    const place = places.get(shortOf(key))
    if (place === undefined) return null
    const pack = packs[place[0]]!
    // Another key may begin alike.
    if (!keyAt(pack, place[1]).equals(key)) return null
    const map = await readMap(pack, place[1]).catch(() => null)
    if (map === null) {
      counts.damaged++
      await replace(pack)
    } else pack.used = true
    return map
  }

  /** Takes a damaged pack away, so that what is made again is found from now on; its other maps are written anew. */
  async function replace(pack: Pack): Promise<void> {
    if (pack.replaced) return
    pack.replaced = true
    for (let row = 0; row < pack.count; row++) {
      const map = await readMap(pack, row).catch(() => null)
      if (map !== null) put(keyAt(pack, row), map)
    }
    await rm(pack.file, { force: true }).catch(() => {})
  }
}

async function readFacts(file: string): Promise<ModelFacts | null> {
  try {
    const text = await readFile(file, 'utf8')
    const json = text.slice(65)
    return text.slice(0, 64) === sha256Of(json) ? (JSON.parse(json) as ModelFacts) : null
  } catch {
    return null
  }
}

function sha256Of(text: string): string {
  return createHash('sha256').update(text).digest('hex')
}

async function namesIn(folder: string, ending: string): Promise<string[]> {
  return (await readdir(folder).catch((): string[] => [])).filter((name) => name.endsWith(ending)).sort()
}

/** The first 48 bits. */
function shortOf(key: Buffer): number {
  return key.readUIntBE(0, 6)
}

function keyAt({ index }: Pick<Pack, 'index'>, row: number): Buffer {
  return index.subarray(row * ENTRY, row * ENTRY + KEY)
}

/** Null where the file is no whole pack. */
async function openPack(file: string, stays: boolean): Promise<Pack | null> {
  const handle = await open(file).catch(() => null)
  if (handle === null) return null
  let isKept = false
  try {
    const { size } = await handle.stat()
    const head = await bytesAt(handle, 0, HEAD)
    const [count, cells] = [head.readUInt32LE(8), head.readUInt32LE(12)]
    if (head.toString('latin1', 0, 8) !== MAGIC || size !== HEAD + count * (ENTRY + 4 * cells)) return null
    const index = await bytesAt(handle, HEAD, count * ENTRY)
    isKept = stays
    return { file, count, cells, index, handle: stays ? handle : null, used: false, replaced: false }
  } catch {
    return null
  } finally {
    if (!isKept) await handle.close()
  }
}

async function bytesAt(handle: FileHandle, position: number, length: number): Promise<Buffer> {
  const { buffer, bytesRead } = await handle.read(Buffer.alloc(length), 0, length, position)
  if (bytesRead !== length) throw new Error('found the end')
  return buffer
}

/** Null where the map is damaged; throws where the file cannot be read. */
async function readMap({ file, count, cells, index, handle }: Pack, row: number): Promise<KeptMap | null> {
  const position = HEAD + count * ENTRY + row * 4 * cells
  const own = handle ?? (await open(file))
  try {
    const bytes = await bytesAt(own, position, 4 * cells)
    const entry = index.subarray(row * ENTRY, (row + 1) * ENTRY)
    if (checkOf(entry, bytes) !== entry.readUInt32LE(KEY)) return null
    return { data: new Float32Array(bytes.buffer, bytes.byteOffset, cells), uniform: entry.readUInt32LE(KEY + 4) === 1 }
  } finally {
    if (handle === null) await own.close()
  }
}

function checkOf(entry: Buffer, map: Uint8Array): number {
  return crc32(map, crc32(entry.subarray(KEY + 4), crc32(entry.subarray(0, KEY))))
}

async function writePack(home: string, maps: readonly (readonly [key: string, map: KeptMap])[]): Promise<void> {
  const head = Buffer.alloc(HEAD + maps.length * ENTRY)
  head.write(MAGIC, 'latin1')
  head.writeUInt32LE(maps.length, 8)
  head.writeUInt32LE(maps[0]![1].data.length, 12)
  const bodies = maps.map(([key, { data, uniform }], i) => {
    const entry = head.subarray(HEAD + i * ENTRY, HEAD + (i + 1) * ENTRY)
    entry.write(key, 'latin1')
    entry.writeUInt32LE(uniform ? 1 : 0, KEY + 4)
    const body = Buffer.from(data.buffer, data.byteOffset, data.byteLength)
    entry.writeUInt32LE(checkOf(entry, body), KEY)
    return body
  })
  await writeWhole(home, `${randomUUID()}${PACK}`, Buffer.concat([head, ...bodies]))
}

/** Not made durable: after a crash of the machine what is not whole is noticed. */
async function writeWhole(home: string, name: string, bytes: Uint8Array | string): Promise<void> {
  await makeFolder(home)
  await (await open(path.join(home, OURS), 'a')).close()
  const temporary = path.join(home, `${randomUUID()}.new`)
  const handle = await open(temporary, 'wx')
  try {
    await handle.writeFile(bytes)
    await handle.close()
    await rename(temporary, path.join(home, name))
  } catch (error) {
    await handle.close().catch(() => {})
    await rm(temporary, { force: true })
    throw error
  }
}

/** Deletes the packs that have not been used for longest until all others have at most `limit` bytes, and what dead writers left. */
async function prune(folder: string, limit: number): Promise<void> {
  const packs: { file: string; size: number; used: number }[] = []
  for (const home of await ourFolders(folder)) {
    for (const name of await readdir(path.join(folder, home)).catch((): string[] => [])) {
      if (!OUR_FILE.test(name)) continue
      const file = path.join(folder, home, name)
      const stats = await stat(file).catch(() => null)
      if (stats === null) continue
      if (name.endsWith('.new') && Date.now() - stats.mtimeMs > STALE_MS) await rm(file, { force: true })
      if (name.endsWith(PACK)) packs.push({ file, size: stats.size, used: stats.mtimeMs })
    }
  }
  packs.sort((a, b) => b.used - a.used)
  let bytes = 0
  for (const { file, size } of packs) {
    bytes += size
    if (bytes > limit) await rm(file, { force: true })
  }
  if (bytes > limit) await dropEmpty(folder)
}

async function ourFolders(folder: string): Promise<string[]> {
  return (await readdir(folder).catch((): string[] => [])).filter((name) => OUR_FOLDER.test(name))
}

/** Folders without packs go; where another process has just put one there, rmdir leaves it. */
async function dropEmpty(folder: string): Promise<void> {
  for (const name of await ourFolders(folder)) {
    const home = path.join(folder, name)
    if ((await namesIn(home, PACK)).length > 0) continue
    for (const file of [FACTS, OURS]) await rm(path.join(home, file), { force: true }).catch(() => {})
    await rmdir(home).catch(() => {})
  }
}
