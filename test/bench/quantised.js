/**
 * Gradients and maps of quantised models beside those of the float model, on the pictures that quantised.py kept:
 *   npm run build && node test/bench/quantised.js <folder that quantised.py wrote> [part of a name]
 * For the class that the float model predicts. Cosine of the input gradient; correlation of the gradient's maps and of those
 * that a run makes by default; correlation of the logits, onnxruntime's own of the quantised model with those of the float
 * model, and with those that the gradient is of. Worst, lower quartile and median of the pictures.
 */
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { gradientModel } from '../../dist/saliency/gradientModel.js'
import { saliencyModel } from '../../dist/saliency/saliencyModel.js'
import { createSession } from '../../dist/saliency/session.js'

const [root, part = ''] = process.argv.slice(2)
const meta = JSON.parse(readFileSync(path.join(root, 'meta.json'), 'utf8'))
const { width, height } = meta
const size = width * height
const bytes = readFileSync(path.join(root, 'pixels.u8'))
const pictures = Array.from({ length: bytes.length / (3 * size) }, (_, i) =>
  bytes.subarray(3 * size * i, 3 * size * (i + 1)),
)

function normalised(picture) {
  const data = new Float32Array(3 * size)
  const scale = meta.scale ?? 1 / 255
  for (let i = 0; i < data.length; i++) {
    const [c, at] = [Math.floor(i / size), i % size]
    data[i] = (picture[3 * at + c] * scale - meta.mean[c]) / meta.std[c]
  }
  return { type: 'float32', dims: [1, 3, height, width], data }
}

const mean = (values) => values.reduce((a, b) => a + b, 0) / values.length
const dot = (a, b) => a.reduce((sum, value, i) => sum + value * b[i], 0)
const cosine = (a, b) => dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b))
const centred = (values) =>
  Array.from(
    values,
    (
      (m) => (v) =>
        v - m
    )(mean(values)),
  )
const correlation = (a, b) => cosine(centred(a), centred(b))
const largest = (values) => values.indexOf(Math.max(...values))

/** Runs a session once for each picture and lets it go. */
async function each(model, feedsOf) {
  const session = await createSession(model, { device: 'cpu', threads: 1 })
  const results = []
  for (const [i, picture] of pictures.entries()) results.push(await session.run(feedsOf(picture, i)))
  await session.release()
  return results
}

const own = async (file) =>
  (await each(readFileSync(file), (picture) => ({ input: normalised(picture) }))).map(
    (result) => Object.values(result)[0].data,
  )

const targetOf = (chosen, classes) => {
  const data = new Float32Array(classes)
  data[chosen] = 1
  return { type: 'float32', dims: [1, classes], data }
}

async function mapsOf(file, kind, targets) {
  const options = { preprocessing: meta, loss: 'ce', target: 'label', channelNorm: 'mean', kind, width, height }
  const model = await saliencyModel(readFileSync(file), path.basename(file), options)
  const results = await each(model.bytes, (picture, i) => ({
    pixels: { type: 'uint8', dims: [1, height, width, 3], data: Uint8Array.from(picture) },
    target: targets[i],
  }))
  return results.map(({ saliency }) => saliency.data)
}

async function all(file, targets) {
  const gradient = await gradientModel(readFileSync(file), path.basename(file))
  const results = await each(gradient, (picture, i) => ({ input: normalised(picture), target: targets[i] }))
  return {
    gradient: results.map((r) => r.gradient.data),
    logits: results.map((r) => r.logits.data),
    map: await mapsOf(file, 'gradient', targets),
    default: await mapsOf(file, 'auto', targets),
    own: await own(file),
  }
}

function cells(compare, a, b) {
  const values = pictures.map((_, i) => compare(a[i], b[i])).sort((x, y) => x - y)
  return [0, 1 / 4, 1 / 2].map((q) => values[Math.floor(q * values.length)].toFixed(2)).join(' ')
}

const plain = path.join(root, 'float.onnx')
const logits = await own(plain)
const targets = logits.map((row) => targetOf(largest(row), row.length))
const expected = await all(plain, targets)
process.stdout.write(`${pictures.length} pictures

| model | gradient | its map | map by default | logits, int8 and float | logits, int8 and here | same class |
|---|---|---|---|---|---|---|
`)
const names = readdirSync(root).filter((name) => name.endsWith('.onnx') && name !== 'float.onnx' && name.includes(part))
for (const name of names) {
  const found = await all(path.join(root, name), targets)
  const same = found.own.filter((row, i) => largest(row) === largest(logits[i])).length
  const columns = [
    cells(cosine, found.gradient, expected.gradient),
    cells(correlation, found.map, expected.map),
    cells(correlation, found.default, expected.default),
    cells(correlation, found.own, expected.own),
    cells(correlation, found.own, found.logits),
    same,
  ]
  process.stdout.write(`| ${name.replace('.onnx', '')} | ${columns.join(' | ')} |\n`)
}
