/** A run's first outputs, made without its folder: how long all of them will take, and what they look like. */
import path from 'node:path'
import { encodeImage } from '../codec/codec.js'
import type { Image } from '../core/image.js'
import { makeFolder, writeAtomic } from '../output/atomic.js'
import { contactSheet } from '../report/contactSheet.js'
import { orderedMap } from '../threads/orderedMap.js'
import type { Config } from './config.js'
import type { AugmentEvent } from './events.js'
import type { Inputs } from './inputs.js'
import { fixedLabel, type JobRunner, type Resources, startJobs } from './job.js'
import { startMixer } from './mixer.js'
import { labelInWords, smallPictures } from './pictured.js'
import type { Plan } from './plan.js'
import { openViews, SourceError } from './views.js'

/** How long outputs are made to see how fast they come, in milliseconds, after those that warm up threads and caches. */
const PATIENCE_MS = 2000

/** A run that keeps nothing. */
export interface Rehearsal {
  readonly inputs: Inputs
  readonly plan: Plan
  readonly config: Config
  /** The outputs of this shard. */
  readonly range: { readonly start: number; readonly end: number }
  readonly resources: Omit<Resources, 'model' | 'output'>
}

const NOWHERE: Resources['output'] = { write: async () => {}, reusable: async () => null }

/** Seconds that `outputs` outputs will take, judged by some that are made and thrown away; null where none could be made. */
export async function timeOutputs(
  { inputs, plan, config, range, resources }: Rehearsal,
  outputs: number,
): Promise<{ seconds: number; timed: number } | null> {
  const jobs = startJobs(inputs, plan, config, { ...resources, model: null, output: NOWHERE })
  try {
    const batch = Math.max(resources.estimator?.batch ?? 1, resources.threads)
    const warm = Math.min(batch, Math.floor((range.end - range.start) / 2))
    await make(jobs, range.start, range.start + warm)
    const first = range.start + warm
    const { made: timed, seconds } = await make(jobs, first, range.end)
    if (timed === 0) return null
    const epochs = Math.max(1, plan.mixes / inputs.sources.length)
    if (inputs.pairs !== null || epochs === 1) return { seconds: (seconds / timed) * outputs, timed }
    // Later epochs find their pictures and maps made, as a second time does.
    const again = await make(jobs, first, first + timed)
    const each = (seconds / timed + (epochs - 1) * (again.seconds / Math.max(1, again.made))) / epochs
    return { seconds: each * outputs, timed }
  } finally {
    await jobs.close()
  }
}

/** Makes outputs until the patience ends; how many that were, and how long it took. */
async function make(jobs: JobRunner, start: number, end: number): Promise<{ made: number; seconds: number }> {
  const began = performance.now()
  const outcomes = orderedMap(start, end, jobs.window, jobs.run, AbortSignal.timeout(PATIENCE_MS))
  let made = 0
  for await (const outcome of outcomes) if ('made' in outcome) made++
  return { made, seconds: (performance.now() - began) / 1000 }
}

/** `aug-preview.png` beside the output folder `aug`. */
function previewOf(out: string): string {
  return `${path.join(out, '.').replace(/[/\\]+$/, '')}-preview.png`
}

/** Draws the first `count` mixes with what they are made of, tells their labels, and returns the file's path. */
export async function* drawPreview(
  { inputs, plan, config, range, resources }: Rehearsal,
  count: number,
): AsyncGenerator<AugmentEvent, string | null> {
  const { threads } = resources
  const { maxPixels, size } = config
  const views = openViews(inputs.root, inputs.sources, { ...resources, maxPixels, size, jobs: threads })
  const mixer = startMixer(plan, { ...config, writeMasks: true }, threads, views)
  const strips: Image[][] = []
  try {
    const end = Math.min(range.start + count, plan.mixes, range.end)
    const mixed = orderedMap(
      range.start,
      end,
      () => threads + 1,
      async (index) => {
        try {
          const job = plan.job(index)
          return { job, mixed: await mixer.mix(job) }
        } catch (error) {
          if (error instanceof SourceError) return error
          throw error
        }
      },
    )
    for await (const one of mixed) {
      if (one instanceof SourceError) {
        yield { type: 'notice', message: one.message }
        continue
      }
      const { shares, weights, image } = one.mixed
      strips.push(Object.values(await smallPictures(one.mixed, image)).filter((picture) => picture !== null))
      const parts = shares.map(({ source }, i) => {
        const { file, label } = inputs.sources.at(source)!
        return `${weights[i]!.toFixed(2)} ${file} (${labelInWords(fixedLabel(one.job, i) ?? label, inputs.classes)})`
      })
      yield { type: 'notice', message: `mix ${one.job.index}: ${parts.join(' + ')}` }
    }
  } finally {
    await mixer.close()
  }
  if (strips.length === 0) return null
  const file = previewOf(inputs.out)
  await makeFolder(path.dirname(file))
  await writeAtomic(file, await encodeImage(await contactSheet(strips), 'png', 100), path.dirname(file))
  return file
}
