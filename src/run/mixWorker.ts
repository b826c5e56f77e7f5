import type { Image } from '../core/image.js'
import type { Plane } from '../core/plane.js'
import { randomStream } from '../core/random.js'
import type { Sample } from '../core/sample.js'
import { type MethodName, mixWith } from '../mix/index.js'
import type { Mixed } from '../mix/method.js'
import { lacksMemory } from '../rearrange/bestShift.js'
import { answerRequests } from '../threads/answer.js'

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

answerRequests<MixRequest, MixReply[]>(({ method, parameters, sources, seed, index, masks }) => {
  const mixed = mixWith(method, sources, parameters, randomStream(seed, index))
  const reply = mixed.map(({ mask, ...rest }) => ({ ...rest, mask: masks ? mask : null, starved: lacksMemory() }))
  const transfer = reply.flatMap(({ image, mask }) => (mask === null ? [image] : [image, mask])).map(buffer)
  return { reply, transfer }
})

function buffer({ data }: Image | Plane): ArrayBuffer {
  return data.buffer as ArrayBuffer
}
