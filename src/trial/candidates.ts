/** The settings that a search tries. */
import type { Random } from '../core/random.js'
import type { ArmInput } from './arms.js'

const SHARES = [0.25, 0.5, 0.75, 1] as const
const PAIRINGS = ['any', 'different-class', 'same-class'] as const
const ALPHAS = [0.2, 0.5, 1, 2] as const
const UPPER_LAMBDAS = [0.3, 0.5, 0.6, 0.8, 0.95] as const
/** Kinds of maps that a classifier of small pictures has, and those of larger ones, with their grids. */
const MAPS = [
  { saliency: 'gradient' },
  { saliency: 'gradient', grid: '8x8' },
  { saliency: 'layercam' },
  { saliency: 'cam' },
  { model: 'adapted' },
  { model: 'student' },
] as const satisfies readonly Partial<ArmInput>[]

/** Of three candidates two are SAGE, which has the most to set. */
const OF_SAGE = 2 / 3

/**
 * `count` different settings, drawn at random: of SAGE (upper lambda, mixup alpha, kind of map and grid) and of Mixup (alpha), each with
 * a share of mixes and a pairing. The defaults of both are among them.
 */
export function candidates(count: number, random: Random): ArmInput[] {
  const all: ArmInput[] = []
  const pick = <T>(choices: readonly T[]) => choices[random.integer(0, choices.length - 1)]!
  const known = new Set<string>()
  const add = (input: ArmInput) => {
    const key = JSON.stringify(input)
    if (!known.has(key)) all.push(input)
    known.add(key)
  }
  add({ method: 'sage' })
  add({ method: 'mixup' })
  while (all.length < count) {
    const common = { pairing: pick(PAIRINGS), share: pick(SHARES) }
    if (random.uniform() >= OF_SAGE) add({ method: 'mixup', parameters: { mixupAlpha: pick(ALPHAS) }, ...common })
    else
      add({
        method: 'sage',
        parameters: { upperLambda: pick(UPPER_LAMBDAS), mixupAlpha: pick(ALPHAS) },
        ...common,
        ...pick(MAPS),
      })
  }
  return all
}
