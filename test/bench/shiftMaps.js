/**
 * Maps for shift.js, of random details of the photographs in fixtures/photos. Up to 224 x 224 they are saliency maps of
 * the bundled CIFAR classifier, through the product's own graph. To take more than 32 x 32 its last pooling averages over
 * all places, as classifiers of large pictures do, where it else takes the greatest of the 3 x 3 there are.
 */
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { pathToFileURL } from 'node:url'

const PHOTOS = 'fixtures/photos'
const MODEL = 'models/cifar10'

/** `count` saliency maps of side x side, each summing to 1. */
export async function saliencyMaps(folder, side, count) {
  const load = loader(folder)
  const { createSession } = await load('saliency/session.js')
  const session = await createSession(await graph(load, side), { device: 'cpu' })
  const maps = []
  for (const data of await details(load, side, count)) {
    const { saliency } = await session.run({ pixels: { type: 'uint8', dims: [1, side, side, 3], data } })
    maps.push(saliency.data)
  }
  await session.release()
  return maps
}

/** Maps for sizes no classifier here can take: |gradient| of the red channel, 3 x 3 box blurred, on a faint ground. */
export async function gradientMaps(folder, side, count) {
  const place = (f) => Float32Array.from({ length: side * side }, (_, i) => f(i % side, Math.floor(i / side)))
  const clamp = (x) => Math.min(side - 1, Math.max(0, x))
  const at = (map, x, y) => map[clamp(y) * side + clamp(x)]
  return (await details(loader(folder), side, count)).map((data) => {
    const red = place((x, y) => data[3 * (y * side + x)])
    const gradient = place(
      (x, y) => Math.abs(at(red, x + 1, y) - at(red, x - 1, y)) + Math.abs(at(red, x, y + 1) - at(red, x, y - 1)) + 0.1,
    )
    const blurred = place((x, y) => {
      let sum = 0
      for (let i = -1; i <= 1; i++) for (let j = -1; j <= 1; j++) sum += at(gradient, x + i, y + j)
      return sum
    })
    const sum = blurred.reduce((total, value) => total + value, 0)
    return blurred.map((value) => value / sum)
  })
}

function loader(folder) {
  return (name) => import(pathToFileURL(path.join(folder, name)).href)
}

/** The pixels of `count` random details, uint8 [side, side, 3] each; always the same ones. */
async function details(load, side, count) {
  const { decodeImage } = await load('codec/decode.js')
  const { resize } = await load('codec/codec.js')
  const { randomStream } = await load('core/random.js')
  const files = readdirSync(PHOTOS).filter((name) => name.endsWith('.jpg'))
  return Promise.all(
    Array.from({ length: count }, async (_, i) => {
      const name = files[i % files.length]
      const photo = await decodeImage(readFileSync(path.join(PHOTOS, name)), name, { maxPixels: 1e8 })
      return (await resize(detail(photo, randomStream(1, i)), side, side)).data
    }),
  )
}

/** A random square of 50 to 100 % of the shorter side. */
function detail({ data, width, height }, random) {
  const side = Math.floor(Math.min(width, height) * (0.5 + 0.5 * random.uniform()))
  const left = random.integer(0, width - side)
  const top = random.integer(0, height - side)
  const square = new Uint8Array(3 * side * side)
  for (let y = 0; y < side; y++) {
    const from = 3 * ((top + y) * width + left)
    square.set(data.subarray(from, from + 3 * side), 3 * side * y)
  }
  return { data: square, width: side, height: side }
}

/** The graph from pixels to saliency of `side` x `side`, with the settings that the product has by default. */
async function graph(load, side) {
  const { readModel, writeModel } = await load('onnx/model.js')
  const { makeNode } = await load('onnx/node.js')
  const { saliencyModel } = await load('saliency/saliencyModel.js')
  const model = readModel(readFileSync(`${MODEL}.onnx`), MODEL)
  const { nodes, inputs } = model.graph
  const last = nodes.findLastIndex(({ opType }) => opType === 'MaxPool')
  if (side > 32) nodes[last] = makeNode('GlobalAveragePool', nodes[last].input, nodes[last].output)
  for (const axis of [2, 3])
    inputs[0].type.value.value.shape.dim[axis].value = { case: 'dimValue', value: BigInt(side) }
  const { mean, std, layout, colorOrder } = JSON.parse(readFileSync(`${MODEL}.json`, 'utf8'))
  const { bytes } = await saliencyModel(writeModel(model), MODEL, {
    preprocessing: { mean, std, layout, colorOrder, scale: 1 / 255 },
    loss: 'ce',
    target: 'predicted',
    blur: { kernel: 5, sigma: 1 },
    channelNorm: 'mean',
  })
  return bytes
}
