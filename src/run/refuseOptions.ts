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

/** Throws a usage error for what says which pictures are mixed where pairs or another option do, or a method takes no picture twice. */
export function refusePlanned({ count, epochs, pairing, balance, pairs, method }: Config): void {
  const given = [
    ...(count === undefined ? [] : [`--count ${count}`]),
    ...(epochs === 1 ? [] : [`--epochs ${epochs}`]),
    ...(pairing === 'any' ? [] : [`--pairing ${pairing}`]),
    ...(balance === 'none' ? [] : [`--balance ${balance}`]),
  ]
  if (pairs !== undefined && given.length > 0)
    throw new AugmentError('usage', `${given.join(', ')}: expected no --pairs, which say what is mixed`)
  if (count !== undefined && epochs !== 1)
    throw new AugmentError(
      'usage',
      `--count ${count}: expected no --epochs ${epochs}, which says how many mixes there are, too`,
      { hint: 'give one of the two' },
    )
  if (balance !== 'none' && method === 'comixup')
    throw new AugmentError(
      'usage',
      `--balance ${balance}: not with --method comixup, whose groups hold each picture once`,
    )
}
