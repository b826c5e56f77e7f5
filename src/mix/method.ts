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
  /** What the provenance must hold to make this output again, beside sources and seed: shift, alpha, box, ... */
  readonly details: Readonly<Record<string, number | boolean | readonly number[]>>
}

/**
 * A mixing method: `sources` pictures of one canvas (the first is the sample, it stays in place) to one output. Pure: the
 * same sources, parameters and random stream give the same output.
 */
export interface Method<Parameters> {
  readonly needsSaliency: boolean
  mix(sources: readonly Sample[], parameters: Parameters, random: Random): Mixed
}
