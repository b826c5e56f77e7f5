/** One mix, or a group of them, as a mixing thread makes it. */
import type { Plane } from '../core/plane.js'
import { randomStream } from '../core/random.js'
import type { Sample } from '../core/sample.js'
import { type MethodName, mixWith } from '../mix/index.js'
import type { Mixed } from '../mix/method.js'
import { lacksMemory } from '../rearrange/bestShift.js'

export interface MixRequest {
  readonly method: MethodName
  /** As the method takes them. */
  readonly parameters: unknown
  /** Sample and partner, or a whole group. */
  readonly sources: readonly Sample[]
  readonly seed: number
  /** Number of the random stream: the index of the output, or of the first of a group. */
  readonly index: number
  /** Whether the masks are wanted back. */
  readonly masks: boolean
}

export interface MixReply extends Omit<Mixed, 'mask'> {
  readonly mask: Plane | null
  /** Whether the thread searches slowly for want of memory. */
  readonly starved: boolean
}

/** Mixes, in this thread. */
export function mixRequested({ method, parameters, sources, seed, index, masks }: MixRequest): MixReply[] {
  const mixed = mixWith(method, sources, parameters, randomStream(seed, index))
  return mixed.map(({ mask, ...rest }) => ({ ...rest, mask: masks ? mask : null, starved: lacksMemory() }))
}
