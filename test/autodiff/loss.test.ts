import { expect, test } from 'vitest'
import { GraphBuilder } from '../../src/autodiff/builder.js'
import { lossCotangent } from '../../src/autodiff/loss.js'
import { normal, randomStream } from '../../src/core/random.js'
import { writeModel } from '../../src/onnx/model.js'
import { makeNode } from '../../src/onnx/node.js'
import { DataType } from '../../src/onnx/tensor.js'
import { makeValueInfo } from '../../src/onnx/valueInfo.js'
import { createSession } from '../../src/saliency/session.js'
import { modelOf } from '../helpers/onnx.js'

const [ROWS, CLASSES] = [600, 10]

function lossModel(loss: 'ce' | 'bce'): Uint8Array {
  const inputs = ['z', 'y'].map((name) => makeValueInfo(name, DataType.FLOAT, ['N', CLASSES]))
  const types = new Map(['z', 'y'].map((name) => [name, { dtype: DataType.FLOAT, dims: [null, CLASSES] }]))
  const g = new GraphBuilder(17, types, ['z', 'y'])
  const cotangent = lossCotangent(g, 'z', 'y', CLASSES, loss)
  const graph = g.finish(inputs, [makeValueInfo(cotangent, DataType.FLOAT)])
  const nodes = [makeNode('Identity', ['z'], ['same'])]
  const other = modelOf({ nodes, inputs: { z: ['N', CLASSES] }, outputs: ['same'] })
  return writeModel({ ...other, graph })
}

test.each(['ce', 'bce'] as const)('a row of %s has the same bits alone and among any others', async (loss) => {
  const random = randomStream(0, 0)
  const z = Float32Array.from({ length: ROWS * CLASSES }, () => 4 * normal(random))
  const y = Float32Array.from({ length: ROWS * CLASSES }, (_, i) => [0.7, 0.3][(i + Math.floor(i / CLASSES)) % 10] ?? 0)
  const session = await createSession(lossModel(loss), { device: 'cpu', threads: 1 })
  const rows = async (batch: number) => {
    const found: number[] = []
    for (let at = 0; at < ROWS; at += batch) {
      const n = Math.min(batch, ROWS - at)
      const feed = (values: Float32Array<ArrayBuffer>) =>
        ({ type: 'float32', dims: [n, CLASSES], data: values.slice(at * CLASSES, (at + n) * CLASSES) }) as const
      const outputs = Object.values(await session.run({ z: feed(z), y: feed(y) }))
      found.push(...(outputs[0]!.data as Float32Array))
    }
    return found
  }
  const whole = await rows(ROWS)
  for (const batch of [1, 7, 33]) expect(await rows(batch)).toEqual(whole)
  await session.release()
})
