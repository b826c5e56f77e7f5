import { readdirSync } from 'node:fs'
import path from 'node:path'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { list } from '../../src/dataset/listing.js'
import { temporaryFolder } from '../helpers/folder.js'

/** Some of these sort otherwise in UTF-8 than in UTF-16, or than the folder of that name. */
const NAMES = ['a', 'a.png', 'a-b', 'a0', '\u{ff00}', '\u{1f600}', 'A\n']

test('any folders and files are listed in the order of their paths', async () => {
  const place = fc.array(fc.constantFrom(...NAMES), { minLength: 1, maxLength: 4 })
  await fc.assert(
    fc.asyncProperty(fc.array(place, { maxLength: 12 }), async (places) => {
      // A folder cannot have the name of a file, so files have names of their own.
      const files = places.map((parts) => `${parts.join('/')}.x`)
      const root = temporaryFolder(Object.fromEntries(files.map((file) => [file, ''])))
      const entries = readdirSync(root, { recursive: true, withFileTypes: true })
      const expected = entries
        .filter((entry) => entry.isFile())
        .map((entry) => path.relative(root, path.join(entry.parentPath, entry.name)))
        .sort()
      const { files: found } = await list(root, false)
      expect([...found]).toEqual(expected)
      expect(expected.map((_, place) => found.nameOf(place))).toEqual(expected)
      expect(expected.map((name) => found.placeOf(name))).toEqual([...expected.keys()])
    }),
    { numRuns: 50 },
  )
})
