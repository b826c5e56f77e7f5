import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import sharp from 'sharp'
import { expect, test } from 'vitest'
import { METHOD_NAMES } from '../../src/mix/names.js'
import { ROOT, run } from '../helpers/cli.js'
import { temporaryFolder } from '../helpers/folder.js'

const PHOTOS = path.join(ROOT, 'fixtures/photos')
const PAIR = [path.join(PHOTOS, 'rocket.jpg'), path.join(PHOTOS, 'chelsea.jpg')]

test('two pictures give a figure with a row for every method, and its numbers', async () => {
  const out = path.join(temporaryFolder(), 'figure.png')
  const args = ['compare', ...PAIR, '--size', '48x40', '--json', '--out', out]
  const { code, stdout, stderr } = await run(args)
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  const rows = JSON.parse(stdout)
  expect(rows.map(({ method }: { method: string }) => method)).toEqual(METHOD_NAMES)
  for (const { lambda, kept } of rows) {
    for (const share of [lambda, kept.sample, kept.partner]) {
      expect(share).toBeGreaterThanOrEqual(0)
      expect(share).toBeLessThanOrEqual(1 + 1e-6)
    }
  }
  const mixup = rows[1]
  expect(mixup.kept.sample).toBeCloseTo(mixup.lambda, 6)
  expect(mixup.kept.partner).toBeCloseTo(1 - mixup.lambda, 6)
  const { format, height = 0 } = await sharp(out).metadata()
  expect(format).toBe('png')
  expect(height).toBeGreaterThan(METHOD_NAMES.length * 120)

  const bytes = readFileSync(out)
  expect((await run(args)).stdout).toBe(stdout)
  expect(readFileSync(out).equals(bytes)).toBe(true)
})

test('a folder gives a line of figures for every method asked for', async () => {
  const args = ['compare', PHOTOS, '--size', '32x24', '--count', '21', '--methods', 'mixup,comixup,puzzlemix']
  const { code, stdout } = await run([...args, '--json'])
  expect(code).toBe(0)
  const table = JSON.parse(stdout)
  expect(table.map(({ method }: { method: string }) => method)).toEqual(['mixup', 'comixup', 'puzzlemix'])
  for (const { outputs, kept, lambda, milliseconds } of table) {
    expect(outputs).toBe(21)
    expect(kept.both).toBeCloseTo(kept.sample + kept.partner, 9)
    expect(lambda.min).toBeLessThanOrEqual(lambda.mean)
    expect(lambda.mean).toBeLessThanOrEqual(lambda.max)
    expect(lambda.sd).toBeLessThanOrEqual((lambda.max - lambda.min) / 2 + 1e-9)
    expect(milliseconds).toBeGreaterThan(0)
  }
  expect(table[0].kept.both).toBeCloseTo(1, 6)
  expect(table[1].kept.both).toBeGreaterThan(1)
  expect((await run([...args, '--quiet'])).stdout.split('\n')[2]).toMatch(/^mixup +[\d.]+ /)
})

test.each([
  [['a', 'b', 'c'], 'found 3 paths, expected one or two'],
  [[...PAIR, '--methods', 'sage,magic'], 'expected some of sage, mixup'],
  [[...PAIR, '--count', '5', '--labels', 'x'], '--count, --labels: found two pictures, expected a folder'],
  [[PHOTOS, '--out', 'x.png'], '--out: found one path, expected two pictures'],
  [[...PAIR, '--target', 'label'], '--target: two pictures have no labels'],
  [[...PAIR, '--out', PAIR[0]!], 'which this command reads, expected another file'],
  [[...PAIR, '--out', 'figure.svg'], 'expected the name of a .png or .jpg file'],
])('compare %j is refused in one line', async (args, message) => {
  const { code, stdout, stderr } = await run(['compare', ...args])
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
  expect(stderr).toContain(message)
  expect(existsSync('x.png')).toBe(false)
})

test('a picture that is none is named', async () => {
  const { code, stderr } = await run(['compare', PAIR[0]!, path.join(PHOTOS, 'labels.csv'), '--out', 'x.png'])
  expect(code).toBe(1)
  expect(stderr).toContain('labels.csv: found text, expected')
})
