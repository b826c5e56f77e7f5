import type { ConfigInput } from '../options/inputs.js'
import { parseConfig } from './config.js'
import type { AugmentEvent } from './events.js'
import { refuseAdapt } from './refuseAdapt.js'
import { refuseOneClassOptions, refusePlanned } from './refuseOptions.js'
import { finishedAlready, lookBeforehand } from './seen.js'
import { parseShard, placeOf, type Shard } from './shard.js'

const WHOLE: Shard = { index: 1, count: 1 }

/**
 * Augments a labelled image folder: the whole job of the command line, as a stream of events. The last is `done`. Ending the
 * loop early, or `signal`, stops the run in a state that the same call continues. Throws AugmentError for anything a user
 * can mend.
 */
export async function* augment(input: ConfigInput, signal?: AbortSignal): AsyncGenerator<AugmentEvent, void> {
  const started = performance.now()
  const config = parseConfig(input)
  refuseAdapt(config)
  refuseOneClassOptions(config)
  refusePlanned(config)
  const shard = config.shard === undefined ? WHOLE : parseShard(config.shard, process.env)
  const asked = lookBeforehand(config)
  if (asked !== null && (yield* finishedAlready(await placeOf(config, shard), config, shard, asked))) return
  // What a run needs takes half a second to load.
  const { plannedRun } = await import('./plannedRun.js')
  yield* plannedRun({ config, shard, asked, started, signal })
}
