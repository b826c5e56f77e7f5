/** What a network sees of a picture in one epoch: a random crop, mirrored or not, in other colours. */
import { resample, TRIANGLE } from '../codec/resample.js'
import type { Image } from '../core/image.js'
import type { Random } from '../core/random.js'

export interface ViewOptions {
  /** 'padded': moved by up to an eighth of the side, mirrored at the edge; 'resized': 35 to 100 % of the area, resized. */
  readonly crop: 'padded' | 'resized' | 'none'
  /** Mirrored half of the time. */
  readonly flip: boolean
  /** Brightness, contrast and saturation times 1 - jitter to 1 + jitter, 0 to 1. */
  readonly jitter: number
}

/** Share of the side by which a padded crop moves at most: 4 of the 32 pixels of CIFAR. */
const PADDING = 1 / 8

/** Least area of a resized crop, as a share, and its largest ratio of sides. */
const [LEAST_AREA, MOST_RATIO] = [0.35, 4 / 3]

/** A view of `image`, of the same size. */
export function randomView(image: Image, { crop, flip, jitter }: ViewOptions, random: Random): Image {
  let view = image
  if (crop === 'padded') view = moved(view, random)
  if (crop === 'resized') view = resizedCrop(view, random)
  if (flip && random.uniform() < 0.5) view = mirrored(view)
  return jitter > 0 ? recoloured(view, jitter, random) : view
}

/** Pixel (x, y) of the result is pixel `from(x, y)` of the image. */
function picked({ data, width, height }: Image, column: (x: number) => number, row: (y: number) => number): Image {
  const result = new Uint8Array(data.length)
  for (let y = 0; y < height; y++) {
    const line = row(y) * width
    for (let x = 0; x < width; x++) {
      const [to, from] = [3 * (y * width + x), 3 * (line + column(x))]
      result[to] = data[from]!
      result[to + 1] = data[from + 1]!
      result[to + 2] = data[from + 2]!
    }
  }
  return { data: result, width, height }
}

const mirrored = (image: Image) =>
  picked(
    image,
    (x) => image.width - 1 - x,
    (y) => y,
  )

/** Index i of a line of `length` elements that is mirrored at both ends, which are not repeated. */
function reflected(i: number, length: number): number {
  if (length === 1) return 0
  const period = 2 * length - 2
  const place = ((i % period) + period) % period
  return place < length ? place : period - place
}

function moved(image: Image, random: Random): Image {
  const [most, lowest] = [image.width, image.height].map((side) => Math.max(1, Math.round(side * PADDING)))
  const [dx, dy] = [random.integer(-most!, most!), random.integer(-lowest!, lowest!)]
  return picked(
    image,
    (x) => reflected(x + dx, image.width),
    (y) => reflected(y + dy, image.height),
  )
}

function resizedCrop(image: Image, random: Random): Image {
  const { width, height } = image
  const area = LEAST_AREA + (1 - LEAST_AREA) * random.uniform()
  const ratio = MOST_RATIO ** (2 * random.uniform() - 1)
  const box = {
    width: Math.min(width, width * Math.sqrt(area * ratio)),
    height: Math.min(height, height * Math.sqrt(area / ratio)),
  }
  const left = (width - box.width) * random.uniform()
  const top = (height - box.height) * random.uniform()
  return resample(image, { left, top, ...box }, width, height, TRIANGLE)
}

/** ITU-R 601. */
const LUMA = [0.299, 0.587, 0.114] as const

function recoloured({ data, width, height }: Image, jitter: number, random: Random): Image {
  const factor = () => 1 + jitter * (2 * random.uniform() - 1)
  const [brightness, contrast, saturation] = [factor(), factor(), factor()]
  const grey = (at: number) => LUMA[0] * data[at]! + LUMA[1] * data[at + 1]! + LUMA[2] * data[at + 2]!
  let sum = 0
  for (let at = 0; at < data.length; at += 3) sum += grey(at)
  const mean = (brightness * sum) / (width * height)
  // A clamped array rounds to the nearest and limits to 0 and 255.
  const result = new Uint8ClampedArray(data.length)
  for (let at = 0; at < data.length; at += 3) {
    const luma = grey(at)
    for (let channel = at; channel < at + 3; channel++) {
      const saturated = luma + saturation * (data[channel]! - luma)
      result[channel] = mean + contrast * (brightness * saturated - mean)
    }
  }
  return { data: new Uint8Array(result.buffer), width, height }
}
