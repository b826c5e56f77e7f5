/** What several methods make of one pair, as a picture: one row each. */
import { drawText, resizeToCover, type Text } from '../codec/codec.js'
import type { Image } from '../core/image.js'
import type { Plane } from '../core/plane.js'
import { grey } from './overlay.js'

/** One method's output of a pair. */
export interface ComparedMix {
  readonly method: string
  /** Share of the sample in the label. */
  readonly lambda: number
  /** Share of the sample's and of the partner's saliency that shows. */
  readonly kept: readonly [sample: number, partner: number]
  /** The sample's weight per pixel. */
  readonly mask: Plane
  readonly image: Image
}

/** A picture and the name under its column's title. */
interface Named {
  readonly name: string
  readonly image: Image
}

/** Bounds of a picture in the figure, in pixels. */
const [LARGEST_WIDTH, LARGEST_HEIGHT] = [240, 120]

/** Room for a column's title, and for the numbers in front of a row. */
const [SMALLEST_WIDTH, SMALLEST_HEIGHT, NUMBERS, TITLES] = [96, 84, 184, 48]

const GAP = 12

/** Light enough to read on, dark enough to show where a white mask ends. */
const BACKGROUND = 224

/**
 * Rows of methods; columns sample, partner, mask (white: the sample), mix; with lambda and the shares of the saliency that
 * survive in front. All pictures are of the sample's size; here they are scaled to at most 240 x 120.
 */
export async function comparisonFigure(sample: Named, partner: Named, mixes: readonly ComparedMix[]): Promise<Image> {
  const scale = Math.min(LARGEST_WIDTH / sample.image.width, LARGEST_HEIGHT / sample.image.height)
  const cell = {
    width: Math.max(1, Math.round(scale * sample.image.width)),
    height: Math.max(1, Math.round(scale * sample.image.height)),
  }
  const column = Math.max(SMALLEST_WIDTH, cell.width) + GAP
  const row = Math.max(SMALLEST_HEIGHT, cell.height) + GAP
  const width = GAP + NUMBERS + 4 * column
  const height = TITLES + mixes.length * row
  const figure = { data: new Uint8Array(width * height * 3).fill(BACKGROUND), width, height }
  const left = (i: number) => GAP + NUMBERS + i * column
  const fit = (image: Image) => resizeToCover(image, cell.width, cell.height)
  const [first, second] = [await fit(sample.image), await fit(partner.image)]
  for (const [i, { mask, image }] of mixes.entries()) {
    const cells = [first, second, await fit(grey(mask)), await fit(image)]
    cells.forEach((picture, k) => {
      place(figure, picture, left(k), TITLES + i * row)
    })
  }
  const names = [sample.name, partner.name, 'white: sample']
  const titles = ['sample', 'partner', 'mask', 'mix'].flatMap((title, i): Text[] => [
    { x: left(i), y: 20, size: 15, bold: true, text: title },
    { x: left(i), y: 37, size: 12, text: shortened(names[i] ?? '', (column - GAP) / 7) },
  ])
  return drawText(figure, [...titles, ...mixes.flatMap((mix, i) => numbersOf(mix, TITLES + i * row))])
}

function numbersOf({ method, lambda, kept: [sample, partner] }: ComparedMix, top: number): Text[] {
  const x = GAP
  return [
    { x, y: top + 15, size: 15, bold: true, text: method },
    { x, y: top + 36, size: 13, text: `lambda ${lambda.toFixed(3)}` },
    { x, y: top + 57, size: 13, text: 'saliency kept:' },
    { x, y: top + 75, size: 13, text: `sample ${percent(sample)}, partner ${percent(partner)}` },
  ]
}

function percent(share: number): string {
  return `${(100 * share).toFixed(0)} %`
}

/** At most so many letters of a name, its end being what tells pictures apart. */
function shortened(name: string, letters: number): string {
  const all = [...name]
  return all.length <= letters ? name : `…${all.slice(1 - Math.floor(letters)).join('')}`
}

function place(figure: Image, { data, width, height }: Image, left: number, top: number): void {
  for (let y = 0; y < height; y++) {
    figure.data.set(data.subarray(y * width * 3, (y + 1) * width * 3), ((top + y) * figure.width + left) * 3)
  }
}
