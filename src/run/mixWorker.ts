import type { Image } from '../core/image.js'
import type { Plane } from '../core/plane.js'
import { randomStream } from '../core/random.js'
import type { Sample } from '../core/sample.js'
import type { Mixed } from '../mix/method.js'
import { type SageParameters, sage } from '../mix/sage.js'
import { answerRequests } from './answer.js'

export interface MixRequest {
  readonly sources: readonly Sample[]
  readonly parameters: SageParameters
  readonly seed: number
  readonly index: number
  /** Whether the mask is wanted back. */
  readonly mask: boolean
}

export interface MixReply extends Omit<Mixed, 'mask'> {
  readonly mask: Plane | null
}

answerRequests<MixRequest, MixReply>(({ sources, parameters, seed, index, mask: wanted }) => {
  const { image, mask, ...rest } = sage.mix(sources, parameters, randomStream(seed, index))
  const transfer = [buffer(image)]
  if (wanted) transfer.push(buffer(mask))
  return { reply: { ...rest, image, mask: wanted ? mask : null }, transfer }
})

function buffer({ data }: Image | Plane): ArrayBuffer {
  return data.buffer as ArrayBuffer
}
