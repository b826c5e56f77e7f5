/** How a classifier wants its pixels, found by trying: one whose prototypes fit in one range and order of channels only. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import sharp from 'sharp'
import { expect, test } from 'vitest'
import { writeModel } from '../../src/onnx/model.js'
import { makeNode } from '../../src/onnx/node.js'
import { DataType } from '../../src/onnx/tensor.js'
import { FASHION, ROOT, run } from '../helpers/cli.js'
import { temporaryFolder } from '../helpers/folder.js'
import { modelOf } from '../helpers/onnx.js'

/** RGB of the classes, in an order that is not that of their names: one hue, which another range cannot tell apart. */
const CLASSES = { mid: [180, 120, 40], light: [240, 170, 60], dark: [90, 60, 20] }
const [SIDE, EACH] = [8, 3]

/** logit k = -8 |mean of the input - prototype k|^2, the prototypes as `input` makes them of the colours, mid first. */
function prototypes(input: (value: number) => number): Uint8Array {
  const values = Object.values(CLASSES).flatMap((rgb) => [...rgb].reverse().map(input))
  const nodes = [
    makeNode('GlobalAveragePool', ['x'], ['pooled']),
    makeNode('Squeeze', ['pooled', 'last'], ['column']),
    makeNode('Transpose', ['column'], ['colour'], { perm: [0, 2, 1] }),
    makeNode('Sub', ['colour', 'prototypes'], ['away']),
    makeNode('Mul', ['away', 'away'], ['squared']),
    makeNode('ReduceSum', ['squared', 'channel'], ['distance'], { keepdims: 0 }),
    makeNode('Mul', ['distance', 'sharpness'], ['y']),
  ]
  const weights = {
    prototypes: { dims: [1, 3, 3], values },
    sharpness: { dims: [], values: [-8] },
    last: { dims: [1], values: [3], dtype: DataType.INT64 },
    channel: { dims: [1], values: [2], dtype: DataType.INT64 },
  }
  return writeModel(modelOf({ nodes, inputs: { x: ['N', 3, SIDE, SIDE] }, outputs: ['y'], weights }))
}

async function pictures(folder: string): Promise<void> {
  for (const [name, rgb] of Object.entries(CLASSES)) {
    mkdirSync(path.join(folder, name), { recursive: true })
    for (let i = 0; i < EACH; i++) {
      const data = Uint8Array.from({ length: SIDE * SIDE * 3 }, (_, at) => rgb[at % 3]! + ((7 * at + 5 * i) % 21) - 10)
      const file = path.join(folder, name, `${i}.png`)
      await sharp(data, { raw: { width: SIDE, height: SIDE, channels: 3 } }).toFile(file)
    }
  }
}

test('the right range and order come first, outputs get their classes, and the file is written once', async () => {
  const folder = temporaryFolder()
  const [model, pets] = [path.join(folder, 'm.onnx'), path.join(folder, 'pets')]
  await pictures(pets)
  writeFileSync(
    model,
    prototypes((value) => value / 127.5 - 1),
  )
  const found = await run(['inspect', model, '--try', pets, '--json'])
  expect(found.code).toBe(0)
  expect(JSON.parse(found.stdout)).toMatchObject({ pictures: 9, classes: ['mid', 'light', 'dark'] })
  expect(JSON.parse(found.stdout).trials[0]).toMatchObject({ name: '[-1, 1], BGR', accuracy: 1, behind: 0 })
  expect(JSON.parse(readFileSync(path.join(folder, 'm.json'), 'utf8'))).toEqual({
    ...{ classes: ['mid', 'light', 'dark'], scale: 1 / 255, mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] },
    ...{ layout: 'nchw', colorOrder: 'bgr' },
  })
  expect(await run(['inspect', model])).toMatchObject({ stdout: expect.stringContaining('BGR, as told by its .json') })
  writeFileSync(path.join(folder, 'm.json'), '{"classes": ["dark", "mid", "light"]}')
  const completed = await run(['inspect', model, '--try', pets])
  expect(completed.stdout).toContain(`wrote ${path.join(folder, 'm.json')}`)
  expect(completed.stdout).not.toContain('taken as they fit best')
  const said = JSON.parse(readFileSync(path.join(folder, 'm.json'), 'utf8'))
  expect(said).toMatchObject({ classes: ['dark', 'mid', 'light'], scale: expect.any(Number) })
})

test('what the .json says is tried too, an unusual reading by itself and a usual one by its name', async () => {
  const folder = temporaryFolder()
  const [model, pets] = [path.join(folder, 'm.onnx'), path.join(folder, 'pets')]
  await pictures(pets)
  writeFileSync(
    model,
    prototypes((value) => (value - 20) / 100),
  )
  const tried = async (said: object) => {
    writeFileSync(path.join(folder, 'm.json'), JSON.stringify({ classes: ['mid', 'light', 'dark'], ...said }))
    const { trials } = JSON.parse((await run(['inspect', model, '--try', pets, '--json'])).stdout)
    return trials as { name: string; isTold: boolean; accuracy: number; behind: number }[]
  }
  const own = { scale: 1, mean: [20, 20, 20], std: [100, 100, 100], colorOrder: 'bgr' }
  const unusual = await tried(own)
  expect(unusual).toHaveLength(15)
  expect(unusual[0]).toMatchObject({ name: 'as m.json says', isTold: true, accuracy: 1, behind: 0 })
  expect(await run(['inspect', model, '--try', pets])).toMatchObject({
    stdout: expect.stringContaining('m.json stays as it is; nothing else is better'),
  })
  const usual = await tried({ scale: 1, mean: [0, 0, 0], std: [1, 1, 1] })
  expect(await run(['inspect', model, '--try', pets])).toMatchObject({
    stdout: expect.stringContaining('m.json stays as it is; the best of these: {'),
  })
  expect(usual).toHaveLength(14)
  expect(usual.filter(({ isTold }) => isTold)).toMatchObject([{ name: '0 to 255, RGB, as m.json says' }])
})

test('outputs that cannot be matched to the classes are refused, and nothing is written', async () => {
  const folder = temporaryFolder()
  const [model, pets] = [path.join(folder, 'm.onnx'), path.join(folder, 'pets')]
  await pictures(pets)
  mkdirSync(path.join(pets, 'red'))
  const red = { width: SIDE, height: SIDE, channels: 3, background: 'red' } as const
  await sharp({ create: red }).toFile(path.join(pets, 'red/0.png'))
  writeFileSync(
    model,
    prototypes((value) => value),
  )
  expect(await run(['inspect', model, '--try', pets])).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/found 4 classes and a model of 3 outputs without these names, expected as many/),
  })
  expect(existsSync(path.join(folder, 'm.json'))).toBe(false)
})

test('a grey model of which nothing is said is refused with the way to find out, and that finds it', async () => {
  const folder = temporaryFolder({ 'm.onnx': readFileSync(path.join(ROOT, 'models/fashion-mnist.onnx')) })
  const model = path.join(folder, 'm.onnx')
  const { code, stderr } = await run([FASHION, '--model', model, '--out', path.join(folder, 'aug')])
  expect(code).toBe(4)
  expect(stderr).toContain('m.onnx: input "input" is [?, 1, 28, 28], and nothing says how its grey pixels are scaled')
  expect(stderr).toContain('--try')
  // The net was trained on pixels of mean .286 and deviation .353, which [-1, 1] comes nearest to.
  const found = await run(['inspect', model, '--try', FASHION, '--json'])
  expect(JSON.parse(found.stdout).trials[0]).toMatchObject({ name: '[-1, 1]' })
  expect(JSON.parse(found.stdout).trials[0].accuracy).toBeGreaterThan(0.85)
  expect((await run([FASHION, '--model', model, '--out', path.join(folder, 'aug'), '--count', '2'])).code).toBe(0)
})
