import { Writable } from 'node:stream'
import { expect, test } from 'vitest'
import { barMeter, pace } from '../../src/cli/meter.js'
import { formatDuration } from '../../src/core/duration.js'

test('nothing is said of the time left before work has gone on for a while', () => {
  let now = 0
  const measured = pace(() => now)
  measured.start(100)
  now = 0.01
  // A batch of 32 comes at once.
  expect(measured.at(132, 1100)).toBeNull()
  now = 4
  expect(measured.at(132, 1100)).toEqual({ rate: 8, left: 121 })
  now = 10
  expect(measured.at(300, 1100)).toEqual({ rate: 20, left: 40 })
})

test('no pace is made of nothing', () => {
  let now = 0
  const measured = pace(() => now)
  measured.start(0)
  now = 60
  expect(measured.at(0, 10)).toBeNull()
})

/** What a terminal of one line shows after each line feed, for the control sequences that a bar uses. */
function screen(text: string): string[] {
  const rows = ['']
  let column = 0
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control sequences of terminals
  for (const [piece, control] of text.matchAll(/\x1b\[(\??[\d;]*[A-Za-z])|\x1b[78]|[^\x1b]/g)) {
    const row = rows.at(-1)!
    if (piece === '\n') [, column] = [rows.push(''), 0]
    else if (piece === '\r' || control === '1G' || control === 'G') column = 0
    else if (control === '0K' || control === 'K') rows[rows.length - 1] = row.slice(0, column)
    else if (control === '2K') rows[rows.length - 1] = ''
    else if (!piece.startsWith('\x1b')) rows[rows.length - 1] = row.slice(0, column) + piece + row.slice(++column)
  }
  return rows.map((row) => row.trimEnd())
}

test('a line that is written while the bar is there stands on a line of its own', () => {
  let text = ''
  const stream = Object.assign(
    new Writable({
      write(chunk, _, done) {
        text += chunk
        done()
      },
    }),
    { isTTY: true, columns: 80 },
  ) as unknown as NodeJS.WriteStream
  const meter = barMeter(stream)
  meter.start(0)
  meter.update(1, 10, '')
  stream.write('^C')
  meter.clear()
  stream.write('finishing what is in flight\n')
  meter.update(2, 10, '')
  meter.stop()
  expect(text).toContain('2/10')
  expect(screen(text)).toEqual(['finishing what is in flight', ''])
})

test.each([
  [0.2, '1 s'],
  [59.4, '59 s'],
  [60, '1 min'],
  [200, '3 min 20 s'],
  [3600, '1 h'],
  [7500, '2 h 5 min'],
  [273_600, '3 d 4 h'],
])('%d seconds are %s', (seconds, text) => {
  expect(formatDuration(seconds)).toBe(text)
})
