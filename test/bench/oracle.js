/**
 * Compares the input gradients of classifiers with PyTorch's in float64 and writes the table of docs/gradients.md.
 *   npm run build && node test/bench/oracle.js <folder of models> [markdown file]
 * Each subfolder holds model.onnx, meta.json, input.bin, g_ce_f64.bin, g_bce_f64.bin as shared/oracle/export_models.py
 * writes them (torchvision with random, calibrated weights; two images of random numbers each). A model that is not as
 * close as its limit sets the exit code.
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { readModel } from '../../dist/onnx/model.js'
import { gradientModel } from '../../dist/saliency/gradientModel.js'
import { createSession } from '../../dist/saliency/session.js'

/** PyTorch's own float32 is this close to its float64 in networks without kinks, on every image. */
const SMOOTH = 1e-5

function readTensor(folder, { file, dtype }) {
  const { buffer } = Uint8Array.from(readFileSync(path.join(folder, file)))
  return dtype === 'float64' ? new Float64Array(buffer) : new Float32Array(buffer)
}

/** Relative L2 distance of one image's gradient from the truth, after the best positive scale. */
function relativeError(found, truth) {
  let [cross, square, norm] = [0, 0, 0]
  for (const [i, value] of found.entries()) {
    cross += value * truth[i]
    square += value * value
    norm += truth[i] * truth[i]
  }
  return Math.sqrt(Math.max(0, norm - (cross * cross) / square) / norm)
}

/** Saliency map of a gradient [C, H, W]: channel mean of |g|, Gaussian of 5 taps and sigma 1, reflected edges, sum 1. */
function saliency(gradient, channels, height, width) {
  const taps = [0.054488684, 0.244201342, 0.402619947, 0.244201342, 0.054488684]
  const mirror = (i, n) => (i < 0 ? -i : i >= n ? 2 * (n - 1) - i : i)
  const size = height * width
  const mean = Float64Array.from({ length: size }, (_, i) => {
    let sum = 0
    for (let c = 0; c < channels; c++) sum += Math.abs(gradient[c * size + i])
    return sum
  })
  const rows = mean.map((_, i) =>
    taps.reduce((s, t, k) => s + t * mean[i - (i % width) + mirror((i % width) + k - 2, width)], 0),
  )
  const map = rows.map((_, i) =>
    taps.reduce((s, t, k) => s + t * rows[mirror(Math.floor(i / width) + k - 2, height) * width + (i % width)], 0),
  )
  const total = map.reduce((a, b) => a + b)
  return map.map((value) => value / total)
}

const totalVariation = (a, b) => a.reduce((sum, value, i) => sum + Math.abs(value - b[i]), 0) / 2

const nodeCount = (bytes) => readModel(bytes, 'model').graph.nodes.length

async function compare(folder, loss, bytes, meta) {
  const differentiated = await gradientModel(bytes, meta.name, { loss })
  const session = await createSession(differentiated, { device: 'cpu' })
  const { shape: dims } = meta.tensors.input
  const classes = meta.num_classes
  const target = new Float32Array(2 * classes)
  for (const [i, label] of meta.labels.entries()) target[i * classes + label] = 1
  const feeds = {
    [meta.input_name]: { type: 'float32', dims, data: readTensor(folder, meta.tensors.input) },
    target: { type: 'float32', dims: [2, classes], data: target },
  }
  const { gradient } = await session.run(feeds)
  await session.release()
  const truth = readTensor(folder, meta.tensors[`g_${loss}_f64`])
  const [, channels, height, width] = dims
  const size = truth.length / 2
  const rows = [0, 1].map((i) => {
    const [found, expected] = [
      gradient.data.subarray(i * size, (i + 1) * size),
      truth.subarray(i * size, (i + 1) * size),
    ]
    const maps = [found, expected].map((g) => saliency(g, channels, height, width))
    return { error: relativeError(found, expected), variation: totalVariation(...maps) }
  })
  return {
    nodes: nodeCount(differentiated),
    error: Math.max(...rows.map((row) => row.error)),
    variation: Math.max(...rows.map((row) => row.variation)),
  }
}

async function check(root, name) {
  const folder = path.join(root, name)
  const meta = JSON.parse(readFileSync(path.join(folder, 'meta.json'), 'utf8'))
  const bytes = readFileSync(path.join(folder, 'model.onnx'))
  const ce = await compare(folder, 'ce', bytes, meta)
  const bce = await compare(folder, 'bce', bytes, meta)
  const torch = Math.max(meta.torch_f32_vs_f64_relerr.g_ce, meta.torch_f32_vs_f64_relerr.g_bce)
  const noise = Math.max(torch, meta.grad_noise?.max ?? 0)
  const worst = Math.max(ce.error, bce.error)
  const variation = Math.max(ce.variation, bce.variation)
  const passes = noise < SMOOTH ? worst <= 1e-4 : worst <= 5e-2 && variation <= 1e-2
  const figures = [
    nodeCount(bytes),
    ce.nodes,
    ...[ce.error, bce.error, torch, noise, variation].map((v) => v.toExponential(1)),
  ]
  return { name, opset: meta.opset, figures, passes }
}

const [root, target] = process.argv.slice(2)
const names = readdirSync(root).filter((name) => existsSync(path.join(root, name, 'meta.json')))
const [head] = target ? readFileSync(target, 'utf8').split('| model |') : ['']
const HEADER = `| model | opset | nodes | with gradient | error, ce | error, bce | PyTorch | noise | map | within |
|---|---|---|---|---|---|---|---|---|---|
`
let table = HEADER
for (const name of names.sort()) {
  const row = await check(root, name)
  if (!row.passes) process.exitCode = 1
  const line = `| ${[row.name, row.opset, ...row.figures, row.passes ? 'yes' : 'NO'].join(' | ')} |\n`
  process.stdout.write(line)
  table += line
  if (target) writeFileSync(target, head + table)
}
