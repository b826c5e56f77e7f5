/** classes.txt: the name of each class, line n for index n. */
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { CLASSES } from './layout.js'
import { damaged } from './read.js'

export function classesText(classes: readonly string[]): string {
  return classes.map((name) => `${name}\n`).join('')
}

/** The classes of a folder of a run; throws a conflict error where classes.txt is cut or not there. */
export async function readClasses(folder: string): Promise<string[]> {
  const file = path.join(folder, CLASSES)
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error
    throw damaged(file, null, 'not there, expected the names of the classes')
  })
  const names = text.split('\n')
  if (names.pop() !== '')
    throw damaged(file, names.length + 1, 'found a line that is cut, expected the name of a class')
  return names
}

/** Throws a conflict error that names the line where the classes of a folder are not those of its run. */
export async function refuseOtherClasses(folder: string, classes: readonly string[]): Promise<void> {
  const found = await readClasses(folder)
  for (let i = 0; i < Math.max(found.length, classes.length); i++) {
    if (found[i] === classes[i]) continue
    const told = (name: string | undefined) => (name === undefined ? 'the end of the file' : JSON.stringify(name))
    throw damaged(path.join(folder, CLASSES), i + 1, `found ${told(found[i])}, expected ${told(classes[i])}`)
  }
}
