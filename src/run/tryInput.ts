/** Finds out how a classifier wants its pixels, by trying on labelled pictures. */
import { existsSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { describeFile, descriptorFile, readDescriptor } from '../classifiers/describe.js'
import type { ClassNames } from '../classifiers/descriptor.js'
import { imagenetClasses } from '../classifiers/imagenet.js'
import { readModelFile } from '../classifiers/modelFile.js'
import type { Preprocessing } from '../classifiers/preprocessing.js'
import { classIndices } from '../classifiers/resolveModel.js'
import { assign } from '../core/assignment.js'
import { counted } from '../core/counted.js'
import { AugmentError } from '../core/errors.js'
import type { Image } from '../core/image.js'
import { randomStream, shuffle } from '../core/random.js'
import { heaviest, mainClass } from '../core/softLabel.js'
import { writeAtomic } from '../output/atomic.js'
import { cores } from '../threads/cores.js'
import { parseConfig } from './config.js'
import { startForward } from './forward.js'
import { greyRangeOf } from './greyRange.js'
import { type Candidate, candidatesOf, saysPixels, type Unknown } from './inputCandidates.js'
import { type Inputs, readInputs } from './inputs.js'
import { noticesOf, type Tell, tellAll } from './notices.js'
import { openViews, SourceError } from './views.js'

/** One way to make the input, and how well the classifier then does. */
interface InputTrial {
  /** What people call it: `[0, 1]`, `ImageNet`. */
  readonly name: string
  readonly preprocessing: Preprocessing
  /** Whether it is what the .json beside the model, or another file that is read, says already. */
  readonly isTold: boolean
  readonly accuracy: number
  /** Mean of -log(probability of the picture's class), in nats. */
  readonly logLoss: number
  /** By how much it is worse than the best one's, picture by picture, in standard errors of that difference; 0 for the best. */
  readonly behind: number
}

export interface InputTrials {
  /** Best first. */
  readonly trials: readonly InputTrial[]
  /** Pictures that all were tried on. */
  readonly pictures: number
  /** Entry n is the class that output n was taken for; null where the model's own names are known. */
  readonly classes: readonly string[] | null
  /** The description that was written or completed; null where there is one that says how pixels are read: it stays as it is. */
  readonly written: string | null
}

/** The most pictures that are tried on, about equally many of every class. */
const PICTURES = 128

/**
 * Ranks the usual ways to make the input of the classifier in `file`, and what is said of it, by its log loss on at most 128
 * labelled pictures of `images`, and writes the best one to the .json beside it where that does not say yet how pixels are read.
 * Outputs without names are matched to as many classes in the way that fits best. Throws AugmentError for anything a user can mend.
 */
export async function tryInput(
  file: string,
  images: string,
  tell: Tell,
  given: { readonly output?: string | undefined; readonly size?: { width: number; height: number } | undefined } = {},
): Promise<InputTrials> {
  const { descriptor, told, bytes } = await describeFile(file, await readModelFile(file))
  const inputs = await readInputs(parseConfig({ images }))
  tellAll(noticesOf(inputs), tell)
  const model: Unknown = {
    ...{ bytes, name: path.basename(file), output: given.output },
    descriptor: { ...descriptor, ...given.size },
    told: told ?? path.basename(descriptorFile(file)),
  }
  const { pictures, labels } = await some(inputs, tell)
  const names = descriptor.classes ?? (await imagenetIfKnown(inputs.classes))
  const found: Judged[] = []
  for (const candidate of candidatesOf(model)) {
    found.push({ candidate, ...judge(await rowsOf(model, candidate, pictures), labels, inputs, names) })
  }
  found.sort((a, b) => mean(a.losses) - mean(b.losses))
  const best = found[0]!
  const classes = best.classes
  const trials = found.map(({ candidate, losses, accuracy }) => ({
    ...{ ...candidate, accuracy, logLoss: mean(losses) },
    behind: behind(losses, best.losses),
  }))
  const named = descriptor.classes !== undefined ? {} : { classes: classes ?? 'imagenet' }
  const written = await describe(file, { ...named, ...best.candidate.preprocessing, ...given.size })
  return { trials, pictures: pictures.length, classes, written }
}

/** Pictures that can be read, about equally many of every class, and the class of each. */
async function some(inputs: Inputs, tell: Tell) {
  const { root, sources, classes } = inputs
  if (classes.length < 2) {
    throw new AugmentError('usage', `${root}: all pictures are of one class, expected at least 2 classes`)
  }
  const config = parseConfig({ images: root })
  const { maxPixels, size, jobs = cores() } = config
  const views = openViews(root, sources, {
    maxPixels,
    jobs,
    estimator: null,
    size,
    range: await greyRangeOf(config, inputs),
  })
  const pictures: Image[] = []
  const labels: number[] = []
  for (const source of inTurns(Array.from(sources, ({ label }) => mainClass(label)))) {
    if (pictures.length === PICTURES) break
    try {
      pictures.push((await views.decoded(source)).image)
      labels.push(mainClass(sources.at(source)!.label))
    } catch (error) {
      if (!(error instanceof SourceError)) throw error
      tell(`left out: ${error.message}`, true)
    }
  }
  if (pictures.length < classes.length) {
    const found = `${counted(pictures.length, 'picture')} that can be read`
    throw new AugmentError(
      'usage',
      `${root}: found ${found}, expected at least one of each of ${classes.length} classes`,
    )
  }
  return { pictures, labels }
}

/** Indices in an order that takes one of every class in turn, each class shuffled. */
function inTurns(labels: readonly number[]): number[] {
  const rank = new Map<number, number>()
  const shuffled = shuffle(randomStream(0, 0), [...labels.keys()])
  const turns = shuffled.map((index) => {
    const turn = rank.get(labels[index]!) ?? 0
    rank.set(labels[index]!, turn + 1)
    return { index, turn }
  })
  return turns.sort((a, b) => a.turn - b.turn).map(({ index }) => index)
}

/** The 1000 classes of ImageNet, if those of the pictures are among them. */
async function imagenetIfKnown(classes: readonly string[]): Promise<ClassNames | null> {
  const names = await imagenetClasses()
  return classIndices(classes, names) === null ? null : names
}

/** Probabilities of all outputs for every picture. */
async function rowsOf({ bytes, name, descriptor, output }: Unknown, { preprocessing }: Candidate, pictures: Image[]) {
  const { width, height } = descriptor
  const forward = await startForward({ bytes, name, preprocessing, width, height }, 'probabilities', output)
  try {
    return await forward.of(pictures)
  } finally {
    await forward.close()
  }
}

interface Judged {
  readonly candidate: Candidate
  /** Of each picture. */
  readonly losses: readonly number[]
  readonly accuracy: number
  readonly classes: readonly string[] | null
}

/** How well `rows` of probabilities say what the pictures show. */
function judge(
  rows: readonly Float32Array[],
  labels: readonly number[],
  { root, classes }: Inputs,
  names: ClassNames | null,
): Omit<Judged, 'candidate'> {
  const outputs = rows[0]!.length
  const known = names !== null && names.length === outputs ? classIndices(classes, names) : null
  if (known === null && outputs !== classes.length) {
    const found = `${counted(classes.length, 'class', 'classes')} and a model of ${outputs} outputs without these names`
    throw new AugmentError('usage', `${root}: found ${found}, expected as many, or "classes" in the .json of the model`)
  }
  const outputOf = known ?? bestOrder(rows, labels, classes.length)
  const losses = rows.map((row, i) => -Math.log(Math.max(Number.MIN_VALUE, row[outputOf[labels[i]!]!]!)))
  const hits = rows.filter((row, i) => heaviest(row) === outputOf[labels[i]!]).length
  const ordered = known === null ? inverse(outputOf).map((label) => classes[label]!) : null
  return { losses, accuracy: hits / rows.length, classes: ordered }
}

/** Which output is best taken for each class, one for one: the least log loss in all. */
function bestOrder(rows: readonly Float32Array[], labels: readonly number[], classes: number): Int32Array {
  const costs = new Float64Array(classes * classes)
  for (const [i, row] of rows.entries()) {
    for (let k = 0; k < classes; k++) costs[labels[i]! * classes + k]! -= Math.log(Math.max(Number.MIN_VALUE, row[k]!))
  }
  const starts = Int32Array.from({ length: classes + 1 }, (_, i) => i * classes)
  const columns = Int32Array.from({ length: classes * classes }, (_, i) => i % classes)
  return assign({ starts, columns, costs }).columnOf
}

function inverse(order: Int32Array): number[] {
  const inverted = Array<number>(order.length).fill(0)
  for (const [from, to] of order.entries()) inverted[to] = from
  return inverted
}

const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length

function behind(losses: readonly number[], best: readonly number[]): number {
  const differences = losses.map((loss, i) => loss - best[i]!)
  const middle = mean(differences)
  const variance = differences.reduce((sum, d) => sum + (d - middle) ** 2, 0) / Math.max(1, differences.length - 1)
  return middle === 0 ? 0 : middle / Math.sqrt(variance / differences.length)
}

/** Writes what was found beside the model, or adds it to what is there, unless that says otherwise. */
async function describe(file: string, found: object): Promise<string | null> {
  const beside = descriptorFile(file)
  if (saysPixels(await readDescriptor(beside))) return null
  const said = existsSync(beside) ? JSON.parse(await readFile(beside, 'utf8')) : {}
  await writeAtomic(beside, `${JSON.stringify({ ...said, ...found }, null, 2)}\n`, path.dirname(beside))
  return beside
}
