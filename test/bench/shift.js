/**
 * Milliseconds of the best shift per pair, one thread, beside the definition (brute force over all shifts) on the same
 * pairs in the same run: `npm run bench:shift`, or on another build: node test/bench/shift.js <folder>.
 * Times are processor time, so that other work on the machine counts less; each pair is timed in several turns and
 * counts with its fastest. Printed are the median and the worst pair. Maps are |gradient| of the pictures in
 * fixtures/photos and fixtures/fashion-mnist, blurred, else of smooth random fields. Brute force runs every k-th shift.
 */
import { existsSync, readdirSync } from 'node:fs'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import sharp from 'sharp'

const folder = path.resolve(process.argv[2] ?? 'dist')
const load = (name) => import(pathToFileURL(path.join(folder, name)).href)
const { searchShift } = await load('rearrange/bestShift.js')
const { simdKernel } = await load('rearrange/simdKernel.js')
const { plainKernel } = await load('rearrange/plainKernel.js')
const { gain } = await load('rearrange/totalSaliency.js')
const { randomStream } = await load('core/random.js')

const PAIRS = 16
const ROUNDS = 6
const PICTURES = ['fixtures/photos', 'fixtures/fashion-mnist']

/** Noise of four octaves: a picture with structure at every scale. */
async function randomField(side, index) {
  const random = randomStream(1, index)
  const field = new Float32Array(side * side)
  for (const [octave, cells] of [4, 8, 16, 32].entries()) {
    const noise = Uint8Array.from({ length: cells * cells }, () => 256 * random.uniform())
    const raw = { raw: { width: cells, height: cells, channels: 1 } }
    const smooth = await sharp(noise, raw).resize(side, side, { kernel: 'cubic' }).extractChannel(0).raw().toBuffer()
    for (let i = 0; i < field.length; i++) field[i] += smooth[i] / 2 ** octave
  }
  return field
}

async function picture(side, index, files) {
  if (files.length === 0) return randomField(side, index)
  const file = files[(index * 7) % files.length]
  return Float32Array.from(await sharp(file).resize(side, side, { fit: 'fill' }).greyscale().raw().toBuffer())
}

/** |gradient|, 3 x 3 box blurred, on a faint ground, summing to `weight`. */
function saliency(field, side, weight) {
  const at = (map, x, y) => map[Math.min(side - 1, Math.max(0, y)) * side + Math.min(side - 1, Math.max(0, x))]
  const place = (f) => Float32Array.from({ length: side * side }, (_, i) => f(i % side, Math.floor(i / side)))
  const gradient = place(
    (x, y) =>
      Math.abs(at(field, x + 1, y) - at(field, x - 1, y)) + Math.abs(at(field, x, y + 1) - at(field, x, y - 1)) + 0.1,
  )
  const blurred = place((x, y) => {
    let sum = 0
    for (let i = -1; i <= 1; i++) for (let j = -1; j <= 1; j++) sum += at(gradient, x + i, y + j)
    return sum
  })
  const sum = blurred.reduce((total, value) => total + value, 0)
  return blurred.map((value) => (weight * value) / sum)
}

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

const pictures = PICTURES.filter(existsSync).flatMap((folder) =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.(png|jpe?g)$/.test(name))
    .sort()
    .map((name) => path.join(folder, name)),
)
const simd = simdKernel()
const plain = plainKernel()
process.stdout.write(`| size | alpha | SIMD: median | worst | plain: median | brute force | SIMD is faster |\n`)
process.stdout.write('|---|---|---|---|---|---|---|\n')
for (const side of [32, 64, 128, 224]) {
  const step = { 32: 1, 64: 7, 128: 97, 224: 797 }[side]
  const repeats = Math.ceil(10 * (32 / side) ** 2)
  const fields = await Promise.all(Array.from({ length: 2 * PAIRS }, (_, i) => picture(side, i, pictures)))
  for (const alpha of [0.1, 0.3, 0.5]) {
    const times = { simd: [], plain: [], brute: [] }
    for (let i = 0; i < PAIRS; i++) {
      const a = saliency(fields[i], side, alpha)
      const b = saliency(fields[i + PAIRS], side, 1 - alpha)
      const fastest = { simd: Infinity, plain: Infinity, brute: Infinity }
      const time = (name, times, work) => {
        fastest[name] = Math.min(fastest[name], milliseconds(times, work))
      }
      for (let round = 0; round < ROUNDS; round++) {
        time('simd', repeats, () => searchShift(simd, a, b, side, side))
        if (round % 2 === 0) time('plain', Math.ceil(repeats / 4), () => searchShift(plain, a, b, side, side))
        if (i < 5 && round % 2 === 0) time('brute', 1 / step, () => bruteForce(a, b, side, step))
      }
      times.simd.push(fastest.simd)
      times.plain.push(fastest.plain)
      if (i < 5) times.brute.push(fastest.brute)
    }
    const sorted = (list) => list.sort((p, q) => p - q)
    const median = (list) => sorted(list)[list.length >> 1]
    const faster = Math.round(median(times.brute) / median(times.simd))
    const row = [median(times.simd), sorted(times.simd).at(-1), median(times.plain), median(times.brute)]
    process.stdout.write(
      `| ${side} | ${alpha} | ${row.map((value) => (value < 10 ? value.toPrecision(2) : value.toFixed(0))).join(' | ')} | ${faster} |\n`,
    )
  }
}
