/**
 * Measures exports of models.py (a line of JSON for each), and writes the table of docs/models.md:
 *
 *     node test/bench/models.js <model.onnx> ...
 *     node test/bench/models.js --table <rows.jsonl>
 *
 * Error: relative L2 distance of the logits' gradient from PyTorch's float64 one on two random images. Times: seconds of
 * CPU, of one thread, for what `inspect` finds out and from the file to the bytes of the differentiated model. Size: how
 * many times the file those bytes are.
 */
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { readModel } from '../../dist/onnx/model.js'
import { declaredType } from '../../dist/onnx/valueInfo.js'
import { gradientModel } from '../../dist/saliency/gradientModel.js'
import { inspectModel } from '../../dist/saliency/inspectModel.js'
import { createSession } from '../../dist/saliency/session.js'

const bufferOf = (file) => Uint8Array.from(readFileSync(file)).buffer

const distance = (found, expected) => {
  const squares = (map) => expected.reduce((sum, v, i) => sum + map(v, i) ** 2, 0)
  return Math.sqrt(squares((v, i) => found[i] - v) / squares((v) => v))
}

/** The gradients of the two images, together or one by one as the model takes them. */
async function gradients(bytes, stem) {
  const [x, c] = ['x', 'c'].map((key) => new Float32Array(bufferOf(`${stem}.${key}.bin`)))
  const [input] = readModel(bytes, stem).graph.inputs
  const batch = declaredType(input).dims[0]
  const side = Math.round(Math.sqrt(x.length / 6))
  const session = await createSession(bytes, { device: 'cpu', threads: 1 })
  const found = []
  const one = [
    [0, 1],
    [1, 1],
  ]
  for (const [from, count] of batch === 1 ? one : [[0, 2]]) {
    const part = (all, dims) => {
      const size = all.length / 2
      return { type: 'float32', dims: [count, ...dims], data: all.slice(from * size, (from + count) * size) }
    }
    const feeds = { [input.name]: part(x, [3, side, side]), target: part(c, [c.length / 2]) }
    for (const value of (await session.run(feeds)).gradient.data) found.push(value)
  }
  await session.release()
  return { found, batch }
}

/** What `work` gives, and the seconds of CPU that it takes. */
async function timed(work) {
  const start = process.cpuUsage()
  const result = await work()
  const { user, system } = process.cpuUsage(start)
  return [result, (user + system) / 1e6]
}

async function measure(file) {
  const bytes = readFileSync(file)
  const name = path.basename(file)
  const { opset, graph } = readModel(bytes, name)
  const [inspection, inspect] = await timed(() => inspectModel(bytes, name))
  const about = { opset, nodes: graph.nodes.length, inspect, problems: inspection.problems }
  if (inspection.problems.length > 0) return about
  const [made, grad] = await timed(() => gradientModel(bytes, name, { loss: 'logit' }))
  const stem = file.replace(/\.\w+\.onnx$/, '')
  const { found, batch } = await gradients(made, stem)
  const error = distance(found, new Float64Array(bufferOf(`${stem}.g.bin`)))
  return { ...about, batch: batch ?? 'any', grad, error, times: made.length / bytes.length }
}

/** The kinds that were tried of a model, in this order. */
const kindsOf = (rows) => ['fixed', 'dynamic'].filter((kind) => rows[kind])

/** What the exports of a model have in common, or what each has. */
const each = (rows, cell) => [...new Set(kindsOf(rows).map((kind) => cell(rows[kind])))].join(', ')

function line(model, rows) {
  const some = Object.values(rows)
  const of = (key, format) => each(rows, (row) => (row[key] === undefined ? '-' : format(row[key])))
  const refusals = some.flatMap((row) => row.unusable ?? row.unexported ?? row.problem ?? row.problems)
  const kinds = kindsOf(rows)
  const cells = [
    kinds.length === 1 ? `${model}, ${kinds[0]}` : model,
    of('size', String),
    of('nodes', String),
    of('batch', String),
    of('inspect', (seconds) => seconds.toFixed(1)),
    of('grad', (seconds) => seconds.toFixed(1)),
    of('error', (error) => error.toExponential(1)),
    of('torch', (error) => error.toExponential(1)),
    of('times', (times) => times.toFixed(2)),
  ]
  return [`| ${cells.join(' | ')} |`, ...refusals.map((text) => `${model}: ${text}`)]
}

function table(file) {
  const models = new Map()
  for (const text of readFileSync(file, 'utf8').trim().split('\n')) {
    const { model, kind, ...row } = JSON.parse(text)
    models.set(model, { ...models.get(model), [kind]: row })
  }
  const lines = [...models].map(([model, rows]) => line(model, rows))
  const head = ['model', 'pixels', 'nodes', 'batch', 'inspect, s', 'grad, s', 'error', "PyTorch's", 'size']
  const rule = head.map(() => '---')
  const [rows, refusals] = [lines.map(([row]) => row), lines.flatMap(([, ...rest]) => rest)]
  return [`| ${head.join(' | ')} |`, `|${rule.join('|')}|`, ...rows, '', ...refusals].join('\n')
}

const [first, ...files] = process.argv.slice(2)
if (first === '--table') process.stdout.write(`${table(files[0])}\n`)
else for (const file of [first, ...files]) process.stdout.write(`${JSON.stringify(await measure(file))}\n`)
