/**
 * Compares the gradients of all weights of classifiers with PyTorch's in float64 and writes the tables of docs/training.md.
 *   npm run build && node test/bench/weights.js <folder that weights.py wrote> [markdown file]
 * The gradients are what SGD with momentum keeps of its first step, in blocks of channels where the machine has them (FORM=standard:
 * as standard ONNX). A model that is not as close as its limit sets the exit code.
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { stepRunner } from '../../dist/train/stepRunner.js'
import { trainingModel } from '../../dist/train/trainingModel.js'

/** Networks without ReLU and MaxPool, in whose kinks rounding moves gradients by up to some percent in any implementation. */
const SMOOTH = /^(convnext|efficientnet|maxvit|swin|vit)/

const numbers = (file, type) => new type(Uint8Array.from(readFileSync(file)).buffer)
const volume = (dims) => dims.reduce((a, b) => a * b, 1)

async function step(folder, meta, statistics) {
  const bytes = new Uint8Array(readFileSync(path.join(folder, 'model.onnx')))
  const model = await trainingModel(bytes, meta.name, { statistics, dropout: false })
  const own = process.env.FORM === 'standard' ? { ...model, sequence: () => model.sequence(null) } : model
  const runner = stepRunner(own, 2)
  const tensor = (dims, data) => ({ type: 'float32', dims: [1, ...dims], data })
  const { keep } = await runner.run(meta.shape[0], {
    input: tensor(meta.shape, numbers(path.join(folder, 'x.bin'), Float32Array)),
    target: tensor([meta.shape[0], model.classes], numbers(path.join(folder, 'y.bin'), Float32Array)),
    rate: tensor([], Float32Array.of(0.1)),
  })
  keep()
  const values = runner.values()
  await runner.release()
  const gradients = new Map()
  for (const { kind, name, dims } of model.carried)
    if (kind === 'weight') gradients.set(name, { dims, data: values.get(`state/momentum/${name}`) })
  return gradients
}

/** The gradient of a weight of PyTorch's, under its own name, or transposed under the name of an earlier Transpose. */
function gradientOf(gradients, transposed, key, dims) {
  const own = gradients.get(key)
  if (own) return own.data
  const other = gradients.get(transposed.get(key))
  if (!other) return null
  const [rows, columns] = dims
  return Float32Array.from(
    { length: rows * columns },
    (_, i) => other.data[(i % columns) * rows + Math.floor(i / columns)],
  )
}

/** Values that the file itself makes of one weight by Transpose or Identity, by the weight's name. */
async function aliases(folder) {
  const { readModel } = await import('../../dist/onnx/model.js')
  const { graph } = readModel(new Uint8Array(readFileSync(path.join(folder, 'model.onnx'))), 'model')
  const found = new Map()
  for (const { opType, input, output } of graph.nodes)
    if ((opType === 'Transpose' || opType === 'Identity') && graph.initializers.has(input[0]))
      found.set(input[0], output[0])
  return found
}

function distance(found, truth) {
  let [error, norm] = [0, 0]
  for (const [i, value] of truth.entries()) {
    error += (found[i] - value) ** 2
    norm += value ** 2
  }
  return { error, norm }
}

/** Relative L2 distances from the truth: over all weights, PyTorch's own in float32, and the worst weight's, by name. */
async function compare(folder, meta, statistics) {
  const gradients = await step(folder, meta, statistics)
  const transposed = await aliases(folder)
  const read = (dtype, type) => numbers(path.join(folder, `${statistics}.${dtype}.bin`), type)
  const [truth, torch] = [read('float64', Float64Array), read('float32', Float32Array)]
  let at = 0
  const rows = meta.weights.map(([key, dims]) => {
    const range = [at, at + volume(dims)]
    at = range[1]
    const expected = truth.subarray(...range)
    const found = gradientOf(gradients, transposed, key, dims)
    return { key, isFound: found !== null, ...distance(found ?? new Float32Array(expected.length), expected) }
  })
  const total = rows.reduce((sum, { norm }) => sum + norm, 0)
  const error = Math.sqrt(rows.reduce((sum, row) => sum + row.error, 0) / total)
  const own = distance(torch, truth)
  // Of weights that matter: what is below a thousandth of an average gradient is rounding.
  const large = rows.filter(({ norm }) => norm > (1e-6 * total) / rows.length)
  const worst = large.reduce((a, b) => (b.error / b.norm > a.error / a.norm ? b : a))
  const missing = rows.filter(({ isFound, norm }) => !isFound && norm > 0).map(({ key }) => key)
  return {
    error,
    torch: Math.sqrt(own.error / own.norm),
    worst: Math.sqrt(worst.error / worst.norm),
    key: worst.key,
    missing,
  }
}

const [root, target] = process.argv.slice(2)
const names = readdirSync(root).filter((name) => existsSync(path.join(root, name, 'meta.json')))
const [head] = target ? readFileSync(target, 'utf8').split('| model |') : ['']
let table = `| model | weights | error, frozen | PyTorch | worst | error, batch | PyTorch | worst | within |
|---|---|---|---|---|---|---|---|---|
`
process.stdout.write(table)
for (const name of names.sort()) {
  const folder = path.join(root, name)
  const meta = JSON.parse(readFileSync(path.join(folder, 'meta.json'), 'utf8'))
  const results = []
  for (const statistics of ['frozen', 'batch']) results.push(await compare(folder, meta, statistics))
  const isClose = ({ error, missing }) => missing.length === 0 && error <= (SMOOTH.test(name) ? 1e-4 : 5e-2)
  const passes = results.every(isClose)
  if (!passes) process.exitCode = 1
  const figures = results.flatMap(({ error, torch, worst }) => [error, torch, worst].map((v) => v.toExponential(1)))
  const line = `| ${[name, meta.weights.length, ...figures, passes ? 'yes' : 'NO'].join(' | ')} |\n`
  process.stdout.write(line)
  for (const { key, missing } of results)
    if (!passes) process.stderr.write(`  worst ${key}, missing ${missing.join(', ')}\n`)
  table += line
  if (target) writeFileSync(target, head + table)
}
