/**
 * Times the differentiated model against the plain one, and both against PyTorch's forward pass and forward + input gradient.
 *   npm run build && node test/bench/gradients.js <folder of models> [name ...]
 * Each subfolder holds model.onnx and meta.json as shared/oracle/export_models.py writes them, or for resnet20
 * `gradients.py export <folder of models>`. PyTorch is left out where /usr/bin/python3 has no torchvision. Runs alternate
 * in one process; each figure is the least time of the repetitions per image: of one thread (THREADS=1) its CPU time, which
 * other load on the machine disturbs less; of several (2 by default) the clock's, since they spin while they wait.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { gradientModel } from '../../dist/saliency/gradientModel.js'
import { createSession } from '../../dist/saliency/session.js'

const THREADS = Number(process.env.THREADS ?? 2)
const BATCH = Number(process.env.BATCH ?? 4)
const REPETITIONS = 11
const TORCH = fileURLToPath(new URL('gradients.py', import.meta.url))

const seconds = () => {
  const { user, system } = process.cpuUsage()
  return THREADS === 1 ? (user + system) / 1e6 : performance.now() / 1000
}

/** Milliseconds an image of each of the jobs, run in turn. */
async function alternate(jobs) {
  const times = jobs.map(() => [])
  for (const job of jobs) await job()
  for (let r = 0; r < REPETITIONS; r++) {
    for (const [i, job] of jobs.entries()) {
      const start = seconds()
      await job()
      times[i].push(((seconds() - start) * 1000) / BATCH)
    }
  }
  return times.map((values) => Math.min(...values))
}

function feedsFor(meta) {
  const [, ...sizes] = meta.tensors.input.shape
  const size = sizes.reduce((a, b) => a * b)
  const classes = meta.num_classes
  const picture = Float32Array.from({ length: BATCH * size }, (_, i) => 1.5 * Math.sin(12.9898 * i))
  const target = Float32Array.from({ length: BATCH * classes }, (_, i) => (i % classes === 3 ? 1 : 0))
  return {
    input: { type: 'float32', dims: [BATCH, ...sizes], data: picture },
    target: { type: 'float32', dims: [BATCH, classes], data: target },
  }
}

/** PyTorch's own two figures for a torchvision model, or undefined. */
function torchTimes(name, size) {
  const settings = [name, BATCH, THREADS, REPETITIONS, size].map(String)
  const { status, stdout } = spawnSync('/usr/bin/python3', [TORCH, ...settings], { encoding: 'utf8' })
  return status === 0 ? JSON.parse(stdout) : undefined
}

async function measure(root, name) {
  const folder = path.join(root, name)
  const meta = JSON.parse(readFileSync(path.join(folder, 'meta.json'), 'utf8'))
  const bytes = readFileSync(path.join(folder, 'model.onnx'))
  const start = performance.now()
  const differentiated = await gradientModel(bytes, name)
  const sessions = [bytes, differentiated].map((b) => createSession(b, { device: 'cpu', threads: THREADS }))
  const [plain, gradient] = await Promise.all(sessions)
  const ready = (performance.now() - start) / 1000
  const { input, target } = feedsFor(meta)
  const [forward, both] = await alternate([
    () => plain.run({ [meta.input_name]: input }),
    () => gradient.run({ [meta.input_name]: input, target }),
  ])
  await Promise.all([plain.release(), gradient.release()])
  const torch = torchTimes(name, meta.tensors.input.shape[2])
  return [name, ready, forward, both, both / forward, torch?.forward, torch?.gradient, torch && torch.gradient / both]
}

const [root, ...chosen] = process.argv.slice(2)
const names = chosen.length > 0 ? chosen : readdirSync(root).filter((n) => existsSync(path.join(root, n, 'meta.json')))
process.stdout.write(`batch ${BATCH}, ${THREADS} threads, ms an image

| model | ready, s | forward | with gradient | ratio | PyTorch forward | PyTorch with gradient | times faster |
|---|---|---|---|---|---|---|---|
`)
for (const name of names) {
  const cells = (await measure(root, name)).map((v) => (typeof v === 'number' ? v.toFixed(2) : (v ?? 'no PyTorch')))
  process.stdout.write(`| ${cells.join(' | ')} |\n`)
}
