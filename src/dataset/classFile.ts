/** A file with one class name per line. */
import { Classes } from './labels.js'
import { Problems, quoted } from './problems.js'
import { linesOf, readText } from './text.js'

/** Class names from a file with one per line. Throws AugmentError `usage` for empty lines between them and repetitions. */
export async function readClasses(file: string): Promise<Classes> {
  const problems = new Problems()
  const names: string[] = []
  const seen = new Set<string>()
  let before = 0
  for (const { line, content } of linesOf(await readText(file))) {
    const name = content.normalize('NFC')
    if (line !== before + 1) problems.add(`${file}:${before + 1}`, 'found an empty line, expected a class name')
    before = line
    if (seen.has(name)) problems.add(`${file}:${line}`, `class ${quoted(name)} appears twice`)
    seen.add(name)
    names.push(name)
  }
  if (names.length === 0) problems.add(file, 'found no lines, expected one class name per line')
  problems.throwIfAny()
  return new Classes(names)
}
