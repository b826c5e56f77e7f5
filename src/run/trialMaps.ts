/** Saliency maps for the arms of a trial. */
import { createHash } from 'node:crypto'
import type { Classifier } from '../classifiers/resolveModel.js'
import { resolveModel } from '../classifiers/resolveModel.js'
import type { Image } from '../core/image.js'
import type { Source } from '../dataset/source.js'
import type { Arm, MapSource } from '../trial/arms.js'
import { fitHead } from './adapt.js'
import { parseConfig } from './config.js'
import { startExplainer } from './explainer.js'
import type { Inputs } from './inputs.js'
import type { Tell } from './notices.js'
import type { SharedMaps } from './sharedMaps.js'
import { untrainedNet } from './trialStudent.js'

/**
 * What the maps of each file or network that an arm names depend on, as a SHA-256 by its name: a file may change between two calls.
 * Throws what resolveModel throws of one that is not there.
 */
export async function mapModels(arms: readonly Arm[], classes: readonly string[]): Promise<Record<string, string>> {
  const names = new Set(arms.flatMap(({ maps }) => maps?.model ?? []))
  const found = [...names]
    .filter((name) => !MADE.has(name))
    .map(async (name) => {
      const { sha256, preprocessing, classes: own, width, height } = await resolveModel(name, classes, {})
      const facts = JSON.stringify([sha256, preprocessing, own, width, height])
      return [name, createHash('sha256').update(facts).digest('hex')] as const
    })
  return Object.fromEntries(await Promise.all(found))
}

/** Models that come with the tool or are made in a trial. */
const MADE: ReadonlySet<string> = new Set(['auto', 'untrained', 'adapted', 'student'])

/** Pictures that a trial may learn from, on the student's grid, in the order of their sources. */
export interface Studied extends Inputs {
  readonly sources: readonly Source[]
  readonly width: number
  readonly height: number
  image(index: number): Image
}

/** The maps of arms by where they come from; each kind is made once, that of adapted classifiers once a repetition. */
export interface TrialMaps {
  of(arm: Arm, repetition: number, lessons: Int32Array): Promise<SharedMaps | null>
}

/** What the maps have of the trial's options. */
interface MapSettings {
  readonly seed: number
  readonly jobs?: number | undefined
  readonly maxPixels: number
  readonly range: string
  readonly cache?: string | undefined
  readonly cacheSize: number
}

export function trialMaps(
  studied: Studied,
  { seed, jobs, maxPixels, range, cache, cacheSize }: MapSettings,
  tell: Tell,
): TrialMaps {
  const settings = { seed, jobs, maxPixels, range, cache, cacheSize }
  const known = new Map<string, Promise<SharedMaps>>()
  return {
    async of({ maps }, repetition, lessons) {
      if (maps === null || maps.model === 'student') return null
      // Those of another repetition have seen what is held out now.
      const key = JSON.stringify([maps, maps.model === 'adapted' ? repetition : null])
      const found = known.get(key) ?? computed(maps, studied, lessons, settings, tell)
      known.set(key, found)
      return found
    },
  }
}

async function computed(
  { model, saliency, grid }: MapSource,
  studied: Studied,
  lessons: Int32Array,
  settings: MapSettings,
  tell: Tell,
): Promise<SharedMaps> {
  const isMade = model === 'untrained' || model === 'adapted'
  const config = parseConfig({
    ...{ ...settings, saliency, device: 'cpu' },
    ...(grid !== undefined && { grid }),
    ...(!isMade && { model }),
    ...(model === 'untrained' && { saliency: 'gradient', target: 'label' }),
  })
  let given: Classifier | undefined
  if (model === 'untrained') given = await untrainedNet(studied, studied.classes, settings.seed)
  if (model === 'adapted') given = await adaptedNet(studied, lessons, settings)
  const { estimator, message } = await startExplainer(config, studied, {}, given)
  tell(message)
  try {
    const { width, height } = estimator.facts.grid
    const cells = width * height
    const data = new SharedArrayBuffer(4 * cells * studied.sources.length)
    const all = new Float32Array(data)
    await Promise.all(
      Array.from(lessons.length < studied.sources.length && model === 'adapted' ? lessons : studied.sources.keys()).map(
        async (i) => {
          const { saliency } = await estimator.estimate(i, studied.image(i))
          all.set(saliency.data, i * cells)
        },
      ),
    )
    return { data, width, height }
  } finally {
    await estimator.close()
    const told = estimator.told()
    if (told !== null) tell(told)
  }
}

/** The classes fitted on the features of `general`, on the lessons alone. */
async function adaptedNet(studied: Studied, lessons: Int32Array, settings: MapSettings): Promise<Classifier> {
  const base = await resolveModel('general', studied.classes, {})
  const sources = Array.from(lessons, (i) => studied.sources.at(i)!)
  const { bytes } = await fitHead(parseConfig(settings), { ...studied, sources }, base, () => undefined)
  return { ...base, name: 'general (adapted)', bytes, classes: studied.classes }
}
