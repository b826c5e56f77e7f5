/** Preloaded with `node --import`: onnxruntime finds no memory for more than FITS pictures, and says so in its own words. */
import { InferenceSession } from 'onnxruntime-node'

const create = InferenceSession.create.bind(InferenceSession)
InferenceSession.create = async (...args) => {
  const session = await create(...args)
  const run = session.run.bind(session)
  session.run = async (feeds, ...more) => {
    if (feeds.pixels?.dims[0] > Number(process.env.FITS)) {
      const place =
        'bfc_arena.cc:360 void* onnxruntime::BFCArena::AllocateRawInternal(size_t, bool, onnxruntime::Stream*)'
      throw new Error(
        `Non-zero status code returned while running Conv node. Status Message: ${place} Failed to allocate memory for requested buffer of size 922560000`,
      )
    }
    return run(feeds, ...more)
  }
  return session
}
