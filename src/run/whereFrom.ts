import path from 'node:path'
import { absolute, isObject } from '../objects/place.js'
import type { Config } from './config.js'
import type { Inputs } from './inputs.js'

/** Where the inputs lie, seen from the output folder: what replaying provenance.jsonl needs. */
export function whereFrom({ out, given }: Inputs, { labels, classes, split }: Config): Record<string, string> {
  const near = (file: string) => path.relative(path.resolve(out), path.resolve(file)).split(path.sep).join('/') || '.'
  const seen = (file: string) => (isObject(file) || isObject(out) ? absolute(file) : near(file))
  return {
    images: seen(given),
    ...(split && { split }),
    ...(labels && { labels: seen(labels) }),
    ...(classes && { classes: seen(classes) }),
  }
}
