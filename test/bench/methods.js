/**
 * Milliseconds of processor time (all threads of the process, garbage collection with it) per output of every method at
 * 32 x 32 and 224 x 224, saliency excluded. In every round every method mixes the same pictures, one method after the
 * other; the figures are the medians over the rounds of the time and of its ratio to SAGE's in the same round, which other
 * work on the machine hardly moves. Run it on a build:
 *   npm run build && node test/bench/methods.js [folder of the build, default dist]
 */
import path from 'node:path'
import { pathToFileURL } from 'node:url'

const folder = path.resolve(process.argv[2] ?? 'dist')
const load = (name) => import(pathToFileURL(path.join(folder, name)).href)
const { methods, defaultParameters } = await load('mix/index.js')
const { randomStream } = await load('core/random.js')

/** The first rounds are not counted: code is compiled while it runs. */
const WARM_UP = 5
const ROUNDS = 15
/** Extra parameters where the table cannot have a default, and the detector that brings its own saliency. */
const VARIANTS = [
  ['sage', { shift: 'exact' }],
  ['mixup', {}],
  ['cutmix', {}],
  ['smoothmix', {}],
  ['saliencymix', {}],
  ['saliencymix', { detector: 'spectral-residual' }],
  ['puzzlemix', {}],
  ['puzzlemix', { blocks: 16 }],
  ['comixup', {}],
]

/** Smooth pictures with hills of saliency: as classifiers give, a few salient places over a noisy floor. */
function picture(side, seed) {
  const random = randomStream(seed, 0)
  const hills = Array.from({ length: 3 }, () => [
    random.uniform() * side,
    random.uniform() * side,
    side * (0.05 + 0.1 * random.uniform()),
  ])
  const data = new Uint8Array(side * side * 3)
  const map = new Float32Array(side * side)
  let sum = 0
  for (let i = 0; i < map.length; i++) {
    const [x, y] = [i % side, Math.floor(i / side)]
    let value = 0.05 * random.uniform()
    for (const [cx, cy, sigma] of hills) value += Math.exp(-((x - cx) ** 2 + (y - cy) ** 2) / (2 * sigma * sigma))
    map[i] = value
    sum += value
    for (let c = 0; c < 3; c++)
      data[3 * i + c] = 255 * Math.min(1, value * (0.4 + 0.3 * c)) + random.integer(0, 20) * 0.5
  }
  return {
    image: { data, width: side, height: side },
    saliency: { data: map.map((value) => value / sum), width: side, height: side },
  }
}

function millisecondsPerOutput(name, more, pictures, turn) {
  const method = methods[name]
  const parameters = { ...defaultParameters(name), ...more }
  const before = process.cpuUsage()
  let outputs = 0
  if ('mixGroup' in method) outputs = method.mixGroup(pictures, parameters, randomStream(turn, 0)).length
  else
    for (; outputs < pictures.length; outputs++) {
      const pair = [pictures[outputs], pictures[(outputs + 1) % pictures.length]]
      method.mix(pair, parameters, randomStream(turn, outputs))
    }
  const { user, system } = process.cpuUsage(before)
  return (user + system) / 1000 / outputs
}

function median(values) {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)]
}

for (const side of [32, 224]) {
  const pictures = Array.from({ length: 20 }, (_, seed) => picture(side, seed))
  const rounds = Array.from({ length: WARM_UP + ROUNDS }, (_, turn) =>
    VARIANTS.map(([name, more]) => millisecondsPerOutput(name, more, pictures, turn)),
  ).slice(WARM_UP)
  process.stdout.write(`${side} x ${side}, CPU ms per output (times SAGE)\n`)
  VARIANTS.forEach(([name, more], i) => {
    const label = [name, ...Object.values(more)].join(' ').padEnd(30)
    const time = median(rounds.map((times) => times[i])).toFixed(3)
    const ratio = median(rounds.map((times) => times[i] / times[0])).toFixed(2)
    process.stdout.write(`  ${label} ${time.padStart(9)}  ${ratio.padStart(7)}\n`)
  })
}
