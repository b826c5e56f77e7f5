/** Measures kinds of saliency maps on a folder: pointing, insertion and deletion. */
import { classIndices, resolveModel } from '../classifiers/resolveModel.js'
import { resize, resizeToCover } from '../codec/codec.js'
import { AugmentError } from '../core/errors.js'
import type { Image } from '../core/image.js'
import { type Plane, resample } from '../core/plane.js'
import { randomStream, shuffle } from '../core/random.js'
import { MODEL_KINDS, type ModelKind } from '../core/saliencyKinds.js'
import { heaviest, mainClass } from '../core/softLabel.js'
import { blockSums } from '../mix/blocks.js'
import type { ConfigInput } from '../options/inputs.js'
import { cores } from '../threads/cores.js'
import { BASELINES } from './baselines.js'
import { type Config, parseConfig } from './config.js'
import { type Explainer, startExplainer } from './explainer.js'
import { type Forward, startForward } from './forward.js'
import { greyRangeOf } from './greyRange.js'
import { type Inputs, readInputs } from './inputs.js'
import { noticesOf, type Tell, tellAll } from './notices.js'
import { refuseClassifier } from './spectral.js'
import { openViews, SourceError, type Views } from './views.js'

/** Mean over the pictures, and its standard error. */
export interface Mean {
  readonly mean: number
  readonly error: number
}

export interface MapScore {
  /** A kind of --saliency, or 'center', a blob in the middle. */
  readonly kind: string
  /** Four pictures in a 2 x 2 grid: the share of the map in the cell of the class it explains; chance is 0.25. */
  readonly pointing: Mean | null
  /** Area under the judge's probability while pixels appear, and while they go, the most salient first. */
  readonly insertion: Mean | null
  readonly deletion: Mean | null
  /** Insertion less deletion. */
  readonly difference: Mean | null
}

/** The most pictures that are looked at, evenly spread, and how many groups of four are made of them. */
const [PICTURES, GROUPS] = [200, 50]

/** Parts of the pixels that appear or go at once. */
const STEPS = 10

type Mapper = (source: number, image: Image) => Promise<Plane>

/**
 * The scores of each kind of map that the model has, or of the one of `saliency`, on the labelled pictures of a folder. Pointing
 * needs a model that knows the classes; insertion and deletion a `judge`, another classifier. `tell` hears what is done.
 */
export async function scoreSaliency(input: ConfigInput, judge: string | undefined, tell: Tell): Promise<MapScore[]> {
  const config = parseConfig(input, 'saliency')
  if (config.multiLabel)
    throw new AugmentError('usage', '--score: expected one class a picture, but found --multi-label')
  const inputs = some(await readInputs(config))
  tellAll(noticesOf(inputs), tell)
  const pictures = await Pictures.open(inputs, config, judge, tell)
  const witness = judge === undefined ? null : await Judge.open(judge, inputs)
  const scores: MapScore[] = []
  try {
    for (const kind of kindsOf(config)) {
      const explainer = await begin({ ...config, saliency: kind }, inputs, tell)
      if (explainer === null) continue
      const map: Mapper = async (source, image) => (await explainer.estimator.estimate(source, image)).saliency
      try {
        scores.push(await pictures.score(kind, map, explainer.target === 'label', explainer.estimator.facts, witness))
      } finally {
        await explainer.estimator.close()
      }
    }
    for (const [kind, map] of Object.entries(BASELINES)) {
      scores.push(await pictures.score(kind, map, true, PLAIN, witness))
    }
    return scores
  } finally {
    await witness?.close()
  }
}

/** The kinds that a classifier has to make. */
function kindsOf(config: Config): readonly ModelKind[] {
  const { saliency } = config
  if (saliency === 'auto') return MODEL_KINDS
  if (saliency !== 'spectral') return [saliency]
  refuseClassifier(config, {})
  return []
}

/** The explainer of a kind; null, told, where the model has no such map. */
async function begin(config: Config, inputs: Inputs, tell: Tell): Promise<Explainer | null> {
  try {
    const explainer = await startExplainer(config, inputs)
    tell(explainer.message)
    return explainer
  } catch (error) {
    if (!(error instanceof AugmentError) || error.code !== 'model') throw error
    tell(`left out: ${error.message}`, true)
    return null
  }
}

/** Size of the 2 x 2 grids for maps that have no classifier. */
const PLAIN = { width: 224, height: 224 }

function some(inputs: Inputs): Inputs {
  const { sources } = inputs
  const count = Math.min(PICTURES, sources.length)
  return {
    ...inputs,
    sources: Array.from({ length: count }, (_, i) => sources.at(Math.floor((i * sources.length) / count))!),
  }
}

/** The pictures that can be read, and the groups of four classes that pointing is measured on. */
class Pictures {
  readonly #views: Views
  readonly #usable: readonly number[]
  readonly #groups: readonly (readonly number[])[]

  private constructor(views: Views, usable: readonly number[], groups: readonly (readonly number[])[]) {
    this.#views = views
    this.#usable = usable
    this.#groups = groups
  }

  static async open(inputs: Inputs, config: Config, judge: string | undefined, tell: Tell): Promise<Pictures> {
    const { root, sources } = inputs
    const range = await greyRangeOf(config, inputs)
    const { maxPixels, size, seed, jobs = cores() } = config
    const views = openViews(root, sources, { maxPixels, jobs, estimator: null, size, range })
    const usable: number[] = []
    for (let source = 0; source < sources.length; source++) {
      try {
        await views.decoded(source)
        usable.push(source)
      } catch (error) {
        if (!(error instanceof SourceError)) throw error
        tell(`left out: ${error.message}`, true)
      }
    }
    const classOf = (source: number) => mainClass(sources.at(source)!.label)
    if (usable.length === 0) throw new AugmentError('usage', `${root}: found no picture that can be read`)
    const groups = groupsOfFour(usable, classOf, seed)
    const few = `${root}: found too few classes for pointing, expected pictures of at least 4`
    if (groups.length === 0 && judge === undefined) throw new AugmentError('usage', `${few}, or --judge`)
    if (groups.length === 0) tell(few)
    return new Pictures(views, usable, groups)
  }

  async score(
    kind: string,
    map: Mapper,
    isOfLabel: boolean,
    size: { readonly width: number; readonly height: number },
    judge: Judge | null,
  ): Promise<MapScore> {
    const pointing = isOfLabel && this.#groups.length > 0 ? await this.#pointing(map, size) : null
    if (judge === null) return { kind, pointing, insertion: null, deletion: null, difference: null }
    const areas: { insertion: number; deletion: number }[] = []
    for (const source of this.#usable) {
      const image = await this.#canvas(source)
      areas.push(await judge.areas(source, image, await map(source, image)))
    }
    return {
      kind,
      pointing,
      insertion: meanOf(areas.map(({ insertion }) => insertion)),
      deletion: meanOf(areas.map(({ deletion }) => deletion)),
      difference: meanOf(areas.map(({ insertion, deletion }) => insertion - deletion)),
    }
  }

  async #canvas(source: number): Promise<Image> {
    const { image } = await this.#views.decoded(source)
    return resizeToCover(image, ...(await this.#views.canvasOf(source)))
  }

  async #pointing(map: Mapper, { width, height }: { width: number; height: number }): Promise<Mean> {
    const [w, h] = [Math.max(1, width >> 1), Math.max(1, height >> 1)]
    const shares: number[] = []
    for (const group of this.#groups) {
      const cells = await Promise.all(
        group.map(async (source) => resizeToCover((await this.#views.decoded(source)).image, w, h)),
      )
      const image = inGrid(cells, w, h)
      const maps = await Promise.all(group.map((source) => map(source, image)))
      const found = maps.map((plane, cell) => {
        const sums = blockSums(plane, 2, 2)
        return sums[cell]! / sums.reduce((a, b) => a + b, 0)
      })
      shares.push(found.reduce((a, b) => a + b, 0) / found.length)
    }
    return meanOf(shares)
  }
}

/** Groups of four pictures of four classes, each picture about equally often. */
function groupsOfFour(usable: readonly number[], classOf: (source: number) => number, seed: number): number[][] {
  const groups: number[][] = []
  for (let round = 0; round < Math.ceil((4 * GROUPS) / Math.max(4, usable.length)); round++) {
    const open: number[][] = []
    for (const source of shuffle(randomStream(seed, round), [...usable])) {
      const group = open.find((one) => one.length < 4 && one.every((other) => classOf(other) !== classOf(source)))
      if (group === undefined) open.push([source])
      else group.push(source)
    }
    groups.push(...open.filter(({ length }) => length === 4))
  }
  return groups.slice(0, GROUPS)
}

/** Four pictures of w x h, row by row, as one. */
function inGrid(cells: readonly Image[], w: number, h: number): Image {
  const data = new Uint8Array(4 * w * h * 3)
  for (const [i, cell] of cells.entries()) {
    for (let y = 0; y < h; y++) {
      const row = cell.data.subarray(y * w * 3, (y + 1) * w * 3)
      data.set(row, ((y + h * (i >> 1)) * 2 * w + w * (i & 1)) * 3)
    }
  }
  return { data, width: 2 * w, height: 2 * h }
}

/** Another classifier, whose probability of a picture's class says what a map is worth. */
class Judge {
  readonly #forward: Forward
  /** The class of a source for the judge; null where it goes by its own prediction. */
  readonly #classOf: ((source: number) => number) | null

  private constructor(forward: Forward, classOf: ((source: number) => number) | null) {
    this.#forward = forward
    this.#classOf = classOf
  }

  static async open(name: string, { sources, classes }: Inputs): Promise<Judge> {
    const classifier = await resolveModel(name, classes, {})
    const indices = classIndices(classes, classifier.classes)
    const forward = await startForward(classifier, 'probabilities')
    const classOf = (source: number) => indices![mainClass(sources.at(source)!.label)]!
    return new Judge(forward, indices === null ? null : classOf)
  }

  /**
   * Areas under the probability of the picture's class while its pixels appear over a blurred copy, and while they give way to
   * its mean color, the most salient first (Petsiuk et al. 2018, arXiv 1806.07421).
   */
  async areas(source: number, image: Image, map: Plane): Promise<{ insertion: number; deletion: number }> {
    const { width, height } = this.#forward
    const picture = await resize(image, width, height)
    const coarse = await resize(picture, Math.max(1, width >> 4), Math.max(1, height >> 4))
    const blurred = await resize(coarse, width, height)
    const order = orderOf(resample(map, width, height))
    const steps = Array.from({ length: STEPS + 1 }, (_, i) => order.subarray(0, Math.round((i * order.length) / STEPS)))
    const inserted = steps.map((pixels) => withPixels(blurred, picture, pixels))
    const deleted = steps.map((pixels) => withPixels(picture, filledWithMean(picture), pixels))
    const [whole, ...found] = await this.#forward.of([picture, ...inserted, ...deleted])
    const k = this.#classOf?.(source) ?? heaviest(whole!)
    const curve = found.map((probabilities) => probabilities[k]!)
    return { insertion: area(curve.slice(0, STEPS + 1)), deletion: area(curve.slice(STEPS + 1)) }
  }

  close(): Promise<void> {
    return this.#forward.close()
  }
}

/** Indices of the pixels from the most to the least salient; of equal ones the first goes first. */
function orderOf({ data }: Plane): Uint32Array {
  return Uint32Array.from(data.keys()).sort((a, b) => data[b]! - data[a]! || a - b)
}

function withPixels(image: Image, other: Image, pixels: Uint32Array): Image {
  // Not slice: that of a Buffer, which a decoded picture may be, is the same memory.
  const data = new Uint8Array(image.data)
  for (const i of pixels) data.set(other.data.subarray(3 * i, 3 * i + 3), 3 * i)
  return { ...image, data }
}

function filledWithMean(image: Image): Image {
  const sums = [0, 0, 0]
  for (let i = 0; i < image.data.length; i++) sums[i % 3]! += image.data[i]!
  const mean = sums.map((sum) => Math.round((3 * sum) / image.data.length))
  return { ...image, data: Uint8Array.from(image.data, (_, i) => mean[i % 3]!) }
}

/** By the trapezoid rule, over [0, 1]. */
function area(curve: readonly number[]): number {
  const ends = (curve[0]! + curve.at(-1)!) / 2
  return (curve.reduce((a, b) => a + b, 0) - ends) / (curve.length - 1)
}

function meanOf(values: readonly number[]): Mean {
  const mean = values.reduce((a, b) => a + b, 0) / values.length
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / Math.max(1, values.length - 1)
  return { mean, error: Math.sqrt(variance / values.length) }
}
