import { readFile } from 'node:fs/promises'
import { AugmentError } from '../core/errors.js'

/** Libraries that there is code for, by the names of its files in loaders/. */
export const TRAINERS = ['torch', 'keras', 'tf', 'fastai', 'hf'] as const

/**
 * Python code that loads an output of `augment`, with its soft labels, for `trainer`: torch, keras, tf, fastai or hf. Throws a usage
 * error for any other.
 */
export async function loaderCode(trainer: string): Promise<string> {
  if (!TRAINERS.some((name) => name === trainer)) {
    throw new AugmentError('usage', `loader ${trainer}: found no such trainer, expected ${TRAINERS.join(', ')}`)
  }
  return readFile(new URL(`../../loaders/${trainer}.py`, import.meta.url), 'utf8')
}
