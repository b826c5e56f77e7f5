import type { AugmentEvent } from './events.js'

/**
 * What `open` opens, and what it says through `notice` as events while it goes: it may have to wait. It is closed again if
 * nobody listens any more.
 */
export async function* opened<T extends { close(): Promise<void> }>(
  open: (notice: (text: string) => void) => Promise<T>,
): AsyncGenerator<AugmentEvent, T> {
  const said: string[] = []
  let [settled, handedOver, wake] = [false, false, () => {}]
  const result = open((text) => {
    said.push(text)
    wake()
  })
  const settle = () => {
    settled = true
    wake()
  }
  result.then(settle, settle)
  try {
    for (;;) {
      for (let text = said.shift(); text !== undefined; text = said.shift()) yield { type: 'notice', message: text }
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
export async function* heard<T>(work: (tell: (text: string) => void) => Promise<T>): AsyncGenerator<AugmentEvent, T> {
  const { result } = yield* opened(async (tell) => ({ result: await work(tell), close: async () => {} }))
  return result
}
