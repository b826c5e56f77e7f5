/** What a trial found, in words. */
import { counted } from '../core/counted.js'
import type { Arm } from './arms.js'
import { type Difference, detectable, isShown, picturesFor } from './statistics.js'

/** An arm with how it differs from clean. */
export interface Judged {
  readonly arm: Arm
  readonly accuracy: number
  /** Of accuracy, to clean; null where there is no repetition of both. */
  readonly difference: Difference | null
}

export interface Verdict {
  /** The sentences, the smallest difference that the pictures can show first. */
  readonly sentences: readonly string[]
  /** The arm whose way of mixing is recommended; null for the pictures as they are. */
  readonly best: Arm | null
}

/** `+3.0 ± 0.8`, in points of percent. */
export function inPoints({ mean, error }: Difference): string {
  return `${mean < 0 ? '-' : '+'}${points(Math.abs(mean))} ± ${points(error)}`
}

const points = (share: number) => (100 * share).toFixed(1)

/**
 * The verdict on `judged` arms, clean among them, from `pictures` pictures. "Helps" and "harms" are differences outside of the 95 %
 * interval; ± is one standard error. The recommended arm is the one of those that help whose accuracy is highest; controls that
 * `augment` cannot make are never recommended.
 */
export function verdictOf(judged: readonly Judged[], pictures: number): Verdict {
  const compared = judged.filter(({ arm, difference }) => arm.method !== null && difference !== null)
  if (compared.length === 0) return { sentences: ['nothing was compared yet'], best: null }
  const shown = compared.filter(({ difference }) => isShown(difference!))
  const alike = compared.filter(({ difference }) => !isShown(difference!))
  const helps = shown.filter(({ difference }) => difference!.mean > 0).sort(byGain)
  const harms = shown.filter(({ difference }) => difference!.mean < 0).sort(byGain)
  const reaches = compared.map(({ difference }) => detectable(difference!)).sort((a, b) => a - b)
  const smallest = reaches[Math.floor(reaches.length / 2)]!
  const told = (arms: readonly Judged[]) =>
    arms.map(({ arm, difference }) => `${named(arm)} (${inPoints(difference!)})`).join(', ')
  const sentences = [resolution(smallest, compared[0]!.difference!.repetitions, pictures)]
  if (helps.length > 0) sentences.push(`helps, in points of accuracy: ${told(helps)}`)
  if (harms.length > 0) sentences.push(`harms: ${told(harms)}`)
  if (alike.length > 0)
    sentences.push(
      `cannot be told apart from clean with ${counted(pictures, 'picture')}: ${told(alike.toSorted(byGain))}`,
    )
  const looking = lookingPays(compared)
  if (looking !== null) sentences.push(looking)
  const best = helps.find(({ arm }) => arm.maps === null || !/^(untrained|student)$/.test(arm.maps.model))
  return { sentences, best: best?.arm ?? null }
}

const byGain = (a: Judged, b: Judged) => b.difference!.mean - a.difference!.mean

const named = ({ name }: Arm) => (name.includes(',') ? `"${name}"` : name)

function resolution(smallest: number, repetitions: number, pictures: number): string {
  const half = smallest / 2
  const more = Math.ceil(picturesFor(half, pictures, smallest) / 10 ** digits(pictures)) * 10 ** digits(pictures)
  return `${counted(repetitions, 'repetition')} with ${counted(pictures, 'picture')} can show differences from ${points(
    smallest,
  )} points on; ${points(half)} points would need about ${more} pictures`
}

/** Two leading digits are enough. */
const digits = (pictures: number) => Math.max(0, Math.floor(Math.log10(pictures)) - 1)

/** What the trained net's maps add to those of an untrained one. */
function lookingPays(judged: readonly Judged[]): string | null {
  const blind = judged.find(({ arm }) => arm.maps?.model === 'untrained')
  const seeing = judged.find(
    ({ arm }) => arm.method === blind?.arm.method && arm.maps?.model === 'auto' && arm.maps.saliency === 'auto',
  )
  if (blind === undefined || seeing === undefined) return null
  const gain = seeing.difference!.mean - blind.difference!.mean
  return `${named(seeing.arm)} with the maps of a trained net is ${points(Math.abs(gain))} points ${
    gain < 0 ? 'worse' : 'better'
  } than with those of an untrained one`
}
