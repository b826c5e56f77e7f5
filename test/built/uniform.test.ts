import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'
import { writeModel } from '../../src/onnx/model.js'
import { makeNode } from '../../src/onnx/node.js'
import { ROOT, run } from '../helpers/cli.js'
import { temporaryFolder } from '../helpers/folder.js'
import { modelOf } from '../helpers/onnx.js'

const PHOTOS = path.join(ROOT, 'fixtures/photos')

/** A classifier of 8 x 8 pictures that begins with a step. */
function stepped(): Uint8Array {
  const wave = (dims: number[]) => ({
    dims,
    values: Array.from({ length: dims.reduce((a, b) => a * b) }, (_, i) => Math.sin(1.7 * i)),
  })
  const nodes = [
    makeNode('Round', ['x'], ['r']),
    makeNode('Conv', ['r', 'w'], ['c']),
    makeNode('GlobalAveragePool', ['c'], ['y']),
  ]
  return writeModel(
    modelOf({ nodes, inputs: { x: ['N', 3, 8, 8] }, outputs: ['y'], weights: { w: wave([5, 3, 3, 3]) } }),
  )
}

test('maps that are all uniform stop a run before it writes, unless they are allowed and counted', async () => {
  const folder = temporaryFolder({ 'step.onnx': stepped() })
  const out = path.join(folder, 'maps')
  const command = ['saliency', PHOTOS, '--model', path.join(folder, 'step.onnx'), '--target', 'predicted', '--out', out]
  const stopped = await run([...command, '--device', 'cpu'])
  expect(stopped.code).toBe(4)
  expect(stopped.stderr).toMatch(
    /step\.onnx: no gradient reaches any of the first \d pictures: .*\n +hint: .*--allow-uniform/,
  )
  expect(existsSync(out)).toBe(false)
  const allowed = await run([...command, '--device', 'cpu', '--allow-uniform'])
  expect(allowed.code).toBe(0)
  const { counts } = JSON.parse(readFileSync(path.join(out, 'saliency.json'), 'utf8'))
  expect(counts.uniform).toBe(counts.written)
  expect(counts.maps).toBe(counts.written)
  expect(allowed.stderr).toContain(`${counts.written} of ${counts.written} pictures have no gradient`)
})
