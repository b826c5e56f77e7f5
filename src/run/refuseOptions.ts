import { AugmentError } from '../core/errors.js'
import type { Config } from './config.js'

/** Throws a usage error for what goes by the one class of a picture. */
export function refuseOneClassOptions({ multiLabel, pairing, balance, layout, adapt }: Config): void {
  if (!multiLabel) return
  const given = [
    ...(pairing === 'any' ? [] : [`--pairing ${pairing}`]),
    ...(balance === 'none' ? [] : [`--balance ${balance}`]),
    ...(layout === 'class-folders' ? [`--layout ${layout}`] : []),
    ...(adapt ? ['--adapt'] : []),
  ]
  if (given.length === 0) return
  throw new AugmentError('usage', `${given.join(', ')}: expected one class a picture, but found --multi-label`)
}

/** Throws a usage error where no pictures are drawn by their classes, or a method takes no picture twice. */
export function refuseBalance({ balance, pairs, method }: Config): void {
  if (balance === 'none') return
  if (pairs !== undefined)
    throw new AugmentError('usage', `--balance ${balance}: expected no --pairs, which say what is mixed`)
  if (method === 'comixup')
    throw new AugmentError(
      'usage',
      `--balance ${balance}: not with --method comixup, whose groups hold each picture once`,
    )
}
