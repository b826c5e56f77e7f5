import { existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'
import { WrittenTogether } from '../../src/output/atomic.js'
import { temporaryFolder } from '../helpers/folder.js'

/** More than wait at a time, and some that are too large to wait. */
const FILES = Array.from(
  { length: 600 },
  (_, i) => [`${i}.png`, Buffer.alloc(i % 100 === 99 ? 100_000 : i + 1, i)] as const,
)

test('files written together are there whole once they are settled, and none has its name before in part', async () => {
  const [folder, scratch] = [temporaryFolder(), temporaryFolder()]
  const together = new WrittenTogether(scratch)
  for (const [name, bytes] of FILES) {
    await together.write(path.join(folder, name), bytes)
    for (const found of readdirSync(folder).slice(0, 3))
      expect(readFileSync(path.join(folder, found))).toEqual(FILES[Number.parseInt(found, 10)]![1])
  }
  await together.settle()
  for (const [name, bytes] of FILES) expect(readFileSync(path.join(folder, name)).equals(bytes)).toBe(true)
  expect(readdirSync(scratch)).toEqual([])
})

test('of files written together the one that fails is named, and the others are there', async () => {
  const [folder, scratch] = [temporaryFolder(), temporaryFolder()]
  const together = new WrittenTogether(scratch)
  const place = (name: string) => path.join(folder, name)
  mkdirSync(place('b.png'))
  for (const name of ['a.png', 'b.png', 'c.png']) await together.write(place(name), Buffer.from(name))
  expect(existsSync(place('a.png'))).toBe(false)
  await expect(together.settle()).rejects.toMatchObject({ code: 'EISDIR', path: place('b.png') })
  expect(readdirSync(folder).sort()).toEqual(['a.png', 'b.png', 'c.png'])
  expect(readdirSync(scratch)).toEqual([])
  together.close()
})

test('who settles waits for what another is settling', async () => {
  const [folder, scratch] = [temporaryFolder(), temporaryFolder()]
  const together = new WrittenTogether(scratch)
  const first = Array.from({ length: 32 }, (_, i) => `${i}.png`)
  for (const name of first) await together.write(path.join(folder, name), Buffer.from(name))
  const another = together.write(path.join(folder, 'another.png'), Buffer.alloc(1))
  await together.settle()
  expect(readdirSync(folder).sort()).toEqual([...first].sort())
  await another
})

test('after a failure nothing counts as durable any more', async () => {
  const [folder, scratch] = [temporaryFolder(), temporaryFolder()]
  const together = new WrittenTogether(scratch)
  mkdirSync(path.join(folder, 'a.png'))
  await together.write(path.join(folder, 'a.png'), Buffer.alloc(1))
  await expect(together.settle()).rejects.toThrow('EISDIR')
  await expect(together.settle()).rejects.toThrow('EISDIR')
})
