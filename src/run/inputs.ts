import path from 'node:path'
import { counted } from '../core/counted.js'
import { AugmentError } from '../core/errors.js'
import { flagOf } from '../core/flag.js'
import { mainClass } from '../core/softLabel.js'
import { readManifest, type Source } from '../dataset/manifest.js'
import type { Pairing } from '../dataset/pairing.js'
import type { Pairs } from '../dataset/pairList.js'
import { readPairs } from '../dataset/pairs.js'
import { runOptions } from '../options/run.js'
import { differences } from '../output/record.js'
import { type Config, decisive } from './config.js'
import { type Plan, planEpochs, planPairs } from './plan.js'

/** What a run works on: sources with their labels, and explicit pairs if there are any. */
export interface Inputs {
  /** Absolute path of the folder that files are relative to. */
  readonly root: string
  readonly out: string
  readonly classes: readonly string[]
  readonly sources: readonly Source[]
  readonly pairs: Pairs | null
  /** Where the labels come from, in words. */
  readonly told: string
  /** Pictures below the root that the manifest does not name. */
  readonly ignored: number
  /** Files in class folders that are no picture which is read, in words; null where there are none. */
  readonly unread: string | null
  /** What is to be known of the classes. */
  readonly notices: readonly string[]
}

/** Reads manifest or pairs file. Throws a usage error that lists every problem. */
export async function readInputs(config: Config): Promise<Inputs> {
  const { images, labels, classes, followLinks, pairs: pairsFile } = config
  const files = { followLinks, ...(labels !== undefined && { labels }), ...(classes !== undefined && { classes }) }
  if (pairsFile !== undefined) {
    const read = await readPairs(pairsFile, { ...files, ...(images !== undefined && { images }) })
    const { manifest, pairs, out, madeWith } = read
    return {
      ...manifest,
      out: config.out ?? out ?? runOptions.out.fallback,
      pairs,
      told: `pairs from ${path.basename(pairsFile)}; ${manifest.told}`,
      notices: [...manifest.notices, ...replayNotices(path.basename(pairsFile), madeWith ?? {}, config)],
    }
  }
  if (images === undefined) {
    throw new AugmentError('usage', 'images: expected a folder of pictures, or --pairs <file>', {
      hint: 'sage-augment ./pictures --out ./aug',
    })
  }
  const manifest = await readManifest(images, files)
  if (config.strict && manifest.unread !== null) {
    throw new AugmentError('failed', manifest.unread, { hint: 'without --strict they would be left out' })
  }
  return { ...manifest, out: config.out ?? runOptions.out.fallback, pairs: null }
}

/** What decides the pixels and labels of a replayed pair, beside the maps. */
const REPLAYED = ['method', 'seed', 'size', 'range', 'parameters'] as const

/** Pairs may be mixed in another way than they were, but then this is no replay. */
function replayNotices(name: string, madeWith: Readonly<Record<string, unknown>>, config: Config): string[] {
  if (madeWith.method === undefined) return []
  const now = decisive(config)
  const same = madeWith.method === config.method
  // What SAGE draws stands in its rows; methods have different parameters.
  const ignored = [...(same && config.method === 'sage' ? ['seed'] : []), ...(same ? [] : ['parameters'])]
  const kept = REPLAYED.filter((option) => !ignored.includes(option))
  const chosen = (options: Readonly<Record<string, unknown>>) =>
    Object.fromEntries(kept.map((option) => [option, options[option] ?? null]))
  const changed = differences(chosen(madeWith), chosen(now))
  if (changed.length === 0) return []
  const listed = changed.map(
    ({ name: option, old, new: value }) =>
      `${flagOf(option.replace('parameters.', ''))} ${old ?? 'unset'}, not ${value ?? 'unset'}`,
  )
  return [`${name}: made with ${listed.join('; ')}: the mixes will differ`]
}

/** The plan of a run. Throws a usage error where the pairing cannot find everybody a partner. */
export function planRun(inputs: Inputs, config: Config): Plan {
  const { sources, pairs } = inputs
  if (pairs !== null) refuseUnused(pairs, config)
  if (pairs !== null) return planPairs(pairs, sources.length, config.includeOriginals)
  const classes = Int32Array.from(sources, ({ label }) => mainClass(label))
  refuseLonely(classes, inputs, config.pairing)
  const count = config.count ?? config.epochs * sources.length
  return planEpochs(classes, { count, pairing: config.pairing, seed: config.seed, originals: config.includeOriginals })
}

/** What a pair fixes only SAGE can take; Co-Mixup takes no pairs at all. */
function refuseUnused(pairs: Pairs, { method }: Config): void {
  if (method === 'comixup')
    throw new AugmentError('usage', '--method comixup: mixes groups of pictures, expected no --pairs')
  if (method === 'sage') return
  for (let i = 0; i < pairs.length; i++) {
    const { alpha, shift } = pairs.get(i)
    if (alpha === undefined && shift === undefined) continue
    throw new AugmentError('usage', `--method ${method}: pair ${i} has an alpha or a shift, which only sage takes`)
  }
}

function refuseLonely(classes: Int32Array, { root, classes: names }: Inputs, pairing: Pairing): void {
  const counts = new Map<number, number>()
  for (const label of classes) counts.set(label, (counts.get(label) ?? 0) + 1)
  if (classes.length < 2) {
    throw new AugmentError(
      'usage',
      `${root}: found ${counted(classes.length, 'labelled picture')}, expected at least 2 to mix`,
    )
  }
  if (pairing === 'different-class' && counts.size < 2) {
    throw new AugmentError(
      'usage',
      `--pairing different-class: all pictures are of one class, expected at least 2 classes`,
    )
  }
  const lonely = [...counts].filter(([, count]) => count === 1).map(([label]) => names[label])
  if (pairing === 'same-class' && lonely.length > 0) {
    throw new AugmentError(
      'usage',
      `--pairing same-class: found a single picture of ${lonely.join(', ')}, expected at least 2 of every class`,
    )
  }
}
