import { expect, test } from 'vitest'
import { sessionsFor } from '../../src/run/sessions.js'

test('a small model gets a session for each thread, a large one a single session', () => {
  expect(sessionsFor(2, 2.5e6, 2.8e6)).toBe(2)
  expect(sessionsFor(1, 2.5e6, 2.8e6)).toBe(1)
  expect(sessionsFor(48, 2.5e6, 2.8e6)).toBe(8)
  expect(sessionsFor(16, 5e6, 106e6)).toBe(1)
})
