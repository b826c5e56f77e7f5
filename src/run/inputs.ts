import path from 'node:path'
import { counted } from '../core/counted.js'
import { AugmentError } from '../core/errors.js'
import { mainClass } from '../core/softLabel.js'
import { type Manifest, readManifest, type Sources } from '../dataset/manifest.js'
import type { Pairing } from '../dataset/pairing.js'
import type { Pairs } from '../dataset/pairList.js'
import { readPairs } from '../dataset/pairs.js'
import { runOptions } from '../options/run.js'
import type { Config } from './config.js'
import { type DrawnPlan, describeBalance, describeOveruse, planDrawn } from './drawn.js'
import { blockSize, type Plan, planEpochs, planPairs } from './plan.js'
import { type Replayed, replayNotices } from './replay.js'

/** What a run works on: sources with their labels, and explicit pairs if there are any. */
export interface Inputs {
  /** Absolute path of the folder that files are relative to. */
  readonly root: string
  /** Absolute path or pattern of what was given. */
  readonly given: string
  readonly out: string
  readonly classes: readonly string[]
  readonly sources: Sources
  readonly pairs: Pairs | null
  /** What the pictures of a replayed run were: SHA-256 by source. */
  readonly hashes?: ReadonlyMap<number, string>
  /** The run whose provenance the pairs are; null for other pairs. */
  readonly replayed: Replayed | null
  /** Where the labels come from, in words. */
  readonly told: string
  /** Pictures below the root that the manifest does not name. */
  readonly ignored: number
  /** The files in class folders that are left out, in words; null where there are none. */
  readonly unread: string | null
  /** What is to be known of the classes. */
  readonly notices: readonly string[]
  /** What the folders were before they were read; null where that does not tell all. */
  readonly stamps: Manifest['stamps']
}

/** Reads manifest or pairs file. Throws a usage error that lists every problem. */
export async function readInputs(config: Config): Promise<Inputs> {
  const { images, labels, classes, split, followLinks, multiLabel, pairs: pairsFile } = config
  const files = {
    followLinks,
    multiLabel,
    ...(split !== undefined && { split }),
    ...(labels !== undefined && { labels }),
    ...(classes !== undefined && { classes }),
  }
  if (pairsFile !== undefined) {
    const read = await readPairs(pairsFile, { ...files, ...(images !== undefined && { images }) })
    const { manifest, pairs, hashes, out, madeWith } = read
    const name = path.basename(pairsFile)
    const replayed = madeWith === undefined ? null : { name, ...madeWith }
    return {
      ...manifest,
      out: config.out ?? out ?? runOptions.out.fallback,
      pairs,
      hashes,
      replayed,
      told: `pairs from ${name}; ${manifest.told}`,
      notices: [...manifest.notices, ...(replayed === null ? [] : replayNotices(replayed, config))],
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
  return { ...manifest, out: config.out ?? runOptions.out.fallback, pairs: null, replayed: null }
}

/** The plan of a run. Throws a usage error where the pairing cannot find everybody a partner. */
export function planRun(inputs: Inputs, config: Config): Plan {
  const { sources, pairs } = inputs
  if (pairs !== null) refuseUnused(pairs, config)
  if (pairs !== null) return planPairs(pairs, sources.length, config.includeOriginals)
  // A picture that shows several classes, or none, is of no class that pairing could go by.
  const classes = config.multiLabel ? new Int32Array(sources.length) : classesOf(sources)
  refuseLonely(classes, inputs, config.pairing)
  const count = config.count ?? config.epochs * sources.length
  const { balance, pairing, seed, includeOriginals: originals, size } = config
  const block = blockSize(size)
  if (balance === 'none') return planEpochs(classes, { count, pairing, seed, originals, block })
  return planDrawn(classes, { balance, count, pairing, seed, originals }, (drawn) =>
    planEpochs(drawn, { count, pairing, seed, originals: false, block }),
  )
}

/** The heaviest class of each source. */
function classesOf(sources: Sources): Int32Array {
  const classes = new Int32Array(sources.length)
  let i = 0
  for (const { label } of sources) classes[i++] = mainClass(label)
  return classes
}

/** What is to be known of a plan, one sentence each. */
export function planNotices(plan: Plan, { sources, classes: names, pairs }: Inputs, config: Config): string[] {
  const { balance, pairing, multiLabel } = config
  if (pairs !== null || multiLabel) return []
  if ('drawn' in plan) return [describeBalance(plan as DrawnPlan, classesOf(sources), names, balance)]
  const overuse = pairing === 'different-class' ? describeOveruse(classesOf(sources), names, sources) : null
  return overuse === null ? [] : [overuse]
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
  const counts = new Int32Array(names.length)
  for (const label of classes) counts[label]!++
  if (classes.length < 2) {
    throw new AugmentError(
      'usage',
      `${root}: found ${counted(classes.length, 'labelled picture')}, expected at least 2 to mix`,
    )
  }
  if (pairing === 'different-class' && counts.filter((count) => count > 0).length < 2) {
    throw new AugmentError(
      'usage',
      `--pairing different-class: all pictures are of one class, expected at least 2 classes`,
    )
  }
  const lonely = names.filter((_, label) => counts[label] === 1)
  if (pairing === 'same-class' && lonely.length > 0) {
    throw new AugmentError(
      'usage',
      `--pairing same-class: found a single picture of ${lonely.join(', ')}, expected at least 2 of every class`,
    )
  }
}
