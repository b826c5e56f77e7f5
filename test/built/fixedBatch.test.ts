import path from 'node:path'
import { expect, test } from 'vitest'
import { writeModel } from '../../src/onnx/model.js'
import { makeNode } from '../../src/onnx/node.js'
import { DataType } from '../../src/onnx/tensor.js'
import { ROOT, run } from '../helpers/cli.js'
import { temporaryFolder, tree } from '../helpers/folder.js'
import { modelOf } from '../helpers/onnx.js'

const PHOTOS = path.join(ROOT, 'fixtures/photos')
const NOTE = 'its batch is fixed: 1 picture at a time'

/** A classifier of 8 x 8 pictures; that it leaves out the axis of the batch for a moment keeps a batch of 1 from being freed. */
function classifier(batch: number | 'N'): Uint8Array {
  const wave = (count: number) => Array.from({ length: count }, (_, i) => Math.sin(1.7 * i))
  const alone = [makeNode('Squeeze', ['x', 'first'], ['p']), makeNode('Unsqueeze', ['p', 'first'], ['c'])]
  const nodes = [
    ...(batch === 1 ? alone : [makeNode('Identity', ['x'], ['c'])]),
    makeNode('Conv', ['c', 'w'], ['v']),
    makeNode('Sigmoid', ['v'], ['s']),
    makeNode('GlobalAveragePool', ['s'], ['y']),
  ]
  const weights = {
    first: { dims: [1], values: [0], dtype: DataType.INT64 },
    w: { dims: [5, 3, 3, 3], values: wave(135) },
  }
  return writeModel(modelOf({ nodes, inputs: { x: [batch, 3, 8, 8] }, outputs: ['y'], weights }))
}

test('a batch that cannot be freed is said once, and the maps are those of any batch', async () => {
  const folder = temporaryFolder({ 'one.onnx': classifier(1), 'any.onnx': classifier('N') })
  const draw = async (model: string, ...more: string[]) => {
    const out = path.join(folder, `${model}${more.length}`)
    const options = [
      '--model',
      path.join(folder, `${model}.onnx`),
      '--out',
      out,
      '--target',
      'predicted',
      '--raw',
      'npy',
    ]
    const { code, stdout, stderr } = await run(['saliency', PHOTOS, ...options, '--device', 'cpu', ...more])
    expect(code).toBe(0)
    return { stdout, stderr, maps: Object.entries(tree(path.join(out, 'maps'))) }
  }
  const [one, any] = [await draw('one'), await draw('any')]
  expect(one.stderr.split(NOTE)).toHaveLength(2)
  expect(any.stderr).not.toContain('batch')
  expect(one.maps.length).toBeGreaterThan(2)
  expect(one.maps).toEqual(any.maps)
  expect((await draw('one', '--quiet')).stderr).toBe('')
  const events = (await draw('one', '--json', '--quiet')).stdout
    .split('\n')
    .slice(0, -1)
    .map((line) => JSON.parse(line))
  expect(events.filter(({ message }) => message?.includes(NOTE))).toMatchObject([{ type: 'notice' }])
})
