import { existsSync } from 'node:fs'
import { AugmentError } from '../core/errors.js'
import { nearest } from '../core/nearest.js'

/** Throws a usage error if the first word is a command misspelt; else it is taken for the folder of pictures. */
export function refuseMistyped([word]: readonly string[], commands: readonly string[]): void {
  if (word === undefined || /^-|[./\\]/.test(word) || commands.includes(word) || existsSync(word)) return
  const meant = nearest(word, commands)
  if (meant === null) return
  throw new AugmentError('usage', `${word}: found neither a folder nor a command of this name`, {
    hint: `did you mean sage-augment ${meant}?`,
  })
}
