import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { openMapFolder, portablePath } from '../../src/output/mapFolder.js'

test('ordinary names stay as they are', () => {
  for (const name of ['cat/a b.jpg', 'Katze-ä_1.PNG', '.hidden/x.jpg']) expect(portablePath(name)).toBe(name)
})

test('names that some system does not take are escaped', () => {
  expect(portablePath('a:b/c?.jpg')).toBe('a%3ab/c%3f.jpg')
  expect(portablePath('tab\t/dot./space /100%.jpg')).toBe('tab%09/dot%2e/space%20/100%25.jpg')
})

test('different names stay different, and below the folder', () => {
  const name = fc.string({ unit: fc.constantFrom('a', '.', '%', '2', '5', ':', '\\', ' ', '/', '\n'), minLength: 1 })
  fc.assert(
    fc.property(name, name, (a, b) => {
      if (a !== b) expect(portablePath(a)).not.toBe(portablePath(b))
      expect(path.posix.relative('/out', path.posix.join('/out', portablePath(`x/${a}`))).startsWith('..')).toBe(false)
    }),
  )
})

test('files of one name in different folders, written at once, keep their own bytes', async () => {
  const out = mkdtempSync(path.join(os.tmpdir(), 'sage-maps-'))
  try {
    const folder = await openMapFolder(out, () => {})
    const classes = Array.from({ length: 20 }, (_, i) => `class-${i}`)
    await Promise.all(classes.map((name) => folder.write(`maps/${name}/0001.npy`, name)))
    await folder.close()
    for (const name of classes) expect(readFileSync(path.join(out, `maps/${name}/0001.npy`), 'utf8')).toBe(name)
  } finally {
    rmSync(out, { recursive: true })
  }
})
