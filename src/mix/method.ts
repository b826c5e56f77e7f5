import type { Image } from '../core/image.js'
import type { Plane } from '../core/plane.js'
import type { Random } from '../core/random.js'
import type { Sample } from '../core/sample.js'

/** One output of a mixing method. */
export interface Mixed {
  readonly image: Image
  /** Share of each source's label in the output's, in the order of the sources; sums to 1. The realised shares. */
  readonly weights: readonly number[]
  /** Weight of the first source (the sample) per pixel, on the canvas. */
  readonly mask: Plane
  /** Share of each source's saliency that shows in the mix, in [0, 1]; only where every source came with a map. */
  readonly kept?: readonly number[]
  /** Only from a group: the places in it of the sources that have a share, the largest first. */
  readonly sources?: readonly number[]
  /** What the provenance must hold to make this output again, beside sources and seed: shift, alpha, box, ... */
  readonly details: Readonly<Record<string, number | boolean | readonly number[]>>
}

/** A number a user may set, in [low, high]; `default` is the method's paper's. */
export interface NumberParameter {
  readonly default: number
  readonly low: number
  readonly high: number
  readonly whole?: true
  readonly description: string
}

/** One of a few words a user may set. */
export interface ChoiceParameter<Choice extends string = string> {
  readonly default: Choice
  readonly choices: readonly Choice[]
  readonly description: string
}

/** A description for every parameter that is a number or a word: what options, ranges and help are made of. */
type ParameterTable<Parameters> = {
  readonly [Name in keyof Parameters as Parameters[Name] extends number | string
    ? Name
    : never]: Parameters[Name] extends number ? NumberParameter : ChoiceParameter<Parameters[Name] & string>
}

interface Described<Parameters> {
  readonly parameters: ParameterTable<Parameters>
  /** Whether every source must come with a saliency map; where not, no model is needed. */
  needsSaliency(parameters: Parameters): boolean
}

/**
 * A mixing method: `sources` pictures of one canvas (the first is the sample, it stays in place) to one output. Pure: the
 * same sources, parameters and random stream give the same output.
 */
export interface Method<Parameters> extends Described<Parameters> {
  mix(sources: readonly Sample[], parameters: Parameters, random: Random): Mixed
}

/** A method that mixes a whole group at once, into as many outputs as it has sources. Pure, as a Method is. */
export interface GroupMethod<Parameters> extends Described<Parameters> {
  /** Sources of one group; a last, smaller group is fine from 2 on. */
  groupSize(parameters: Parameters): number
  mixGroup(sources: readonly Sample[], parameters: Parameters, random: Random): readonly Mixed[]
}

/** The sample's map. TypeError where the caller gave none; RangeError unless its values are finite and non-negative. */
export function saliencyOf({ saliency }: Sample): Plane {
  if (saliency === null) throw new TypeError('mix: expected a saliency map for every source')
  // Written so that NaN fails too: solvers need not end on it.
  if (!saliency.data.every((value) => value >= 0 && value < Number.POSITIVE_INFINITY)) {
    throw new RangeError('mix: expected saliency maps of finite values of at least 0')
  }
  return saliency
}
