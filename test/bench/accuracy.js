/**
 * Trains networks on 5,000 pictures of CIFAR-10 as accuracy.py does in PyTorch: the same pictures, order, schedule and initial
 * weights, for five seeds. Tables the accuracies on 2,000 pictures of the test set, and how far the losses are apart.
 *   npm run build && PYTHON=python3 node test/bench/accuracy.js <CIFAR-10 as class folders> <folder to work in>
 * LOSSES=50 makes so many steps only, and tables the largest distance of their losses from PyTorch's in float64.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { rateAt } from '../../dist/train/schedule.js'
import { startTrainer } from '../../dist/train/trainer.js'

const SEEDS = Number(process.env.SEEDS ?? 5)
const PYTHON = process.env.PYTHON ?? 'python3'
const TORCH = fileURLToPath(new URL('accuracy.py', import.meta.url))
const [cifar, root] = process.argv.slice(2)
const CLASSES = 10
const PICTURE = 32 * 32 * 3

function torch(...args) {
  const { stdout, status, stderr } = spawnSync(PYTHON, [TORCH, ...args], { maxBuffer: 2 ** 26 })
  if (status !== 0) throw new Error(stderr.toString())
  return stdout.toString().trim().split('\n').map(Number)
}

if (!existsSync(path.join(root, `${SEEDS - 1}.order`))) torch('prepare', cifar, root, String(SEEDS))
const settings = JSON.parse(readFileSync(path.join(root, 'settings.json'), 'utf8'))
const part = (name) => ({
  pixels: readFileSync(path.join(root, `${name}.pixels`)),
  labels: readFileSync(path.join(root, `${name}.labels`)),
})
const [learn, exam] = [part('train'), part('test')]

function batchOf({ pixels, labels }, indices) {
  const batch = {
    count: indices.length,
    pixels: new Uint8Array(indices.length * PICTURE),
    target: new Float32Array(indices.length * CLASSES),
  }
  indices.forEach((index, i) => {
    batch.pixels.set(pixels.subarray(index * PICTURE, (index + 1) * PICTURE), i * PICTURE)
    batch.target[i * CLASSES + labels[index]] = 1
  })
  return batch
}

async function train(seed, limit = Number.POSITIVE_INFINITY) {
  const { epochs, batch, rate, warmup, momentum, decay, mean, std } = settings
  const three = (value) => [value, value, value]
  const trainer = await startTrainer(new Uint8Array(readFileSync(path.join(root, `${seed}.onnx`))), {
    name: 'net',
    options: { optimizer: { name: 'sgd', momentum }, weightDecay: decay },
    input: { preprocessing: { mean: three(mean), std: three(std), scale: 1, layout: 'nchw' } },
    threads: 1,
    seed,
  })
  const order = new Uint32Array(new Uint8Array(readFileSync(path.join(root, `${seed}.order`))).buffer)
  const size = learn.labels.length
  const steps = Math.floor(size / batch)
  const losses = []
  for (let step = 0; step < Math.min(limit, steps * epochs); step++) {
    const first = Math.floor(step / steps) * size + (step % steps) * batch
    const share = rateAt(step, steps * epochs, Math.round(warmup * steps * epochs))
    const shown = batchOf(learn, [...order.subarray(first, first + batch)])
    losses.push((await trainer.steps([shown], [rate * share], step))[0].loss)
  }
  if (limit < steps * epochs) {
    await trainer.release()
    return { losses }
  }
  let hits = 0
  for (let first = 0; first < exam.labels.length; first += 200) {
    const indices = Array.from({ length: Math.min(200, exam.labels.length - first) }, (_, i) => first + i)
    hits += (await trainer.evaluate(batchOf(exam, indices))).hits
  }
  await trainer.release()
  return { losses, accuracy: hits / exam.labels.length }
}

async function tableLosses(limit) {
  process.stdout.write('| seed | ours | PyTorch NCHW | channels last |\n|---|---|---|---|\n')
  for (let seed = 0; seed < SEEDS; seed++) {
    const losses = (form) => torch('losses', root, String(seed), String(limit), form)
    const truth = losses('float64')
    const all = [(await train(seed, limit)).losses, losses('nchw'), losses('nhwc')]
    const apart = all.map((own) => Math.max(...own.map((loss, i) => Math.abs(loss - truth[i]))).toExponential(1))
    process.stdout.write(`| ${[seed, ...apart].join(' | ')} |\n`)
  }
}

async function tableAccuracies() {
  process.stdout.write('| seed | accuracy | PyTorch | losses of 50 steps apart | all |\n|---|---|---|---|---|\n')
  const rows = []
  for (let seed = 0; seed < SEEDS; seed++) {
    const { losses, accuracy } = await train(seed)
    const theirs = torch('train', root, String(seed))
    const apart = losses.map((loss, i) => Math.abs(loss - theirs[i]))
    rows.push([accuracy, theirs.at(-1)])
    const cells = [accuracy.toFixed(4), theirs.at(-1).toFixed(4), Math.max(...apart.slice(0, 50)), Math.max(...apart)]
    const exact = cells.map((cell) => (typeof cell === 'number' ? cell.toExponential(1) : cell))
    process.stdout.write(`| ${[seed, ...exact].join(' | ')} |\n`)
  }
  const moments = [0, 1].map((side) => {
    const values = rows.map((row) => row[side])
    const mean = values.reduce((a, b) => a + b) / values.length
    const deviation = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (values.length - 1))
    return `${mean.toFixed(4)} ± ${deviation.toFixed(4)}`
  })
  process.stdout.write(`| mean | ${moments.join(' | ')} | | |\n`)
}

if (process.env.LOSSES) await tableLosses(Number(process.env.LOSSES))
else await tableAccuracies()
