import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'
import { FASHION, run } from '../helpers/cli.js'
import { temporaryFolder } from '../helpers/folder.js'

test('adapt writes a classifier of the classes of a folder, whose labels a run then explains', async () => {
  const folder = temporaryFolder()
  const out = path.join(folder, 'mine.onnx')
  const { code, stdout, stderr } = await run(['adapt', FASHION, '--model', 'fashion-mnist', '--out', out, '--json'])
  expect({ code, stderr }).toMatchObject({ code: 0 })
  const adapted = JSON.parse(stdout.trim().split('\n').at(-1)!)
  expect(adapted).toMatchObject({ out, model: 'fashion-mnist', classes: 10, pictures: 300 })
  // The features are those of a classifier that finds 93.56 % of the test split that these pictures are from.
  expect(adapted.accuracy).toBeGreaterThan(0.85)
  expect(adapted.error).toBeCloseTo(Math.sqrt((adapted.accuracy * (1 - adapted.accuracy)) / 300), 9)
  for (const { count, of } of adapted.confused) expect(count).toBeLessThanOrEqual(of)
  const beside = JSON.parse(readFileSync(path.join(folder, 'mine.json'), 'utf8'))
  expect(beside).toMatchObject({ width: 28, height: 28, accuracy: { top1: adapted.accuracy } })
  expect(beside.classes).toHaveLength(10)
  for (const kind of ['cam', 'gradient']) {
    const maps = await run(['saliency', FASHION, '--model', out, '--saliency', kind, '--out', path.join(folder, kind)])
    expect(maps).toMatchObject({ code: 0, stderr: expect.stringContaining('saliency explains the labels') })
  }
})

test('what cannot be adapted is told before anything is written', async () => {
  const folder = temporaryFolder()
  const cases: [string[], RegExp][] = [
    [[FASHION, '--out', path.join(folder, 'mine.pt')], /--out: expected the name of an \.onnx file/],
    [[FASHION, '--model', 'resnet19', '--out', path.join(folder, 'a.onnx')], /--model resnet19/],
  ]
  for (const [args, expected] of cases) {
    expect(await run(['adapt', ...args])).toMatchObject({ code: 2, stderr: expect.stringMatching(expected) })
  }
  expect(existsSync(path.join(folder, 'a.onnx'))).toBe(false)
})
