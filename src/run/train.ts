/** Trains a classifier on a folder of pictures: from the options to the file. */
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { readFile, rm } from 'node:fs/promises'
import path from 'node:path'
import { type Classifier, resolveModel } from '../classifiers/resolveModel.js'
import { counted } from '../core/counted.js'
import { AugmentError } from '../core/errors.js'
import { trainOptions } from '../options/train.js'
import { writeAtomic } from '../output/atomic.js'
import { cores } from '../threads/cores.js'
import { Pool } from '../threads/pool.js'
import type { Found } from '../train/blockSize.js'
import { type Checkpoint, decodeCheckpoint, encodeCheckpoint } from '../train/checkpoint.js'
import { examOf, lessonsOf } from '../train/lessons.js'
import { type EpochResult, secondsOfStep, stepsOf, type TrainPool, trainLoop } from '../train/loop.js'
import { type Grid, stepsTogether } from '../train/trainer.js'
import type { TrainData, TrainReply, TrainRequest } from '../train/trainWorker.js'
import { parseConfig } from './config.js'
import type { TrainEvent } from './events.js'
import { overridesOf } from './explainer.js'
import { greyRangeOf } from './greyRange.js'
import { Interrupted } from './interrupted.js'
import { mixParameters, needsSaliency } from './mixer.js'
import { notice } from './notices.js'
import { type OwnSaliency, ownSaliency } from './ownSaliency.js'
import { requirePlace } from './paths.js'
import { rateOf, stepOptions, type TrainConfig } from './recipe.js'
import { type OpenedPictures, openPictures, readSchool, type School } from './school.js'
import { versions } from './versions.js'

/** What came of a training. */
export interface Trained {
  readonly out: string
  readonly epochs: number
  /** The one whose weights the file has. */
  readonly best: number
  /** On the held-out pictures; null without any. */
  readonly accuracy: number | null
  readonly heldOut: number
  readonly seconds: number
}

/** A training under way. */
interface Work {
  readonly images: string
  readonly config: TrainConfig
  readonly school: School
  readonly classifier: Omit<Classifier, 'bytes'>
  readonly pool: TrainPool
  readonly grid: Grid
  readonly lessons: OpenedPictures
  readonly exam: OpenedPictures
  readonly signal: AbortSignal | undefined
}

/**
 * Trains on the pictures of `images` and writes the classifier. Events tell how it goes. After an interruption (`signal`, or a
 * kill) the same call goes on after the last whole epoch. Throws AugmentError for anything a user can mend, Interrupted after
 * `signal`.
 */
export async function* train(
  images: string,
  config: TrainConfig,
  signal?: AbortSignal,
): AsyncGenerator<TrainEvent, Trained> {
  const started = performance.now()
  await checkPlace(config)
  const school = await readSchool(images, config)
  yield* school.notices
  const { bytes, ...classifier } = await resolveModel(config.model, school.classes, overridesOf(config))
  const isSame = classifier.classes?.join('\n') === school.classes.join('\n')
  const pool = startPool({ ...classifier, bytes }, config, isSame ? undefined : school.classes.length)
  try {
    const grid = checkedGrid((await pool.call({ kind: 'grid' })).grid!, classifier.name)
    const range = await greyRangeOf(config, school.lessons)
    const reading = { maxPixels: config.maxPixels, range, jobs: config.jobs, signal }
    const lessons = yield* openPictures(school.lessons, school.classes.length, grid, reading)
    const exam = yield* openPictures(school.exam, school.classes.length, grid, reading)
    if (lessons.size < 2)
      throw new AugmentError(
        'usage',
        `${images}: found ${counted(lessons.size, 'picture')} to learn from, expected at least 2`,
      )
    const work: Work = { images, config, school, classifier, pool, grid, lessons, exam, signal }
    yield notice(describe(work, isSame))
    const { form } = await pool.call({ kind: 'form', count: Math.min(config.batch, lessons.size) })
    yield notice(describeForm(form!))
    const last = yield* carryOut(work)
    await write(work, last)
    const { accuracy, epoch } = last.best
    const seconds = (performance.now() - started) / 1000
    return { out: config.out, epochs: last.epochs, best: epoch + 1, accuracy, heldOut: exam.size, seconds }
  } finally {
    await pool.close()
  }
}

const descriptorOf = (out: string) => `${out.replace(/\.onnx$/i, '')}.json`
const checkpointOf = (out: string) => `${out}.checkpoint`

/** What the descriptor says of where the classifier comes from. */
function sourceOf({ model, seed }: TrainConfig): string {
  return `trained by sage-augment ${versions.tool} from ${path.basename(model)}, seed ${seed}`
}

/** Whether the descriptor is what a kill left of the last step, where it is written before the classifier. */
async function isLeft(config: TrainConfig): Promise<boolean> {
  if (!existsSync(checkpointOf(config.out))) return false
  const text = await readFile(descriptorOf(config.out), 'utf8').catch(() => '')
  return text.includes(JSON.stringify(sourceOf(config)))
}

/** Throws unless the result may be written. */
async function checkPlace(config: TrainConfig): Promise<void> {
  const { out, overwrite, labels } = config
  if (!/\.onnx$/i.test(out)) throw new AugmentError('usage', `--out: expected the name of an .onnx file, got ${out}`)
  await requirePlace(out)
  await requirePlace(descriptorOf(out), [labels])
  const files = (await isLeft(config)) ? [out] : [out, descriptorOf(out)]
  const hint = existsSync(checkpointOf(out))
    ? 'move it to continue the training, or start over with --overwrite'
    : '--overwrite replaces it'
  for (const file of overwrite ? [] : files)
    if (existsSync(file)) throw new AugmentError('conflict', `${file}: is there already, expected a new file`, { hint })
}

function startPool(classifier: Classifier, config: TrainConfig, classes: number | undefined): TrainPool {
  const { name, bytes, preprocessing, width, height } = classifier
  const data: TrainData = {
    bytes,
    name,
    input: { preprocessing, width, height },
    threads: config.jobs ?? cores(),
    seed: config.seed,
    options: {
      ...stepOptions(config),
      ...(classes !== undefined && { classes }),
    },
  }
  return new Pool<TrainRequest, TrainReply>(new URL('../train/trainWorker.js', import.meta.url), 1, data)
}

/** Throws for a network whose batch cannot be chosen. */
function checkedGrid(grid: Grid, name: string): Grid {
  if (grid.fixedBatch === null) return grid
  throw new AugmentError('model', `${name}: its batch is fixed at ${grid.fixedBatch}, expected one of any size`, {
    hint: 'export it with a dynamic batch',
  })
}

function describe({ config, classifier, grid, lessons, exam }: Work, isSame: boolean): string {
  const head = isSame ? '' : `, a new last layer for ${counted(grid.classes, 'class', 'classes')}`
  const from = config.from === 'scratch' ? ' from random weights' : ''
  const weights = `${(grid.weights / 1e6).toFixed(1)} million weights`
  return `training ${path.basename(classifier.name)}${from} (${weights}${head}) on ${counted(lessons.size, 'picture')} of ${
    grid.width
  } x ${grid.height}; ${counted(exam.size, 'picture')} held out`
}

function describeForm({ block, reason }: Found): string {
  return block === null
    ? `each step runs as standard ONNX, without blocks of channels, the fast form of convolutions: ${reason}`
    : `each step runs in blocks of ${block} channels, the fast form of convolutions`
}

/** Trains from the beginning or the checkpoint to the end. */
async function* carryOut(work: Work): AsyncGenerator<TrainEvent, Checkpoint> {
  const { config, pool, exam, signal, classifier } = work
  const own = ownFor(work)
  const identity = identityOf(work)
  if (config.overwrite) await rm(checkpointOf(config.out), { force: true })
  const checkpoint = await readCheckpoint(config.out, identity)
  if (checkpoint !== null) yield notice(`continuing after epoch ${checkpoint.epochs} of ${checkpoint.planned}`)
  const learning = learningOf(work, own)
  const epochs = checkpoint?.planned ?? (await epochsFor(work, learning))
  const { batch, warmup, seed } = config
  const together = stepsTogether(work.grid, batch)
  const options = { epochs, batch, together, rate: rateOf(config), warmup, seed }
  const events = trainLoop(pool, learning, exam.size > 0 ? examOf(exam) : null, options, { checkpoint, signal })
  let last = checkpoint
  try {
    for await (const event of events) {
      if (event.type === 'step') {
        yield { type: 'progress', done: event.done, total: event.total, skipped: 0 }
        continue
      }
      last = event.checkpoint
      const left = event.seconds * (epochs - last.epochs)
      yield { ...epochEvent(event, epochs), secondsLeft: left }
      if (last.epochs < epochs)
        await writeAtomic(checkpointOf(config.out), encodeCheckpoint(last, identity), path.dirname(config.out))
    }
  } finally {
    await own?.close()
  }
  if (last === null || last.epochs < epochs)
    throw new Interrupted(`interrupted after ${last?.epochs ?? 0} of ${counted(epochs, 'epoch')} of ${classifier.name}`)
  return last
}

function epochEvent({ epoch, loss, accuracy, heldOut }: EpochResult, epochs: number) {
  return { type: 'epoch', epoch: epoch + 1, epochs, loss, accuracy, heldOut } as const
}

/** Maps of the network itself, where the method needs maps. */
function ownFor({ config, classifier, lessons }: Work): OwnSaliency | null {
  if (config.method === 'none' || !needsSaliency(parseConfig({ method: config.method }))) return null
  return ownSaliency(classifier, lessons, config.jobs)
}

function learningOf({ config, lessons }: Work, own: OwnSaliency | null) {
  const { seed, crop, mirror, jitter, method, refresh } = config
  const mix = method === 'none' ? null : { method, parameters: mixParameters(parseConfig({ method })) }
  const saliency = own?.map ?? null
  return {
    ...lessonsOf(lessons, { seed, view: { crop, flip: mirror === 'random', jitter }, mix, saliency }),
    everyStep: own !== null && refresh === 'step',
    async begin(_epoch: number, network: () => Promise<Uint8Array<ArrayBuffer>>) {
      if (own !== null) await own.refresh(await network())
    },
  }
}

/** The epochs that are asked for, or that fit in the minutes that are. */
async function epochsFor(work: Work, learning: ReturnType<typeof learningOf>): Promise<number> {
  const { config, pool, lessons, grid, exam } = work
  const { minutes, epochs = trainOptions.epochs.fallback, batch } = config
  if (minutes === undefined) return epochs
  const seconds = await secondsOfStep(pool, learning, batch, stepsTogether(grid, batch))
  // An inference of a held-out picture takes about a third of a step.
  const epoch = seconds * (stepsOf(lessons.size, batch) + exam.size / batch / 3)
  return Math.max(1, Math.floor((60 * minutes) / epoch))
}

/** Of all that decides the weights. */
function identityOf({ config, school, classifier, lessons, exam }: Work): string {
  const { out: _, overwrite: __, maxPixels: ___, val: ____, ...options } = config
  const facts = [
    versions,
    options,
    classifier.sha256,
    classifier.preprocessing,
    school.classes,
    school.lessons.sources,
    school.exam.sources,
    lessons.sha256,
    exam.sha256,
  ]
  return createHash('sha256').update(JSON.stringify(facts)).digest('hex')
}

/** What an earlier call left, if anything. Throws a conflict error for what is of another training. */
async function readCheckpoint(out: string, identity: string): Promise<Checkpoint | null> {
  const file = checkpointOf(out)
  const bytes = await readFile(file).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error
    return null
  })
  if (bytes === null) return null
  const found = decodeCheckpoint(bytes, identity, file)
  if (found !== null) return found
  throw new AugmentError('conflict', `${file}: found a training with other options or pictures, expected the same`, {
    hint: 'repeat the first command to continue it, or start over with --overwrite',
  })
}

/** Writes the classifier and what stands beside it; the checkpoint has served. */
async function write({ config, school, pool, grid, exam }: Work, { best }: Checkpoint): Promise<void> {
  const { out, val } = config
  const { classifier: bytes } = await pool.call({ kind: 'classifier', values: best.values })
  const on = `${counted(exam.size, 'held-out picture')}${val === undefined ? '' : ` of ${path.basename(val)}`}`
  const descriptor = {
    name: path.basename(out).replace(/\.onnx$/i, ''),
    classes: school.classes,
    ...grid.preprocessing,
    width: grid.width,
    height: grid.height,
    source: sourceOf(config),
    ...(best.accuracy !== null && { accuracy: { top1: best.accuracy, on } }),
  }
  await writeAtomic(descriptorOf(out), `${JSON.stringify(descriptor, null, 2)}\n`, path.dirname(out))
  await writeAtomic(out, bytes!, path.dirname(out))
  await rm(checkpointOf(out), { force: true })
}
