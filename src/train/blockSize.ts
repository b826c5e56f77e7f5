import { makeModel, withDomain, writeModel } from '../onnx/model.js'
import { BLOCKED, makeNode } from '../onnx/node.js'
import { DataType } from '../onnx/tensor.js'
import { makeValueInfo } from '../onnx/valueInfo.js'
import { createSession, type Tensor } from '../saliency/session.js'
import { lowered } from './blocked/lower.js'

/** The channels of a block of onnxruntime's convolutions, or why there are none to use. */
export interface Found {
  readonly block: number | null
  readonly reason: string | null
}

let found: Promise<Found> | undefined

/**
 * How many channels a block of onnxruntime's convolutions has on this machine (16 with AVX-512, 8 with AVX), or null where it
 * has none, or other ones than this program knows: found by trying, once.
 */
export function findBlocks(): Promise<Found> {
  const none = (reason: string): Found => ({ block: null, reason: `onnxruntime ${reason} on this machine` })
  found ??= probe(none).catch(() => none('has no convolutions in blocks of channels'))
  return found
}

const wave = (dims: readonly number[]): Tensor => {
  const count = dims.reduce((a, b) => a * b, 1)
  return { type: 'float32', dims, data: Float32Array.from({ length: count }, (_, i) => Math.sin(1.7 * i)) }
}

async function outputOf(model: Parameters<typeof writeModel>[0], feeds: Record<string, Tensor>): Promise<Tensor> {
  const session = await createSession(writeModel(withDomain(model, BLOCKED)), { device: 'cpu', threads: 1 })
  try {
    return (await session.run(feeds)).y!
  } finally {
    await session.release()
  }
}

async function probe(none: (reason: string) => Found): Promise<Found> {
  const float = (name: string, dims?: readonly number[]) => makeValueInfo(name, DataType.FLOAT, dims)
  const reorder = makeNode('ReorderInput', ['x'], ['y'])
  reorder.domain = BLOCKED
  const small = { nodes: [reorder], initializers: new Map(), inputs: [float('x', [1, 4, 1, 1])], outputs: [float('y')] }
  const block = (await outputOf(makeModel('blocks', small, 17), { x: wave([1, 4, 1, 1]) })).dims[1]!
  if (block !== 8 && block !== 16) return none(`has blocks of ${block} channels, which this program does not know,`)

  const dims = { x: [2, 4 * block, 5, 4], w: [2 * block, 4 * block, 3, 3] }
  const graph = {
    nodes: [makeNode('Conv', ['x', 'w'], ['y'], { pads: [1, 1, 1, 1] })],
    initializers: new Map(),
    inputs: [float('x', dims.x), float('w', dims.w)],
    outputs: [float('y')],
  }
  const feeds = { x: wave(dims.x), w: wave(dims.w) }
  const known = { types: new Map(), dims: new Map(Object.entries(dims)) }
  const inBlocks = lowered(graph, 17, known, { batch: 2, block }).graph
  const [expected, actual] = await Promise.all(
    [graph, inBlocks].map((each) => outputOf(makeModel('convolution', each, 17), feeds)),
  )
  const values = expected!.data as Float32Array
  const isSame = (actual!.data as Float32Array).every((value, i) => Math.abs(value - values[i]!) < 1e-3)
  return isSame ? { block, reason: null } : none('lays blocks of channels out in another way')
}
