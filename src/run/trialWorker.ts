/** In a worker thread: trains the students of a trial, one arm and repetition after the other, and judges them. */
import type { PreprocessingInput } from '../classifiers/preprocessing.js'
import type { Image } from '../core/image.js'
import type { Plane } from '../core/plane.js'
import { dense, type Label } from '../core/softLabel.js'
import { saliencyModel } from '../saliency/saliencyModel.js'
import { createSession } from '../saliency/session.js'
import { answerRequests, workerData } from '../threads/answer.js'
import { courseOf, type Lessons } from '../train/course.js'
import { type Judge, startJudge } from '../train/judge.js'
import { rateAt } from '../train/schedule.js'
import { streamFor } from '../train/streams.js'
import { type Batch, paceOf, startTrainer, stepsTogether, type Trainer } from '../train/trainer.js'
import type { TrainingOptions } from '../train/trainingModel.js'
import type { ViewOptions } from '../train/view.js'
import type { Arm } from '../trial/arms.js'
import { rightOf, type Scores, scoresOf } from '../trial/scores.js'
import { mapOf, type SharedMaps } from './sharedMaps.js'

export interface TrialData {
  /** uint8 [pictures, height, width, 3], shared by all threads. */
  readonly pixels: SharedArrayBuffer
  readonly width: number
  readonly height: number
  readonly labels: readonly Label[]
  readonly classes: number
  readonly student: {
    readonly bytes: Uint8Array<ArrayBuffer>
    readonly name: string
    readonly preprocessing: PreprocessingInput
    readonly width: number | undefined
    readonly height: number | undefined
    readonly options: Omit<TrainingOptions, 'initialSeed' | 'size'>
  }
  readonly view: ViewOptions
  readonly batch: number
  readonly rate: number
  /** int32 [2]: 1 once the trial is interrupted; steps that all threads have done. */
  readonly shared: SharedArrayBuffer
}

export interface TrialRequest {
  readonly arm: Arm
  readonly seed: number
  /** Null where the arm needs none, or the student makes its own. */
  readonly maps: SharedMaps | null
  readonly lessons: Int32Array
  readonly exam: Int32Array
  readonly steps: number
  /** Steps that are made; the others are for a plan. */
  readonly only?: number
}

/** What came of one arm in one repetition. */
export interface Outcome extends Scores {
  /** Accuracy under noise, and under FGSM, of at most ROBUST held-out pictures. */
  readonly noise: number
  readonly fgsm: number
  readonly seconds: number
  /** Of those, until the first step was made. */
  readonly once: number
  /** Held-out pictures in their order: 1 for each whose class was found. */
  readonly right: Uint8Array
  readonly curve: readonly { readonly step: number; readonly loss: number; readonly accuracy: number | null }[]
}

/** Held-out pictures at most that are changed, and that a point of the curve is measured on. */
const ROBUST = 500

/** Points of a curve, those of them that are also judged, and refreshes of the student's own maps. */
const [POINTS, JUDGED, REFRESHES] = [20, 4, 10]

/** Pictures that are judged together. */
const PART = 64

const data = workerData as TrialData
const shared = new Int32Array(data.shared)
const { width, height, classes } = data
const bytesEach = 3 * width * height
const pixels = new Uint8Array(data.pixels)

const pictureOf = (i: number): Image => ({ data: pixels.subarray(i * bytesEach, (i + 1) * bytesEach), width, height })

function lessonsOf(indices: Int32Array): Lessons {
  return {
    size: indices.length,
    classes,
    picture: (i) => pictureOf(indices[i]!),
    label: (i) => data.labels[indices[i]!]!,
  }
}

/** The pictures `indices` with their labels. */
function batchOf(indices: Int32Array): Batch {
  const batch = {
    count: indices.length,
    pixels: new Uint8Array(indices.length * bytesEach),
    target: new Float32Array(indices.length * classes),
  }
  indices.forEach((index, i) => {
    batch.pixels.set(pictureOf(index).data, i * bytesEach)
    batch.target.set(dense(data.labels[index]!, classes), i * classes)
  })
  return batch
}

/** Maps of the lessons by the student itself, which `refresh` takes as it is. */
function ownMaps(indices: Int32Array, trainer: Trainer) {
  let maps: Plane[] = []
  return {
    of: (i: number) => maps[i]!,
    async refresh() {
      const { preprocessing } = trainer.grid
      const model = await saliencyModel(trainer.classifier(null), data.student.name, {
        ...{ preprocessing, width, height, loss: 'ce', target: 'label', channelNorm: 'mean', kind: 'auto' },
      })
      const session = await createSession(model.bytes, { device: 'cpu', threads: 1 })
      const found: Plane[] = []
      const cells = model.grid.width * model.grid.height
      for (let first = 0; first < indices.length; first += PART) {
        const { count, pixels, target } = batchOf(indices.subarray(first, first + PART))
        const { saliency } = await session.run({
          pixels: { type: 'uint8', dims: [count, height, width, 3], data: pixels },
          target: { type: 'float32', dims: [count, classes], data: target },
        })
        const all = saliency!.data as Float32Array
        for (let i = 0; i < count; i++) found.push({ ...model.grid, data: all.slice(i * cells, (i + 1) * cells) })
      }
      await session.release()
      maps = found
    },
  }
}

const isStopped = () => Atomics.load(shared, 0) === 1

/** Trains and judges one arm; null where the trial was interrupted. */
async function outcomeOf(request: TrialRequest): Promise<Outcome | null> {
  const started = performance.now()
  const { seed, exam, steps } = request
  const trainer = await startTrainer(data.student.bytes, {
    name: data.student.name,
    input: data.student,
    options: { ...data.student.options, initialSeed: seed },
    threads: 1,
    seed,
  })
  try {
    const curve: Outcome['curve'][number][] = []
    const learnt = await learn(request, trainer, curve, started)
    if (learnt === null) return null
    const seconds = () => (performance.now() - started) / 1000
    if (request.only !== undefined) {
      const none = { accuracy: 0, logLoss: 0, calibration: 0, noise: 0, fgsm: 0, right: new Uint8Array(0), curve: [] }
      return { ...none, once: learnt.once, seconds: seconds() }
    }
    const judge = await startJudge(trainer.classifier(null), data.student.name, trainer.grid, 1)
    try {
      const found = await judgement(judge, exam, seed)
      curve.push({ step: steps, loss: learnt.loss, accuracy: found.accuracy })
      return { ...found, curve, once: learnt.once, seconds: seconds() }
    } finally {
      await judge.release()
    }
  } finally {
    await trainer.release()
  }
}

async function learn(request: TrialRequest, trainer: Trainer, curve: Outcome['curve'][number][], started: number) {
  const { arm, seed, maps, lessons, exam, steps, only = steps } = request
  const own = arm.maps?.model === 'student' ? ownMaps(lessons, trainer) : null
  const all = maps && mapOf(maps)
  const map = own?.of ?? (all && ((i: number) => all(lessons[i]!)))
  const { method, parameters, pairing, share } = arm
  const mix = method === null ? null : { method, parameters, pairing, map }
  const course = courseOf(lessonsOf(lessons), { seed, view: data.view, share, mix })
  const looked = someOf(exam)
  const every = Math.max(1, Math.floor(steps / POINTS))
  const pace = paceOf(stepsTogether(trainer.grid, data.batch))
  const refresh = Math.max(1, Math.ceil(steps / REFRESHES))
  let [sum, once] = [0, 0]
  for (let step = 0; step < only; ) {
    if (isStopped()) return null
    if (own !== null && step % refresh === 0) await own.refresh()
    // A run ends where something is to be done with the network.
    const ends = [only, step + pace.steps, after(step, every), ...(own === null ? [] : [after(step, refresh)])]
    const numbers = range(step, Math.min(...ends))
    const rates = numbers.map((i) => data.rate * rateAt(i, steps, Math.round(WARMUP * steps)))
    const batches = numbers.map((i) => course(i, data.batch))
    const began = performance.now()
    const scores = await trainer.steps(batches, rates, step)
    pace.took(scores.length, performance.now() - began)
    Atomics.add(shared, 1, scores.length)
    if (step === 0) once = (performance.now() - started) / 1000
    sum += scores.reduce((total, { loss }) => total + loss, 0)
    step += scores.length
    const place = step / every
    if (!Number.isInteger(place) || step >= steps || only < steps) continue
    const isJudged = place % (POINTS / (JUDGED + 1)) === 0
    curve.push({ step, loss: sum / every, accuracy: isJudged ? await shareRight(trainer, looked) : null })
    sum = 0
  }
  return { once, loss: sum / Math.max(1, steps % every || every) }
}

/** The next multiple of `part` behind `step`. */
const after = (step: number, part: number) => (Math.floor(step / part) + 1) * part

const range = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => from + i)

/** Share of the steps in which the rate rises. */
const WARMUP = 0.05

/** Share of the pictures whose class the student finds. */
async function shareRight(trainer: Trainer, exam: Int32Array): Promise<number> {
  let hits = 0
  for (let first = 0; first < exam.length; first += PART)
    hits += (await trainer.evaluate(batchOf(exam.subarray(first, first + PART)))).hits
  return hits / exam.length
}

/** At most ROBUST of the held-out pictures, evenly from first to last: they may stand in the order of their classes. */
function someOf(exam: Int32Array): Int32Array {
  const before = (i: number) => Math.floor((i * Math.min(ROBUST, exam.length)) / exam.length)
  return exam.filter((_, i) => before(i + 1) > before(i))
}

async function judgement(judge: Judge, exam: Int32Array, seed: number) {
  const answers = async (indices: Int32Array, ask: (batch: Batch) => Promise<Float32Array>) => {
    const logits = new Float32Array(indices.length * classes)
    const target = new Float32Array(indices.length * classes)
    for (let first = 0; first < indices.length; first += PART) {
      const batch = batchOf(indices.subarray(first, first + PART))
      logits.set(await ask(batch), first * classes)
      target.set(batch.target, first * classes)
    }
    return { logits, target, right: rightOf(logits, target, classes) }
  }
  const share = ({ right }: { right: Uint8Array }) => right.reduce((a, b) => a + b, 0) / right.length
  const plain = await answers(exam, judge.plain)
  const random = streamFor('noise', seed, 0)
  const some = someOf(exam)
  return {
    ...scoresOf(plain.logits, plain.target, classes),
    noise: share(await answers(some, (batch) => judge.noisy(batch, random))),
    fgsm: share(await answers(some, judge.attacked)),
    right: plain.right,
  }
}

answerRequests<TrialRequest, Outcome | null>(async (request) => ({ reply: await outcomeOf(request), transfer: [] }))
