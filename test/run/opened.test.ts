import { expect, test } from 'vitest'
import { opened } from '../../src/run/opened.js'

/** Something that is opened when `go` is called, and says so before. */
function opening() {
  let go = () => {}
  const state = { closed: false }
  const it = {
    async close() {
      state.closed = true
    },
  }
  const events = opened(async (notice) => {
    notice('waiting')
    await new Promise<void>((resolve) => {
      go = resolve
    })
    notice('taken over')
    return it
  })
  return { events, it, state, go: () => go() }
}

test('what opening says is heard while it goes, then comes what was opened', async () => {
  const { events, it, state, go } = opening()
  expect(await events.next()).toEqual({ done: false, value: { type: 'notice', message: 'waiting' } })
  const next = events.next()
  go()
  expect(await next).toEqual({ done: false, value: { type: 'notice', message: 'taken over' } })
  expect(await events.next()).toEqual({ done: true, value: it })
  expect(state.closed).toBe(false)
})

test('what is opened when nobody listens any more is closed', async () => {
  const { events, state, go } = opening()
  await events.next()
  const ended = events.return(undefined as never)
  go()
  await ended
  expect(state.closed).toBe(true)
})
