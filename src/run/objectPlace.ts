/** What a run can do whose output goes to an object store. */
import { AugmentError } from '../core/errors.js'
import { absolute, isObject } from '../objects/place.js'
import { misuse, type Problem } from '../options/schema.js'
import { refuseForeignObjects } from '../output/objectFolder.js'
import { shardFormOf } from '../output/shardForms.js'
import type { Config } from './config.js'

/** Options that need all of the output at hand, or other objects than shards and tables. */
const REFUSED = ['writeMasks', 'report', 'retryFailed', 'adapt', 'dryRun', 'preview'] as const

/**
 * Throws a usage error for what cannot be done there, and where the place cannot be reached; a conflict error where other objects
 * are.
 */
export async function checkObjectPlace(out: string, config: Config): Promise<void> {
  const url = absolute(out)
  const problems: Problem[] = REFUSED.filter((name) => config[name] !== undefined && config[name] !== false).map(
    (name) => ({ name, problem: `found with --out ${url}, expected a folder of this machine as its --out` }),
  )
  if (shardFormOf(config.layout) === null)
    problems.push({ name: 'layout', problem: `expected webdataset or parquet with --out ${url}, got ${config.layout}` })
  if (url.split('/').length < 4)
    problems.push({ name: 'out', problem: `expected a prefix in the bucket, as in ${url}/aug` })
  if (problems.length > 0) throw misuse(problems)
  await refuseForeignObjects(url)
}

/** Throws a usage error for a place in an object store, where `command` needs a folder. */
export function refuseObjects(command: string, places: readonly string[]): void {
  const found = places.find(isObject)
  if (found === undefined) return
  throw new AugmentError('usage', `${command} ${found}: found an object store, expected a folder of this machine`, {
    hint: 'only a run writes there; to check or join shards, bring them into a folder first',
  })
}
