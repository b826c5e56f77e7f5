import type { Image } from '../core/image.js'
import type { Plane } from '../core/plane.js'
import { answerRequests } from '../threads/answer.js'
import { type MixReply, type MixRequest, mixRequested } from './mixRequest.js'

answerRequests<MixRequest, MixReply[]>((request) => {
  const reply = mixRequested(request)
  const transfer = reply.flatMap(({ image, mask }) => (mask === null ? [image] : [image, mask])).map(buffer)
  return { reply, transfer }
})

function buffer({ data }: Image | Plane): ArrayBuffer {
  return data.buffer as ArrayBuffer
}
