/**
 * Times steps of training beside PyTorch's, in turn, and forward passes of the classifier.
 *   npm run build && PYTHON=python3 node test/bench/training.js <folder for the networks> [net ...]
 * Milliseconds a step, least of REPETITIONS: of one thread (THREADS=1, the default) of the processor's time, which other load
 * on the machine disturbs less; of several the clock's.
 */
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import readline from 'node:readline'
import { fileURLToPath } from 'node:url'
import { createSession } from '../../dist/saliency/session.js'
import { trainingModel } from '../../dist/train/trainingModel.js'

const THREADS = Number(process.env.THREADS ?? 1)
const REPETITIONS = Number(process.env.REPETITIONS ?? 9)
const PYTHON = process.env.PYTHON ?? 'python3'
const TORCH = fileURLToPath(new URL('training.py', import.meta.url))
const NETS = { three: [64, 32, 10], resnet20: [128, 32, 10], resnet18: [8, 224, 1000], mobilenet_v2: [8, 224, 1000] }

async function timed(job) {
  const [clock, start] = [performance.now(), process.cpuUsage()]
  await job()
  const { user, system } = process.cpuUsage(start)
  return THREADS === 1 ? (user + system) / 1000 : performance.now() - clock
}

/** PyTorch as a process that makes a step when asked. */
function torch(name, layout) {
  const child = spawn(PYTHON, [TORCH, 'run', name, String(THREADS), layout], { stdio: ['pipe', 'pipe', 'ignore'] })
  const lines = readline.createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  return {
    async ask(what) {
      child.stdin.write(`${what}\n`)
      return Number((await lines.next()).value)
    },
    end: () => child.stdin.end(),
  }
}

async function measure(root, name) {
  const file = path.join(root, `${name}.onnx`)
  if (!existsSync(file)) spawnSync(PYTHON, [TORCH, 'export', root, name], { stdio: 'ignore' })
  const bytes = new Uint8Array(readFileSync(file))
  const [batch, side, classes] = NETS[name]
  const model = await trainingModel(bytes, name)
  const step = await createSession(model.bytes, { device: 'cpu', threads: THREADS })
  const plain = await createSession(bytes, { device: 'cpu', threads: THREADS })
  const tensor = (dims, data) => ({ type: 'float32', dims, data })
  const size = batch * 3 * side * side
  const input = tensor(
    [batch, 3, side, side],
    Float32Array.from({ length: size }, (_, i) => Math.sin(12.9898 * i)),
  )
  const target = tensor(
    [batch, classes],
    Float32Array.from({ length: batch * classes }, (_, i) => Number(i % classes === 3)),
  )
  let carried = Object.fromEntries(model.carried.map((c) => [c.input, tensor(c.dims, c.initial)]))
  const rate = tensor([], Float32Array.of(0.01))
  const rivals = ['nchw', 'nhwc'].map((layout) => torch(name, layout))
  const jobs = [
    () => timed(() => plain.run({ input })),
    () =>
      timed(async () => {
        const found = await step.run({ [model.input]: input, target, rate, ...carried })
        carried = Object.fromEntries(model.carried.map((c) => [c.input, found[c.output]]))
      }),
    ...rivals.map((rival) => () => rival.ask('step')),
  ]
  const least = jobs.map(() => Number.POSITIVE_INFINITY)
  for (let r = 0; r <= REPETITIONS; r++)
    for (const [i, job] of jobs.entries()) {
      const time = await job()
      if (r > 0) least[i] = Math.min(least[i], time)
    }
  for (const rival of rivals) rival.end()
  await Promise.all([step.release(), plain.release()])
  const [forward, ours, nchw, nhwc] = least
  return [forward, ours, ours / forward, nchw, nhwc, Math.min(nchw, nhwc) / ours]
}

const [root, ...chosen] = process.argv.slice(2)
process.stdout.write(`${THREADS} threads, ms a step

| network | forward | step | ratio | PyTorch NCHW | channels last | times as fast |
|---|---|---|---|---|---|---|
`)
for (const name of chosen.length > 0 ? chosen : Object.keys(NETS)) {
  const cells = (await measure(root, name)).map((value) => value.toFixed(2))
  process.stdout.write(`| ${[name, ...cells].join(' | ')} |\n`)
}
