/**
 * Times steps of training beside PyTorch's, in turn, and forward passes of the classifier.
 *   npm run build && PYTHON=python3 node test/bench/training.js <folder for the networks> [net ...]
 * Milliseconds a step, the mean of as many as `train` makes in one run, least of REPETITIONS: of one thread (THREADS=1, the default) of the processor's time, which other load
 * on the machine disturbs less; of several the clock's. Peak memory is that of a process of its own, which makes steps alone.
 * OLDER=<dist of another build>: its steps, too, in turn with the others.
 */
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import readline from 'node:readline'
import { fileURLToPath } from 'node:url'

const DIST = fileURLToPath(new URL('../../dist', import.meta.url))
const OLDER = process.env.OLDER
const THREADS = Number(process.env.THREADS ?? 1)
const REPETITIONS = Number(process.env.REPETITIONS ?? 9)
const PYTHON = process.env.PYTHON ?? 'python3'
const TORCH = fileURLToPath(new URL('training.py', import.meta.url))
const GENERAL = fileURLToPath(new URL('../../models/general.onnx', import.meta.url))
/** Pictures of a batch, their side, classes. */
const NETS = {
  three: [64, 32, 10],
  resnet20: [128, 32, 10],
  resnet18: [8, 224, 1000],
  mobilenet_v2: [8, 224, 1000],
  general: [8, 224, 1000],
}
/** torch.compile takes minutes before its first step: COMPILE=0 leaves it out. */
const LAYOUTS = process.env.COMPILE === '0' ? ['nchw', 'nhwc'] : ['nchw', 'nhwc', 'compile']

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

/** Numbers without a pattern. */
function noise(count) {
  let state = 1
  return Float32Array.from({ length: count }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return (3.4 * state) / 2 ** 32 - 1.7
  })
}

/** Steps of one run of `train` on that many elements, of which one takes so many milliseconds. */
async function together(elements, batch, milliseconds) {
  const { paceOf, stepsTogether } = await import(path.resolve(DIST, 'train/trainer.js'))
  const pace = paceOf(stepsTogether({ fed: elements / batch }, batch))
  pace.took(1, milliseconds)
  return pace.steps
}

const tensor = (dims, data) => ({ type: 'float32', dims, data })

/** What so many steps on the same pictures are fed; null means one, without an axis of steps. */
function feedsOf(input, [batch, side, classes], pixels, steps) {
  const lead = steps === null ? [] : [steps]
  const repeated = (data) => Float32Array.from({ length: (steps ?? 1) * data.length }, (_, i) => data[i % data.length])
  const label = (row) => (7 * row) % 10
  const rows = Float32Array.from({ length: batch * classes }, (_, i) =>
    Number(i % classes === label(Math.floor(i / classes))),
  )
  return {
    [input]: tensor([...lead, batch, 3, side, side], repeated(pixels)),
    target: tensor([...lead, batch, classes], repeated(rows)),
    rate: tensor(lead, repeated(Float32Array.of(0.01))),
  }
}

/** What makes forward passes and steps, by the build in `dist`; that may be one that took what steps carry on from each. */
async function ours(root, name, dist = DIST) {
  const [{ createSession }, { stepRunner }, { trainingModel }] = await Promise.all(
    ['saliency/session.js', 'train/stepRunner.js', 'train/trainingModel.js'].map(
      (file) => import(path.resolve(dist, file)),
    ),
  )
  const [batch, side] = NETS[name]
  const file = name === 'general' ? GENERAL : path.join(root, `${name}.onnx`)
  if (!existsSync(file)) spawnSync(PYTHON, [TORCH, 'export', root, name], { stdio: 'ignore' })
  const bytes = new Uint8Array(readFileSync(file))
  const model = await trainingModel(bytes, name, name === 'general' ? { size: { width: side, height: side } } : {})
  const runner = stepRunner(model, THREADS)
  // For `general` the float32 network that is trained, whose forward pass is faster than that of the int8 one.
  const starting = new Map(model.carried.filter((c) => c.kind !== 'state').map((c) => [c.name, c.initial]))
  const plain = await createSession(model.evaluation(starting), { device: 'cpu', threads: THREADS })
  const pixels = noise(batch * 3 * side * side)
  const feedsFor = (count) => feedsOf(model.input, NETS[name], pixels, runner.restore ? count : null)
  let carried = Object.fromEntries(model.carried.map((c) => [c.input, tensor(c.dims, c.initial)]))
  let steps = 1
  let fixed = feedsFor(1)
  async function step() {
    if (runner.restore) return (await runner.run(batch, fixed)).keep()
    for (let i = 0; i < steps; i++) {
      const found = await runner.run(batch, { ...fixed, ...carried })
      carried = Object.fromEntries(model.carried.map((c) => [c.input, found[c.output]]))
    }
  }
  await step()
  const began = performance.now()
  await step()
  steps = await together(pixels.length, batch, performance.now() - began)
  fixed = feedsFor(steps)
  return {
    steps,
    forward: () => plain.run({ [model.input]: tensor([batch, 3, side, side], pixels) }),
    step,
    release: () => Promise.all([runner.release(), plain.release()]),
  }
}

async function measure(root, name) {
  const { steps, forward, step, release } = await ours(root, name)
  const older = OLDER ? await ours(root, name, OLDER) : { steps: 1, step: async () => {}, release: async () => {} }
  const rivals = LAYOUTS.map((layout) => torch(name, layout))
  const jobs = [
    () => timed(forward),
    async () => (await timed(step)) / steps,
    async () => (await timed(older.step)) / older.steps,
    ...rivals.map((rival) => () => rival.ask(steps)),
  ]
  const least = jobs.map(() => Number.POSITIVE_INFINITY)
  for (let r = -1; r < REPETITIONS; r++)
    for (const [i, job] of jobs.entries()) {
      const time = await job()
      if (r >= 0) least[i] = Math.min(least[i], time)
    }
  const [pass, ours_, before, nchw, nhwc, compiled = Number.NaN] = least
  const theirs = Math.min(...(await Promise.all(rivals.slice(0, 2).map((rival) => rival.ask('peak')))))
  for (const rival of rivals) rival.end()
  await release()
  await older.release()
  const script = fileURLToPath(import.meta.url)
  const { stdout } = spawnSync(process.execPath, [script, 'peak', root, name], { env: process.env })
  const times = [
    pass,
    ours_,
    ours_ / pass,
    OLDER ? before : Number.NaN,
    nchw,
    nhwc,
    compiled,
    Math.min(nchw, nhwc) / ours_,
  ]
  return [...times, Number(stdout), theirs]
}

/** Peak memory of this process after steps, in MiB. */
async function peak(root, name) {
  const { step, release } = await ours(root, name)
  for (let i = 0; i < 3; i++) await step()
  process.stdout.write(`${process.resourceUsage().maxRSS / 1024}`)
  await release()
}

const [root, ...chosen] = process.argv.slice(2)
if (root === 'peak') await peak(...chosen)
else {
  process.stdout.write(`${THREADS} threads, ms a step, least of ${REPETITIONS}

| network | forward | step | step / forward | older | PyTorch NCHW | channels last | compiled | times as fast | MiB | PyTorch |
|---|---|---|---|---|---|---|---|---|---|---|
`)
  for (const name of chosen.length > 0 ? chosen : Object.keys(NETS)) {
    const cells = (await measure(root, name)).map((value) => (value < 10 ? value.toFixed(2) : value.toFixed(0)))
    process.stdout.write(`| ${[name, ...cells].join(' | ')} |\n`)
  }
}
