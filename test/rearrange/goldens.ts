import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** One pair of a golden case, with what the official code made of it; index of `totals`: [dy + H - 1][dx + W - 1]. */
export interface GoldenPair {
  readonly name: string
  readonly width: number
  readonly height: number
  readonly alpha: number
  readonly a: Float32Array
  readonly b: Float32Array
  readonly dx: number
  readonly dy: number
  readonly totals: Float64Array
  readonly mask: Float32Array
  readonly lambda: number
}

function bytes(folder: string, name: string): ArrayBuffer {
  return new Uint8Array(readFileSync(join(folder, name))).buffer
}

function weighted(map: Float32Array, weight: number): Float32Array {
  const sum = map.reduce((total, value) => total + value, 0)
  return map.map((value) => (weight * value) / sum)
}

/** All pairs of all cases in `folder`; none where it does not exist. */
export function readGoldens(folder: string): GoldenPair[] {
  if (!existsSync(folder)) return []
  const cases = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory())
  return cases.flatMap(({ name }) => {
    const place = join(folder, name)
    const { W: width, H: height, alpha } = JSON.parse(readFileSync(join(place, 'case.json'), 'utf8'))
    const saliency = new Float32Array(bytes(place, 'saliency.bin'))
    const tau = new Int32Array(bytes(place, 'tau_f64.bin'))
    const totals = new Float64Array(bytes(place, 'v_f64.bin'))
    const masks = new Float32Array(bytes(place, 'M.bin'))
    const lambda = new Float64Array(bytes(place, 'lambda_f64.bin'))
    const plane = (planes: Float32Array, i: number) => planes.slice(i * width * height, (i + 1) * width * height)
    const shifts = (2 * width - 1) * (2 * height - 1)
    return [...new Int32Array(bytes(place, 'perm.bin'))].map((partner, i) => ({
      name: `${name} #${i}`,
      width,
      height,
      alpha,
      a: weighted(plane(saliency, i), alpha),
      b: weighted(plane(saliency, partner), 1 - alpha),
      dy: tau[2 * i]!,
      dx: tau[2 * i + 1]!,
      totals: totals.slice(i * shifts, (i + 1) * shifts),
      mask: plane(masks, i),
      lambda: lambda[i]!,
    }))
  })
}
