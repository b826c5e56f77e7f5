/** Pictures that no gradient reaches: their saliency maps are uniform and say nothing. */
import { counted } from '../core/counted.js'
import { AugmentError } from '../core/errors.js'
import type { Sources } from '../dataset/source.js'
import type { ProvenanceRow } from '../output/rows.js'
import type { Config } from './config.js'
import type { Estimator } from './estimator.js'
import type { Explainer } from './explainer.js'
import { greyRangeOf } from './greyRange.js'
import { placesOf } from './places.js'
import { openViews, SourceError } from './views.js'

/** How many pictures have a saliency map, and how many of those maps are uniform. */
interface MapCounts {
  readonly maps: number
  readonly uniform: number
}

/** What is known of the map of each source. */
interface MapTally {
  note(source: number, isUniform: boolean): void
  /** Hears of an output that an earlier attempt has made. */
  recall(row: ProvenanceRow): void
  counts(): MapCounts
}

const [MAPPED, UNIFORM] = [1, 2]

export function mapTally(sources: Sources<{ readonly file: string }>): MapTally {
  const state = new Uint8Array(sources.length)
  const placeOf = placesOf(sources)
  function note(source: number, isUniform: boolean): void {
    // Of several looks at a picture, noisy ones, any that sees something counts.
    if (state[source] !== MAPPED) state[source] = isUniform ? UNIFORM : MAPPED
  }
  return {
    note,
    recall({ method, sources: made }) {
      if (method === 'original') return
      for (const { file, uniform_saliency } of made) note(placeOf(file) ?? -1, uniform_saliency === true)
    },
    counts: () => ({ maps: state.filter((s) => s > 0).length, uniform: state.filter((s) => s === UNIFORM).length }),
  }
}

/** The estimator, telling the tally what it finds. */
export function tallied(estimator: Estimator, tally: MapTally): Estimator {
  return {
    ...estimator,
    async estimate(source, image) {
      const found = await estimator.estimate(source, image)
      tally.note(source, found.uniform)
      return found
    },
  }
}

/** Pictures looked at before a run begins, until one has a map that says something. */
const FIRST = 8

/**
 * Looks whether a gradient reaches the first pictures that can be used: one that does is enough. Throws AugmentError 'model'
 * where it reaches none of them, unless the run allows uniform maps; what to tell of it then, else null.
 */
export async function checkGradient(
  { estimator, classifier }: Explainer,
  { root, sources }: { readonly root: string; readonly sources: Sources<{ readonly file: string }> },
  config: Config,
): Promise<string | null> {
  if (classifier === null) return null
  const { allowUniform, maxPixels, size } = config
  const first = Array.from({ length: Math.min(FIRST, sources.length) }, (_, i) => sources.at(i)!)
  const range = await greyRangeOf(config, { root, sources: first })
  const views = openViews(root, sources, { maxPixels, jobs: 1, estimator, size, range })
  let seen = 0
  for (let source = 0; source < sources.length && seen < FIRST; source++) {
    try {
      const { uniform } = await views.view(source, ...(await views.canvasOf(source)))
      if (!uniform) return null
      seen++
    } catch (error) {
      if (!(error instanceof SourceError)) throw error
    }
  }
  if (seen === 0) return null
  const pictures = seen === 1 ? 'the first picture' : `any of the first ${counted(seen, 'picture')}`
  const message = `${classifier.name}: no gradient reaches ${pictures}: the saliency maps are uniform`
  if (allowUniform) return message
  throw new AugmentError('model', message, {
    hint: `sage-augment inspect ${classifier.name} shows what stops it; --output chooses other logits; --allow-uniform goes on anyway`,
  })
}
