import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { contactSheet } from '../../src/report/contactSheet.js'
import type { Report } from '../../src/report/contents.js'
import { ShiftMap } from '../../src/report/histogram.js'
import { html } from '../../src/report/html.js'
import { page } from '../../src/report/page.js'
import { Statistics } from '../../src/report/statistics.js'

test('whatever is put into a template stays text, in elements and in quoted attributes', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), (text) => {
      const written = html`<p title="${text}">${text}</p>`.text
      const [, title, content] = /^<p title="([^"<>']*)">([^"<>']*)<\/p>$/s.exec(written)!
      const read = (escaped: string) => escaped.replace(/&#(\d+);/g, (_, code) => String.fromCharCode(Number(code)))
      expect([read(title!), read(content!)]).toEqual([text, text])
      expect(content!.replace(/&#\d+;/g, '')).not.toContain('&')
    }),
  )
  expect(html`<ul>${['a', '<b>'].map((item) => html`<li>${item}</li>`)}</ul>`.text).toBe(
    '<ul><li>a</li><li>&#60;b&#62;</li></ul>',
  )
})

const row = { method: 'sage', canvas: [8, 8] as const, lambda: 0.5, label: Float64Array.of(0.25, 0.75) }

test('statistics count mixes in bins, originals only in the labels', () => {
  const statistics = new Statistics(2)
  for (const lambda of [0, 0.049, 0.05, 0.5, 1]) statistics.add({ ...row, lambda })
  statistics.add({ ...row, method: 'original', lambda: 1, label: Float64Array.of(1, 0) })
  expect([statistics.rows, statistics.mixes, statistics.shift]).toEqual([6, 5, null])
  expect(Array.from(statistics.lambda.bins.entries()).filter(([, count]) => count > 0)).toEqual([
    [0, 2],
    [1, 1],
    [10, 1],
    [19, 1],
  ])
  expect(statistics.lambda.mean).toBeCloseTo((0.049 + 0.05 + 0.5 + 1) / 5, 12)
  expect(Array.from(statistics.labels)).toEqual([2.25, 3.75])
})

test('every cell of a map of shifts stands for as many shifts, with zero in the middle of the middle one', () => {
  const map = new ShiftMap(224, 128)
  for (let dy = -127; dy <= 127; dy++) for (let dx = -223; dx <= 223; dx++) map.add(dx, dy)
  const { cells, columns, rows, step } = map
  expect([step, columns, rows, map.still]).toEqual([11, 41, 25, 1])
  const inner = Array.from(cells).filter((_, i) => {
    const [x, y] = [i % columns, Math.floor(i / columns)]
    return x > 0 && y > 0 && x < columns - 1 && y < rows - 1
  })
  expect(new Set(inner)).toEqual(new Set([step ** 2]))
  expect(map.mean[0]).toBeCloseTo((223 * 224) / 447, 9)
  map.add(5, -5)
  expect(cells[12 * columns + 20]).toBe(step ** 2 + 1)
  map.add(9999, 0)
  expect(cells[12 * columns + 40]).toBe(cells[12 * columns]! + 1)
})

const empty: Report = {
  name: 'none',
  classes: Array.from({ length: 100 }, (_, i) => `class ${i}`),
  sourceLabels: new Float64Array(100).fill(1),
  counts: { planned: 3, written: 0, skipped: 3 },
  statistics: new Statistics(100),
  outputs: [],
  failures: [{ index: 7, message: '<i>.jpg: found text' }],
  record: { options: { seed: 0, size: undefined, parameters: { mixupAlpha: 1 } }, model: null },
}

test('a run in which nothing could be mixed is told, with its failures and options', () => {
  const text = page(empty)
  expect(text).toContain('Nothing was mixed.')
  expect(text).toContain('<td>&#60;i&#62;.jpg: found text</td>')
  expect(text.replaceAll('<wbr>', '')).toContain('<th scope="row">options.parameters.mixupAlpha</th><td>1</td>')
  expect(text).toContain('The 12 heaviest and the 12 lightest of 100 classes.')
  expect(text).not.toMatch(/options\.size|NaN|undefined|<script/)
})

test('the policy of the page allows its own style by its hash, and no network', () => {
  const text = page(empty)
  const policy = /http-equiv="Content-Security-Policy" content="([^"]*)"/.exec(text)![1]!.replaceAll('&#39;', "'")
  const style = /<style>(.*)<\/style>/s.exec(text)![1]!
  expect(policy).toContain(`style-src 'sha256-${createHash('sha256').update(style).digest('base64')}'`)
  expect(policy).toMatch(/^default-src 'none'; img-src data:;/)
  expect(policy).not.toMatch(/unsafe|http|\*/)
})

test('a contact sheet has a square for each picture, in reading order', async () => {
  const filled = (width: number, height: number, value: number) => ({
    data: new Uint8Array(width * height * 3).fill(value),
    width,
    height,
  })
  const rows = Array.from({ length: 5 }, (_, i) => [filled(64, 64, 10 * i), filled(32, 8, 10 * i + 5)])
  const { data, width, height } = await contactSheet(rows)
  const at = (x: number, y: number) => data[(y * width + x) * 3]
  const pitch = 64 + 2 + 64 + 16
  expect([width, height]).toEqual([16 + 5 * pitch, 16 + 64 + 16])
  for (let i = 0; i < 5; i++) {
    expect(at(16 + i * pitch + 32, 48)).toBe(10 * i)
    expect(at(16 + i * pitch + 66 + 32, 48)).toBe(10 * i + 5)
    expect(at(16 + i * pitch + 66 + 32, 20)).toBe(128)
  }
})
