/** A single-channel float map, row-major: pixel (x, y) is `data[y * width + x]`. Saliency maps and masks are planes. */
export interface Plane {
  readonly data: Float32Array
  readonly width: number
  readonly height: number
}

/** Bilinear resampling to width x height, pixel centres at half integers, edges repeated; values stay within their range. */
export function resample(plane: Plane, width: number, height: number): Plane {
  if (plane.width === width && plane.height === height) return plane
  return interpolated(plane, bilinearTaps(plane.width, width, 1), bilinearTaps(plane.height, height, 1))
}

/** The same for the middle part, `columns` and `rows` (above 0, at most 1) of the sides, on the plane's own grid. */
export function centre(plane: Plane, columns: number, rows: number): Plane {
  if (columns === 1 && rows === 1) return plane
  const { width, height } = plane
  return interpolated(plane, bilinearTaps(width, width, columns), bilinearTaps(height, height, rows))
}

/** A plane of no negative values divided by their sum; null where that is 0. */
export function normalised({ data, width, height }: Plane): Plane | null {
  let sum = 0
  for (let i = 0; i < data.length; i++) sum += data[i]!
  return sum > 0 ? { data: data.map((value) => value / sum), width, height } : null
}

/** The plane of the same size that is equal everywhere and sums to 1. */
export function flat({ data, width, height }: Plane): Plane {
  return { data: new Float32Array(data.length).fill(1 / data.length), width, height }
}

interface Taps {
  readonly low: Int32Array
  readonly high: Int32Array
  readonly weight: Float64Array
}

function interpolated(plane: Plane, columns: Taps, rows: Taps): Plane {
  const [width, height] = [columns.low.length, rows.low.length]
  const data = new Float32Array(width * height)
  for (let y = 0; y < height; y++) {
    const top = rows.low[y]! * plane.width
    const bottom = rows.high[y]! * plane.width
    const v = rows.weight[y]!
    for (let x = 0; x < width; x++) {
      const left = columns.low[x]!
      const right = columns.high[x]!
      const u = columns.weight[x]!
      const above = plane.data[top + left]! * (1 - u) + plane.data[top + right]! * u
      const below = plane.data[bottom + left]! * (1 - u) + plane.data[bottom + right]! * u
      data[y * width + x] = above * (1 - v) + below * v
    }
  }
  return { data, width, height }
}

/**
 * For each of `to` target pixels, spread over `share` of the `from` source pixels in the middle, the two of these it lies
 * between, and the weight of the second.
 */
function bilinearTaps(from: number, to: number, share: number): Taps {
  const low = new Int32Array(to)
  const high = new Int32Array(to)
  const weight = new Float64Array(to)
  const start = (from * (1 - share)) / 2
  for (let i = 0; i < to; i++) {
    const position = Math.min(Math.max(start + ((i + 0.5) * share * from) / to - 0.5, 0), from - 1)
    low[i] = Math.floor(position)
    high[i] = Math.min(low[i]! + 1, from - 1)
    weight[i] = position - low[i]!
  }
  return { low, high, weight }
}

/** Mean of the map, accumulated in double. */
export function mean({ data }: Plane): number {
  let sum = 0
  for (let i = 0; i < data.length; i++) sum += data[i]!
  return sum / data.length
}
