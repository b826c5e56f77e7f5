import { rm } from 'node:fs/promises'
import path from 'node:path'
import sharp from 'sharp'
import { expect, test } from 'vitest'
import { writeModel } from '../../src/onnx/model.js'
import { makeNode } from '../../src/onnx/node.js'
import { run } from '../helpers/cli.js'
import { temporaryFolder } from '../helpers/folder.js'
import { modelOf } from '../helpers/onnx.js'

/** A classifier of color: feature k is how red, green, blue or yellow a pixel is, and logit k its mean times 9. */
function colors(): Uint8Array {
  const filter = { dims: [4, 3, 1, 1], values: [1, -1, -1, -1, 1, -1, -1, -1, 1, 1, 1, -1] }
  return writeModel(
    modelOf({
      nodes: [
        makeNode('Conv', ['x', 'filter', 'bias'], ['filtered']),
        makeNode('Relu', ['filtered'], ['layer']),
        makeNode('GlobalAveragePool', ['layer'], ['pooled']),
        makeNode('Flatten', ['pooled'], ['features']),
        makeNode('Gemm', ['features', 'w'], ['z'], { transB: 1 }),
      ],
      inputs: { x: ['N', 3, 80, 80] },
      outputs: ['z'],
      weights: {
        filter,
        bias: { dims: [4], values: [0, 0, 0, -1] },
        w: { dims: [4, 4], values: [9, 0, 0, 0, 0, 9, 0, 0, 0, 0, 9, 0, 0, 0, 0, 9] },
      },
    }),
  )
}

const COLORS = { red: [255, 0, 0], green: [0, 255, 0], blue: [0, 0, 255], yellow: [255, 255, 0] } as const

/** Black pictures with a disc, or a square, of the color of their class in the upper left quarter. */
async function dataset(): Promise<string> {
  const files: Record<string, Uint8Array> = { 'colors.onnx': colors() }
  for (const [name, color] of Object.entries(COLORS)) {
    for (const [side, extension] of [
      [80, 'png'],
      [120, 'webp'],
    ] as const) {
      const data = new Uint8Array(side * side * 3)
      for (let y = side >> 3; y < side >> 1; y++) {
        for (let x = side >> 3; x < side >> 1; x++) data.set(color, 3 * (y * side + x))
      }
      const picture = sharp(data, { raw: { width: side, height: side, channels: 3 } })
      files[`pets/${name}/${side}.${extension}`] = await picture.toFormat(extension, { lossless: true }).toBuffer()
    }
  }
  const classes = Object.keys(COLORS)
  const beside = { classes, mean: [0, 0, 0], std: [1, 1, 1] }
  return temporaryFolder({ ...files, 'colors.json': JSON.stringify(beside) })
}

test('a map that lies on the class points at it, a blob in the middle at chance, and what it shows is worth more', async () => {
  const folder = await dataset()
  const model = path.join(folder, 'colors.onnx')
  const args = [
    'saliency',
    path.join(folder, 'pets'),
    '--score',
    '--judge',
    model,
    '--model',
    model,
    '--blur-kernel',
    '0',
  ]
  const { code, stdout, stderr } = await run([...args, '--json'])
  expect({ code, stderr }).toMatchObject({ code: 0 })
  const table = JSON.parse(stdout.trim().split('\n').at(-1)!) as Record<
    string,
    { mean: number; error: number } & string
  >[]
  const of = Object.fromEntries(table.map((row) => [row.kind, row]))
  expect(Object.keys(of)).toEqual(['cam', 'gradcam', 'layercam', 'gradient', 'spectral', 'center'])
  expect(of.cam!.pointing!.mean).toBeGreaterThan(0.99)
  expect(of.gradcam!.pointing!.mean).toBeGreaterThan(0.99)
  expect(of.center!.pointing!.mean).toBeCloseTo(0.25, 6)
  expect(of.spectral!.pointing!.mean).toBeCloseTo(0.25, 6)
  // The first tenths of the pixels are those of the colored square.
  expect(of.cam!.difference!.mean).toBeGreaterThan(of.center!.difference!.mean + 0.05)
  expect(of.cam!.insertion!.mean).toBeGreaterThan(of.center!.insertion!.mean)
  expect(of.cam!.insertion!.mean - of.cam!.deletion!.mean).toBeCloseTo(of.cam!.difference!.mean, 9)
})

test('what draws maps is refused together with --score, and a judge without it', async () => {
  const pets = path.join(await dataset(), 'pets')
  expect(await run(['saliency', pets, '--score', '--smooth', '3'])).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/^--smooth: cannot be used with --score$/m),
  })
  expect(await run(['saliency', pets, '--judge', 'resnet18'])).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/^--judge: expected --score too$/m),
  })
})

test('a folder on which nothing can be measured is refused, and pointing that cannot be measured is named', async () => {
  const folder = await dataset()
  const broken = await temporaryFolder({ 'a/1.png': 'x', 'b/1.png': 'y' })
  const none = await run(['saliency', broken, '--score', '--saliency', 'spectral'])
  expect([none.code, none.stdout]).toEqual([2, ''])
  expect(none.stderr).toContain(`${broken}: found no picture that can be read`)
  await rm(path.join(folder, 'pets', 'red'), { recursive: true })
  const few = ['saliency', path.join(folder, 'pets'), '--score', '--saliency', 'spectral']
  const refused = await run(few)
  expect([refused.code, refused.stdout]).toEqual([2, ''])
  expect(refused.stderr).toContain('found too few classes for pointing, expected pictures of at least 4, or --judge')
  const judged = await run([...few, '--judge', path.join(folder, 'colors.onnx')])
  expect(judged.code, judged.stderr).toBe(0)
  expect(judged.stderr).toContain('found too few classes for pointing')
})
