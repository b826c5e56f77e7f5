import { expect, test } from 'vitest'
import { blockSums } from '../../src/mix/blocks.js'
import { spectralResidual } from '../../src/mix/spectralResidual.js'
import { noise } from './pictures.js'

const N = 64

/** The two-dimensional transform by its definition, rows then columns. */
function dft(re: number[], im: number[], sign: number): [number[], number[]] {
  const along = (re: number[], im: number[], step: number, stride: number): [number[], number[]] => {
    const [outRe, outIm] = [new Array<number>(N * N).fill(0), new Array<number>(N * N).fill(0)]
    for (let line = 0; line < N; line++) {
      for (let k = 0; k < N; k++) {
        for (let i = 0; i < N; i++) {
          const angle = (sign * 2 * Math.PI * k * i) / N
          const at = line * stride + i * step
          outRe[line * stride + k * step]! += re[at]! * Math.cos(angle) - im[at]! * Math.sin(angle)
          outIm[line * stride + k * step]! += re[at]! * Math.sin(angle) + im[at]! * Math.cos(angle)
        }
      }
    }
    return [outRe, outIm]
  }
  const [rowRe, rowIm] = along(re, im, 1, N)
  return along(rowRe, rowIm, N, 1)
}

/** The mean of `map` under a (2 reach + 1)^2 window of weights w(dx) w(dy), edges repeated. */
function windowed(map: number[], reach: number, weight: (d: number) => number): number[] {
  const clamp = (i: number) => Math.min(Math.max(i, 0), N - 1)
  return map.map((_, at) => {
    let [sum, total] = [0, 0]
    for (let dy = -reach; dy <= reach; dy++) {
      for (let dx = -reach; dx <= reach; dx++) {
        const w = weight(dx) * weight(dy)
        sum += w * map[clamp(Math.floor(at / N) + dy) * N + clamp((at % N) + dx)]!
        total += w
      }
    }
    return sum / total
  })
}

test('the spectral residual of a 64 x 64 picture is the definition', () => {
  const image = noise(N, N, 3)
  const grey = Array.from(
    { length: N * N },
    (_, i) => (image.data[3 * i]! + image.data[3 * i + 1]! + image.data[3 * i + 2]!) / 3,
  )
  const [re, im] = dft(grey, new Array<number>(N * N).fill(0), -1)
  const log = re.map((value, i) => Math.log(Math.hypot(value, im[i]!)))
  const smooth = windowed(log, 1, () => 1)
  const residual = log.map((value, i) => Math.exp(value - smooth[i]!))
  const phase = re.map((value, i) => Math.atan2(im[i]!, value))
  const [backRe, backIm] = dft(
    residual.map((r, i) => r * Math.cos(phase[i]!)),
    residual.map((r, i) => r * Math.sin(phase[i]!)),
    1,
  )
  const expected = windowed(
    backRe.map((value, i) => value * value + backIm[i]! * backIm[i]!),
    5,
    (d) => Math.exp(-(d * d) / (2 * 2.5 * 2.5)),
  )
  const { data, width, height } = spectralResidual(image)
  expect([width, height]).toEqual([N, N])
  const greatest = Math.max(...expected)
  expect(data.reduce((most, value, i) => Math.max(most, Math.abs(value - expected[i]!)), 0)).toBeLessThan(
    1e-5 * greatest,
  )
})

test('what breaks a pattern stands out, on a picture that is not square', () => {
  const [width, height] = [150, 100]
  const data = new Uint8Array(width * height * 3)
  for (let i = 0; i < width * height; i++) {
    const [x, y] = [i % width, Math.floor(i / width)]
    const odd = x >= 100 && x < 112 && y >= 24 && y < 36
    data.fill((odd ? Math.floor(y / 3) : Math.floor(x / 5)) % 2 ? 200 : 50, 3 * i, 3 * i + 3)
  }
  const map = spectralResidual({ data, width, height }).data
  const peak = map.indexOf(Math.max(...map))
  const [x, y] = [((peak % N) * width) / N, (Math.floor(peak / N) * height) / N]
  expect(x).toBeGreaterThan(94)
  expect(x).toBeLessThan(118)
  expect(y).toBeGreaterThan(18)
  expect(y).toBeLessThan(42)
})

/** A chequered picture with a disc, by numpy and scipy, as sums of 8 x 8 cells over the total: np.fft.fft2,
 * ndimage.uniform_filter(log amplitude, 3), ndimage.gaussian_filter(power, 2.5, radius=5), mode 'nearest' both. */
const OF_SCIPY = [
  [0.01237, 0.01074, 0.01083, 0.01079, 0.01079, 0.01054, 0.01059, 0.01293],
  [0.00949, 0.0078, 0.00847, 0.00988, 0.04057, 0.03639, 0.01005, 0.00974],
  [0.00867, 0.0082, 0.00929, 0.01919, 0.05488, 0.05725, 0.03468, 0.01154],
  [0.01121, 0.00892, 0.01004, 0.02625, 0.04797, 0.05594, 0.03986, 0.01103],
  [0.01122, 0.00892, 0.00942, 0.01143, 0.03409, 0.03493, 0.0139, 0.01116],
  [0.00969, 0.00775, 0.00818, 0.00794, 0.00914, 0.01, 0.00859, 0.01002],
  [0.00972, 0.00791, 0.0079, 0.00803, 0.00811, 0.0084, 0.00815, 0.0097],
  [0.01305, 0.01057, 0.01065, 0.01063, 0.01037, 0.01011, 0.01101, 0.01241],
]

test('the spectral residual of a disc on a chequered ground is that of numpy and scipy', () => {
  const [width, height] = [96, 80]
  const data = new Uint8Array(width * height * 3)
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const ground = ((x >> 3) + (y >> 3)) % 2 === 1 ? 100 : 60
      const value = (x - 60) ** 2 + (y - 30) ** 2 <= 144 ? 220 : ground
      data.set([value, value + 10, value - 20], 3 * (y * width + x))
    }
  }
  const sums = blockSums(spectralResidual({ data, width, height }), 8, 8)
  const total = sums.reduce((a, b) => a + b, 0)
  const expected = OF_SCIPY.flat()
  for (const [i, sum] of sums.entries()) expect(Math.abs(sum / total - expected[i]!)).toBeLessThan(1e-5)
})
