import type { AugmentEvent } from './events.js'
import { type Notice, notice, type Tell } from './notices.js'

/**
 * What `open` opens, and what it tells as events while it goes: it may have to wait. It is closed again if
 * nobody listens any more.
 */
export async function* opened<T extends { close(): Promise<void> }>(
  open: (tell: Tell) => Promise<T>,
): AsyncGenerator<AugmentEvent, T> {
  const said: Notice[] = []
  let [settled, handedOver, wake] = [false, false, () => {}]
  const result = open((message, loss) => {
    said.push(notice(message, loss))
    wake()
  })
  const settle = () => {
    settled = true
    wake()
  }
  result.then(settle, settle)
  try {
    for (;;) {
      yield* said.splice(0)
      if (settled) break
      await new Promise<void>((resolve) => {
        wake = resolve
      })
    }
    handedOver = true
    return await result
  } finally {
    if (!handedOver) await result.then((it) => it.close())
  }
}

/** What `work` results in, and what it tells as events while it goes. */
export async function* heard<T>(work: (tell: Tell) => Promise<T>): AsyncGenerator<AugmentEvent, T> {
  const { result } = yield* opened(async (tell) => ({ result: await work(tell), close: async () => {} }))
  return result
}
