/** A single-channel float map, row-major: pixel (x, y) is `data[y * width + x]`. Saliency maps and masks are planes. */
export interface Plane {
  readonly data: Float32Array
  readonly width: number
  readonly height: number
}

/** Bilinear resampling to width x height, pixel centres at half integers, edges repeated; values stay within their range. */
export function resample(plane: Plane, width: number, height: number): Plane {
  if (plane.width === width && plane.height === height) return plane
  const data = new Float32Array(width * height)
  const columns = bilinearTaps(plane.width, width)
  const rows = bilinearTaps(plane.height, height)
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

/** For each of `to` target pixels the two source pixels (of `from`) it lies between, and the weight of the second. */
function bilinearTaps(from: number, to: number): { low: Int32Array; high: Int32Array; weight: Float64Array } {
  const low = new Int32Array(to)
  const high = new Int32Array(to)
  const weight = new Float64Array(to)
  for (let i = 0; i < to; i++) {
    const position = Math.min(Math.max(((i + 0.5) * from) / to - 0.5, 0), from - 1)
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
