import path from 'node:path'
import { expect, test } from 'vitest'
import { writeModel } from '../../src/onnx/model.js'
import { makeNode } from '../../src/onnx/node.js'
import { ROOT, run } from '../helpers/cli.js'
import { temporaryFolder, tree } from '../helpers/folder.js'
import { modelOf } from '../helpers/onnx.js'

const PHOTOS = path.join(ROOT, 'fixtures/photos')
const NOTE = 'its batch is fixed: 1 picture at a time'

/** A classifier of 8 x 8 pictures; a map of constants beside their channels keeps a batch of 1 from being freed. */
function classifier(batch: number | 'N'): Uint8Array {
  const constants = batch === 1 ? ['x', 'k'] : ['x']
  const wave = (count: number) => Array.from({ length: count }, (_, i) => Math.sin(1.7 * i))
  const nodes = [
    makeNode('Concat', constants, ['c'], { axis: 1 }),
    makeNode('Conv', ['c', batch === 1 ? 'w4' : 'w3'], ['v']),
    makeNode('Sigmoid', ['v'], ['s']),
    makeNode('GlobalAveragePool', ['s'], ['y']),
  ]
  // The fourth channel has weights of 0.
  const rows = Array.from({ length: 5 }, (_, m) => wave(135).slice(27 * m, 27 * m + 27))
  const weights = {
    k: { dims: [1, 1, 8, 8], values: wave(64) },
    w3: { dims: [5, 3, 3, 3], values: rows.flat() },
    w4: { dims: [5, 4, 3, 3], values: rows.flatMap((row) => [...row, ...Array(9).fill(0)]) },
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
