#!/usr/bin/env node
/**
 * Measures the top-1 accuracy of a bundled model through onnxruntime-node, on the graph that the program runs.
 *
 *     npm run models:check -- <folder> [model]
 *
 * The folder is anything `sage-augment` takes (class folders, a manifest), or one with the IDX files of MNIST's kind
 * (`t10k-images-idx3-ubyte.gz`), as Debian's dataset-fashion-mnist installs them.
 */
import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { gunzipSync } from 'node:zlib'
import { classIndices, resolveModel } from '../dist/classifiers/resolveModel.js'
import { resize } from '../dist/codec/codec.js'
import { decodeImage } from '../dist/codec/decode.js'
import { readManifest } from '../dist/dataset/manifest.js'
import { saliencyModel } from '../dist/saliency/saliencyModel.js'
import { createSession } from '../dist/saliency/session.js'

const BATCH = 100
const [folder, chosen] = process.argv.slice(2)
if (folder === undefined) throw new Error('usage: npm run models:check -- <folder> [model]')

/**
 * @typedef Data
 * @property {readonly string[] | null} classes null: those of the model, in its order
 * @property {number} count
 * @property {(i: number) => number} label
 * @property {(i: number) => Promise<import('../dist/core/image.js').Image>} image
 */

/**
 * @param {string} folder
 * @returns {Promise<Data>}
 */
async function openData(folder) {
  const images = path.join(folder, 't10k-images-idx3-ubyte.gz')
  if (existsSync(images)) {
    const pixels = gunzipSync(readFileSync(images)).subarray(16)
    const labels = gunzipSync(readFileSync(path.join(folder, 't10k-labels-idx1-ubyte.gz'))).subarray(8)
    return {
      classes: null,
      count: labels.length,
      label: (i) => labels[i] ?? 0,
      async image(i) {
        const grey = pixels.subarray(i * 784, (i + 1) * 784)
        const data = Uint8Array.from({ length: 784 * 3 }, (_, j) => grey[Math.floor(j / 3)] ?? 0)
        return { data, width: 28, height: 28 }
      },
    }
  }
  const { root, classes, sources: listed } = await readManifest(folder)
  const sources = [...listed]
  return {
    classes,
    count: sources.length,
    label(i) {
      const { label, file } = sources[i]
      if (typeof label !== 'number') throw new Error(`${file}: found a soft label, expected a class`)
      return label
    },
    async image(i) {
      const { file } = sources[i]
      return decodeImage(readFileSync(path.join(root, file)), file, { maxPixels: 2 ** 28 })
    },
  }
}

const data = await openData(folder)
const model = await resolveModel(chosen ?? (data.classes === null ? 'fashion-mnist' : 'auto'), data.classes ?? [], {})
if (model.classes === null) throw new Error(`${model.name} does not name its classes`)
const indices = data.classes === null ? model.classes.map((_, i) => i) : classIndices(data.classes, model.classes)
if (indices === null) throw new Error(`${model.name} does not know every class of ${folder}`)
const graph = await saliencyModel(model.bytes, model.name, {
  preprocessing: model.preprocessing,
  ...(model.width === undefined ? {} : { width: model.width }),
  ...(model.height === undefined ? {} : { height: model.height }),
  loss: 'ce',
  target: 'predicted',
  blur: { kernel: 5, sigma: 1 },
  channelNorm: 'mean',
})
const session = await createSession(graph.bytes, { device: 'cpu' })
let hits = 0
for (let start = 0; start < data.count; start += BATCH) {
  const rows = Array.from({ length: Math.min(BATCH, data.count - start) }, (_, i) => start + i)
  const images = await Promise.all(rows.map(async (i) => resize(await data.image(i), graph.width, graph.height)))
  const pixels = Buffer.concat(images.map((image) => image.data))
  const { logits } = await session.run({
    pixels: { type: 'uint8', dims: [rows.length, graph.height, graph.width, 3], data: new Uint8Array(pixels) },
  })
  const values = /** @type {Float32Array} */ (logits.data)
  rows.forEach((i, row) => {
    const scores = values.subarray(row * graph.classes, (row + 1) * graph.classes)
    if (scores.indexOf(Math.max(...scores)) === indices[data.label(i)]) hits++
  })
}
process.stdout.write(
  `${model.name}: ${hits} of ${data.count} right, top-1 ${((100 * hits) / data.count).toFixed(2)} %\n`,
)
