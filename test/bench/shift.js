/**
 * Milliseconds of the best shift per pair, one thread, beside the definition (brute force over all shifts) on the same
 * pairs in the same run: `npm run bench:shift`, or on another build: node test/bench/shift.js <folder>.
 * Times are processor time, so that other work on the machine counts less; each pair is timed in several turns and
 * counts with its fastest. Brute force runs every k-th shift. The last column, at 32 x 32, is the official way in PyTorch,
 * run by `python3` or what the environment's PYTHON says.
 */
import { spawnSync } from 'node:child_process'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { gradientMaps, saliencyMaps } from './shiftMaps.js'

const folder = path.resolve(process.argv[2] ?? 'dist')
const load = (name) => import(pathToFileURL(path.join(folder, name)).href)
const { searchShift } = await load('rearrange/bestShift.js')
const { simdKernel } = await load('rearrange/simdKernel.js')
const { PlainKernel } = await load('rearrange/plainKernel.js')
const { gain } = await load('rearrange/totalSaliency.js')

/** Brute force of a pair takes `step` times as long as what is timed of it. */
const CASES = [
  { side: 32, pairs: 16, rounds: 6, repeats: 10, step: 1, maps: saliencyMaps },
  { side: 64, pairs: 16, rounds: 6, repeats: 3, step: 7, maps: saliencyMaps },
  { side: 128, pairs: 16, rounds: 4, repeats: 1, step: 97, maps: saliencyMaps },
  { side: 224, pairs: 16, rounds: 4, repeats: 1, step: 797, maps: saliencyMaps },
  { side: 1024, pairs: 3, rounds: 2, repeats: 1, step: 40009, maps: gradientMaps },
]

function bruteForce(a, b, side, step) {
  const columns = 2 * side - 1
  let best = 0
  for (let i = 0; i < columns * columns; i += step) {
    best = Math.max(best, gain(a, b, side, side, (i % columns) + 1 - side, Math.floor(i / columns) + 1 - side))
  }
  return best
}

/** Processor time of `work`, the mean of `repeats`. */
function milliseconds(repeats, work) {
  const start = process.cpuUsage()
  for (let i = 0; i < repeats; i++) work()
  const { user, system } = process.cpuUsage(start)
  return (user + system) / 1000 / repeats
}

/** Milliseconds a pair of the official way at 1 %, or undefined without PyTorch. */
function officialWay(pairs, side) {
  const python = process.env.PYTHON ?? 'python3'
  const input = Buffer.concat([0, 1].flatMap((which) => pairs.map((pair) => Buffer.from(pair[which].buffer))))
  const script = path.join(import.meta.dirname, 'sampled_shift.py')
  const { status, stdout, stderr } = spawnSync(python, [script, String(side)], { input })
  if (status === 0) return Number(stdout)
  process.stderr.write(`no times of the official way: ${String(stderr).trim().split('\n').at(-1)} (${python})\n`)
}

const simd = simdKernel()
const plain = new PlainKernel()

function timePair([a, b], { side, rounds, repeats, step }) {
  const fastest = { simd: Infinity, plain: Infinity, brute: Infinity }
  const time = (name, times, work) => {
    fastest[name] = Math.min(fastest[name], milliseconds(times, work))
  }
  for (let round = 0; round < rounds; round++) {
    time('simd', repeats, () => searchShift(simd, a, b, side, side))
    time('plain', Math.ceil(repeats / 2), () => searchShift(plain, a, b, side, side))
    if (round % 2 === 0) time('brute', 1 / step, () => bruteForce(a, b, side, step))
  }
  return fastest
}

const format = (value) => (value < 10 ? value.toPrecision(2) : value.toFixed(0))
process.stdout.write(
  '| size | alpha | SIMD | worst | plain | worst | brute force | SIMD is faster | plain / SIMD | 1 %, PyTorch |\n',
)
process.stdout.write(`|${'---|'.repeat(10)}\n`)
for (const bench of CASES) {
  const { side, pairs: count } = bench
  const maps = await bench.maps(folder, side, count)
  for (const alpha of [0.1, 0.3, 0.5]) {
    const pairs = maps.map((map, i) => [
      map.map((value) => alpha * value),
      maps[(i + 2) % count].map((value) => (1 - alpha) * value),
    ])
    const times = pairs.map((pair) => timePair(pair, bench))
    const sorted = (name) => times.map((time) => time[name]).sort((p, q) => p - q)
    const median = (name) => sorted(name)[count >> 1]
    const worst = (name) => sorted(name).at(-1)
    const official = side === 32 ? officialWay(pairs, side) : undefined
    const cells = [
      side,
      alpha,
      ...[median('simd'), worst('simd'), median('plain'), worst('plain'), median('brute')].map(format),
      Math.round(median('brute') / median('simd')),
      (median('plain') / median('simd')).toFixed(1),
      official === undefined ? '' : format(official),
    ]
    process.stdout.write(`| ${cells.join(' | ')} |\n`)
  }
}
