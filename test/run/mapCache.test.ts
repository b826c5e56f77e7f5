import { createHash } from 'node:crypto'
import {
  existsSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'
import type { ModelFacts } from '../../src/run/inferenceWorker.js'
import { type KeptMap, type MapCache, openMapCache } from '../../src/run/mapCache.js'
import { temporaryFolder } from '../helpers/folder.js'

const FACTS = { device: 'cpu', width: 4, height: 4, grid: { width: 2, height: 2 } } as ModelFacts
const ROOM = 2 ** 30
const CELLS = 4

const keyOf = (i: number) => createHash('sha256').update(String(i)).digest()
const mapOf = (i: number): KeptMap => ({
  data: Float32Array.of(i / 7, 1e-42 * i, 0.1, 3.4e38),
  uniform: i % 3 === 0,
})

async function fill(cache: MapCache, from: number, to: number): Promise<void> {
  for (let i = from; i < to; i++) cache.put(keyOf(i), mapOf(i))
  await cache.close(FACTS)
}
const packsOf = (folder: string) =>
  (readdirSync(folder, { recursive: true }) as string[])
    .filter((name) => name.endsWith('.maps'))
    .map((name) => path.join(folder, name))

test('maps come back to the last bit, with what the model is, and only for the same identity', async () => {
  const folder = temporaryFolder()
  await fill(await openMapCache(folder, { model: 1 }, ROOM), 0, 10)
  const again = await openMapCache(folder, { model: 1 }, ROOM)
  expect(again.facts).toEqual(FACTS)
  for (let i = 0; i < 10; i++) expect(await again.get(keyOf(i))).toEqual(mapOf(i))
  expect(await again.get(keyOf(11))).toBeNull()
  expect(again.counts).toEqual({ found: 10, missing: 1, damaged: 0, problem: null })
  await again.close(FACTS)
  const other = await openMapCache(folder, { model: 2 }, ROOM)
  expect([other.facts, await other.get(keyOf(1))]).toEqual([null, null])
  await other.close(FACTS)
})

test('whatever byte is damaged, no map comes back wrong, and a file that is cut goes', async () => {
  const folder = temporaryFolder()
  await fill(await openMapCache(folder, 'x', ROOM), 0, 3)
  const [pack] = packsOf(folder) as [string]
  const whole = readFileSync(pack)
  expect(whole.length).toBe(16 + 3 * (40 + 4 * CELLS))
  for (let at = 0; at < whole.length; at++) {
    const damaged = Buffer.from(whole)
    damaged[at]! ^= 1 << (at % 8)
    writeFileSync(pack, damaged)
    const cache = await openMapCache(folder, 'x', ROOM)
    const found = await Promise.all([0, 1, 2].map((i) => cache.get(keyOf(i))))
    for (const [i, map] of found.entries()) if (map !== null) expect(map).toEqual(mapOf(i))
    expect(found.filter((map) => map === null).length).toBeGreaterThan(0)
    await cache.close(FACTS)
    // Maps beside a damaged one are in another file now.
    for (const file of packsOf(folder)) rmSync(file)
  }
  writeFileSync(pack, whole)
  truncateSync(pack, whole.length - 1)
  const cut = await openMapCache(folder, 'x', ROOM)
  expect([await cut.get(keyOf(0)), cut.counts.damaged, existsSync(pack)]).toEqual([null, 1, false])
  await cut.close(FACTS)
})

test('a map made again in place of a damaged one is found, and so are those that lay beside it', async () => {
  const folder = temporaryFolder()
  await fill(await openMapCache(folder, 'x', ROOM), 0, 5)
  const [pack] = packsOf(folder) as [string]
  const bytes = readFileSync(pack)
  bytes[bytes.length - 1]! ^= 1
  writeFileSync(pack, bytes)
  const finder = await openMapCache(folder, 'x', ROOM)
  expect(await finder.get(keyOf(4))).toBeNull()
  await fill(finder, 4, 5)
  const again = await openMapCache(folder, 'x', ROOM)
  for (let i = 0; i < 5; i++) expect(await again.get(keyOf(i))).toEqual(mapOf(i))
  expect([again.counts.damaged, packsOf(folder).length]).toEqual([0, 1])
  await again.close(FACTS)
})

test('several runs write at a time, and each finds what all have made', async () => {
  const folder = temporaryFolder()
  const caches = await Promise.all([0, 1, 2, 3].map(() => openMapCache(folder, 'x', ROOM)))
  await Promise.all(caches.map((cache, i) => fill(cache, 5 * i, 5 * i + 8)))
  const all = await openMapCache(folder, 'x', ROOM)
  for (let i = 0; i < 23; i++) expect(await all.get(keyOf(i))).toEqual(mapOf(i))
  await all.close(FACTS)
})

test('above the limit what has not been used for longest goes, and nothing that is not ours', async () => {
  const folder = temporaryFolder({ 'mine/a.maps': 'mine', facts: 'mine' })
  for (const name of ['old', 'used', 'new']) await fill(await openMapCache(folder, name, ROOM), 0, 100)
  const packs = packsOf(folder).filter((file) => !file.includes('mine'))
  const size = statSync(packs[0]!).size
  for (const file of packs) utimesSync(file, new Date(1e12), new Date(1e12))
  const used = await openMapCache(folder, 'used', ROOM)
  expect(await used.get(keyOf(1))).toEqual(mapOf(1))
  await used.close(FACTS)
  await fill(await openMapCache(folder, 'newest', 2.5 * size), 0, 100)
  for (const [name, expected] of Object.entries({ old: false, new: false, used: true, newest: true })) {
    const cache = await openMapCache(folder, name, ROOM)
    expect([name, (await cache.get(keyOf(5))) !== null]).toEqual([name, expected])
    await cache.close(FACTS)
  }
  expect([
    readFileSync(path.join(folder, 'mine/a.maps'), 'utf8'),
    readFileSync(path.join(folder, 'facts'), 'utf8'),
  ]).toEqual(['mine', 'mine'])
})

test('a folder that takes nothing is told, and no error', async () => {
  const folder = temporaryFolder({ cache: 'a file' })
  const cache = await openMapCache(path.join(folder, 'cache'), 'x', ROOM)
  expect(await cache.get(keyOf(0))).toBeNull()
  await fill(cache, 0, 3)
  expect(cache.counts.problem).toMatch(/found a file where a folder belongs/)
})

test('a map that is asked for before it is written is found, and large ones are written as they come', async () => {
  const folder = temporaryFolder()
  const cache = await openMapCache(folder, 'x', ROOM)
  const large = { data: new Float32Array(2 ** 19).fill(0.5), uniform: false }
  for (let i = 0; i < 4; i++) cache.put(keyOf(i), large)
  cache.put(keyOf(9), { ...large, uniform: true })
  expect(await cache.get(keyOf(9))).toMatchObject({ uniform: true })
  await cache.close(FACTS)
  expect(packsOf(folder)).toHaveLength(3)
})
