/**
 * Tries every export that models.py made, and writes the table of docs/models.md:
 *
 *     npm run build && node test/bench/models.js <folder> > table.md
 *
 * Error: relative L2 distance of the logit's gradient from PyTorch's float32 one on two random images. Time: seconds of CPU
 * from the file to the bytes of the differentiated model. Size: how many times the file those bytes are.
 */
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { readModel } from '../../dist/onnx/model.js'
import { declaredType } from '../../dist/onnx/valueInfo.js'
import { gradientModel } from '../../dist/saliency/gradientModel.js'
import { createSession } from '../../dist/saliency/session.js'

const floats = (file) => new Float32Array(Uint8Array.from(readFileSync(file)).buffer)

const distance = (found, expected) => {
  const squares = (map) => expected.reduce((sum, v, i) => sum + map(v, i) ** 2, 0)
  return Math.sqrt(squares((v, i) => found[i] - v) / squares((v) => v))
}

/** The gradients of the two images, together or one by one as the model takes them. */
async function gradients(bytes, stem) {
  const [x, c] = ['x', 'c'].map((key) => floats(`${stem}.${key}.bin`))
  const [input] = readModel(bytes, stem).graph.inputs
  const batch = declaredType(input).dims[0]
  const side = Math.round(Math.sqrt(x.length / 6))
  const session = await createSession(bytes, { device: 'cpu', threads: 1 })
  const found = []
  for (const [from, count] of batch === 1
    ? [
        [0, 1],
        [1, 1],
      ]
    : [[0, 2]]) {
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

async function row(file) {
  const bytes = readFileSync(file)
  const { opset, graph } = readModel(bytes, path.basename(file))
  const start = process.cpuUsage()
  const made = await gradientModel(bytes, path.basename(file), { loss: 'logit' })
  const { user, system } = process.cpuUsage(start)
  const stem = file.replace(/\.onnx$/, '')
  const { found, batch } = await gradients(made, stem)
  const error = distance(found, floats(`${stem}.g.bin`))
  const times = made.length / bytes.length
  return [
    opset,
    graph.nodes.length,
    batch ?? 'any',
    error.toExponential(1),
    ((user + system) / 1e6).toFixed(1),
    times.toFixed(2),
  ]
}

const [folder] = process.argv.slice(2)
process.stdout.write('| export | opset | nodes | batch | error | time, s | size |\n|---|---|---|---|---|---|---|\n')
for (const name of readdirSync(folder).filter((n) => n.endsWith('.onnx'))) {
  const cells = await row(path.join(folder, name)).catch((error) => [error.message.split('\n')[0], '', '', '', '', ''])
  process.stdout.write(`| ${[name.replace(/\.onnx$/, ''), ...cells].join(' | ')} |\n`)
}
