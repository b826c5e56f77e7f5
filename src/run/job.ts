import { createHash } from 'node:crypto'
import pLimit from 'p-limit'
import { encodeImage } from '../codec/codec.js'
import { encodeNpy } from '../codec/npy.js'
import type { GreyRange } from '../codec/samples.js'
import type { Image } from '../core/image.js'
import { dense, heaviest, type Label, mixLabels, type SoftLabel } from '../core/softLabel.js'
import type { Facts } from '../objects/reading.js'
import { maskOf } from '../output/layout.js'
import type { OutputFolder } from '../output/outputFolder.js'
import type { Failure, ProvenanceRow, Reading, Row } from '../output/rows.js'
import type { Config } from './config.js'
import type { Estimator } from './estimator.js'
import type { Inputs } from './inputs.js'
import { startMixer } from './mixer.js'
import { inClassFolder, type Job, type Plan } from './plan.js'
import { openViews, SourceError, type View } from './views.js'

export interface JobRunner {
  /** Makes output `index` and writes its image; a source that cannot be used makes it a failure. */
  run(index: number): Promise<Row | Failure>
  /** How many jobs may be under way, given the pictures met so far. */
  window(): number
  /** Whether a mixing thread searches slowly for want of memory. */
  readonly starved: boolean
  /** What has been found in pictures since the last call that may spoil all of them. */
  warnings(): string[]
  close(): Promise<void>
}

export interface Resources {
  /** Null where the method needs no saliency. */
  readonly estimator: Estimator | null
  /** Where pictures are written, and rows of earlier attempts are found. */
  readonly output: Pick<OutputFolder, 'write' | 'reusable'>
  /** SHA-256 of the model, if one is used. */
  readonly model: string | null
  readonly threads: number
  /** Of 16-bit grey. */
  readonly range: GreyRange
  /** Throws where the file of a source has changed since the plan. */
  readonly check: (source: number, now: Facts, sha256: string) => void
}

/** Memory for pictures under way, each counted four times: sources, mix and encoder. */
const WINDOW_BYTES = 256 * 2 ** 20

/** Starts the mixing threads and returns what carries out the jobs of a plan. */
export function startJobs(inputs: Inputs, plan: Plan, config: Config, resources: Resources): JobRunner {
  const { estimator, output, threads, range, check } = resources
  const { maxPixels, size } = config
  const { root, sources, hashes } = inputs
  const views = openViews(root, sources, { maxPixels, jobs: threads, estimator, size, range, hashes, check })
  const limit = pLimit(threads + 2)
  const extension = config.format === 'jpeg' ? 'jpg' : 'png'

  /** Path of an output without extension: where the loaders of class folders look for its heaviest class, if asked for. */
  function placeOf({ name }: Job, label: SoftLabel): string {
    return config.layout === 'class-folders' ? inClassFolder(name, heaviest(label)) : name
  }

  /** Encodes and writes a picture; the SHA-256 of its file. */
  async function save(file: string, image: Image): Promise<string> {
    const bytes = await limit(encodeImage, image, config.format, config.quality)
    await output.write(file, bytes)
    return createHash('sha256').update(bytes).digest('hex')
  }

  async function original(job: Job): Promise<Row> {
    const source = job.sources[0]!
    const { image, sha256, reading } = await views.own(source)
    const label = dense(inputs.sources.at(source)!.label, inputs.classes.length)
    const file = `${placeOf(job, label)}.${extension}`
    const hash = await save(file, image)
    const name = inputs.sources.at(source)!.file
    const made: ProvenanceRow = {
      ...placeOfJob(job),
      file_name: file,
      sha256: hash,
      method: 'original',
      sources: [{ file: name, sha256, ...readAs(reading) }],
      canvas: [image.width, image.height],
      lambda: 1,
    }
    return { label, made }
  }

  // One core is left to the inference thread.
  const mixer = startMixer(plan, config, Math.max(1, threads - 1), views)

  async function mix(job: Job): Promise<Row> {
    const { image, mask, weights, details, shares, canvas } = await mixer.mix(job)
    const labels = shares.map(({ source }, i) => fixedLabel(job, i) ?? inputs.sources.at(source)!.label)
    const label = mixLabels(labels, weights, inputs.classes.length)
    const file = `${placeOf(job, label)}.${extension}`
    if (mask !== null) await output.write(maskOf(file), encodeNpy(mask))
    const hash = await save(file, image)
    const names = shares.map(({ source }) => inputs.sources.at(source)!.file)
    const made: ProvenanceRow = {
      ...placeOfJob(job),
      file_name: file,
      sha256: hash,
      method: config.method,
      sources: shares.map(({ view }, i) => describe(names[i]!, view, writtenLabel(job, i, inputs.classes))),
      canvas: [...canvas],
      ...details,
      lambda: weights[0]!,
      ...(weights.length > 2 && { weights }),
      seed: config.seed,
      ...(resources.model !== null && { model: resources.model }),
    }
    return { label, made }
  }

  return {
    async run(index) {
      const job = plan.job(index)
      const reused = await output.reusable(index)
      if (reused !== null) return reused
      try {
        return await (job.sources.length === 1 ? original(job) : mix(job))
      } catch (error) {
        if (!(error instanceof SourceError)) throw error
        return { index, sources: job.sources.map((i) => inputs.sources.at(i)!.file), message: error.message }
      }
    },
    window() {
      if (views.largest === 0) return threads
      const affordable = Math.floor(WINDOW_BYTES / (4 * views.largest))
      return Math.max(threads, Math.min(4 * (estimator?.batch ?? 16) + threads, affordable))
    },
    get starved() {
      return mixer.starved
    },
    warnings: () => views.warnings(),
    close: () => mixer.close(),
  }
}

function placeOfJob({ index, epoch }: Job): Pick<ProvenanceRow, 'index' | 'epoch'> {
  return { index, ...(epoch !== undefined && { epoch }) }
}

type Source = ProvenanceRow['sources'][number]

function describe(file: string, { sha256, reading, uniform }: View, label: Source['label']): Source {
  const labelled = label !== undefined && { label }
  return { file, sha256, ...labelled, ...readAs(reading), ...(uniform && { uniform_saliency: true }) }
}

function readAs(read: Reading): Pick<Source, 'read'> {
  return Object.keys(read).length === 0 ? {} : { read }
}

/** The label that an explicit pair gives its source `i`, if it does. */
export function fixedLabel({ pair }: Job, i: number): Label | undefined {
  return i === 0 ? pair?.labelA : pair?.labelB
}

/** The same as a pairs file would write it. */
function writtenLabel(job: Job, i: number, classes: readonly string[]): Source['label'] {
  const label = fixedLabel(job, i)
  if (label === undefined) return undefined
  if (typeof label === 'number') return classes[label]!
  const weights = dense(label, classes.length)
  return Object.fromEntries(classes.map((name, k) => [name, weights[k]!]))
}
