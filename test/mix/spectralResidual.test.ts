import { expect, test } from 'vitest'
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
