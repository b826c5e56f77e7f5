import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { expect } from 'vitest'
import { neededLibraries } from '../../src/saliency/elf.js'
import { temporaryFolder } from '../helpers/folder.js'
import { needing } from '../helpers/needing.js'

const isElf = process.platform === 'linux' && process.report !== undefined

function readelf(file: string): string[] | null {
  try {
    const text = execFileSync('readelf', ['-d', '-W', file], { encoding: 'utf8', stdio: 'pipe' })
    return [...text.matchAll(/\(NEEDED\).*\[(.+)\]/g)].map((match) => match[1]!)
  } catch {
    return null
  }
}

const isThere = isElf && readelf(process.execPath) !== null

needing('readelf', isThere)('the libraries that a file needs are those that readelf lists', async () => {
  const { sharedObjects } = process.report.getReport() as unknown as { sharedObjects: string[] }
  const files = [process.execPath, ...sharedObjects.filter((file) => path.isAbsolute(file))]
  for (const file of files) expect(await neededLibraries(file), file).toEqual(readelf(file))
})

needing('Linux', isElf)('what is no library, or cut, needs nothing that is known', async () => {
  const folder = temporaryFolder()
  const file = path.join(folder, 'library.so')
  for (const bytes of [Buffer.alloc(0), Buffer.from('no library'), Buffer.from('\x7fELF\x02\x01 cut', 'latin1')]) {
    writeFileSync(file, bytes)
    expect(await neededLibraries(file)).toBeNull()
  }
})
