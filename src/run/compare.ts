import path from 'node:path'
import { encodeImage } from '../codec/codec.js'
import { insideOf } from '../containers/container.js'
import { AugmentError } from '../core/errors.js'
import { randomStream } from '../core/random.js'
import { type MethodName, methods, mixWith } from '../mix/index.js'
import type { Mixed } from '../mix/method.js'
import { inverse } from '../mix/visibleShare.js'
import { pairCount } from '../options/commands.js'
import type { ConfigInput } from '../options/inputs.js'
import { writeAtomic } from '../output/atomic.js'
import { type ComparedMix, comparisonFigure } from '../report/comparison.js'
import { cores } from '../threads/cores.js'
import { parseConfig } from './config.js'
import { startExplainer } from './explainer.js'
import { greyRangeOf } from './greyRange.js'
import { planRun, readInputs } from './inputs.js'
import { mixParameters } from './mixer.js'
import { noticesOf, type Tell, tellAll } from './notices.js'
import { requirePaths, requirePlace } from './paths.js'
import type { Job } from './plan.js'
import { checkGradient } from './uniform.js'
import { openViews, SourceError, type View, type Views } from './views.js'

/** Pairs whose pictures are prepared together, and the size of Co-Mixup's groups. */
const CHUNK = 20

/** What one method made of the pairs of a folder. */
export interface MethodSummary {
  readonly method: MethodName
  readonly outputs: number
  /** Mean share of the saliency kept: of the first source, of all others together, and both added. */
  readonly kept: { readonly sample: number; readonly partner: number; readonly both: number }
  /** Share of the first source in the label. */
  readonly lambda: { readonly mean: number; readonly sd: number; readonly min: number; readonly max: number }
  /** Of processor time per output, the saliency maps not counted; only one thread mixes. */
  readonly milliseconds: number
}

/** The parameters of a method as its paper has them. */
function defaultsOf(method: MethodName): unknown {
  return mixParameters(parseConfig({ method }))
}

/**
 * Mixes two picture files by each method, with its paper's parameters, and writes the figure of it as PNG or JPEG. `tell` hears
 * which model explains the pictures. Throws AugmentError for anything a user can mend.
 */
export async function comparePair(
  files: readonly [sample: string, partner: string],
  names: readonly MethodName[],
  out: string,
  input: ConfigInput,
  tell: Tell,
): Promise<ComparedMix[]> {
  const config = parseConfig({ ...input, target: input.target ?? 'predicted' }, 'compare')
  if (config.target !== 'predicted') {
    throw new AugmentError('usage', `--target: two pictures have no labels, expected predicted, got ${config.target}`)
  }
  const format = /\.png$/i.test(out) ? 'png' : 'jpeg'
  if (!/\.(png|jpe?g)$/i.test(out)) {
    throw new AugmentError('usage', `--out: expected the name of a .png or .jpg file, got ${out}`)
  }
  await requirePaths(
    'file',
    files.map((file) => insideOf(file)?.file ?? file),
    'a picture',
  )
  await requirePlace(out, files)
  const sources = files.map((file) => ({ file: path.resolve(file), label: 0 }))
  const explainer = await startExplainer(config, { root: '', sources, classes: [] })
  const { estimator, message } = explainer
  try {
    tell(message)
    const warning = await checkGradient(explainer, { root: '', sources }, config)
    if (warning !== null) tell(warning)
    const { maxPixels, size } = config
    const range = await greyRangeOf(config, { root: '', sources })
    const views = openViews('', sources, { maxPixels, jobs: 2, estimator, size, range })
    const [sample, partner] = await pairOf(views, [0, 1])
    for (const message of views.warnings()) tell(message)
    const mixes = names.map((method) => {
      const [mixed] = mixWith(method, [sample, partner], defaultsOf(method), randomStream(config.seed, 0))
      return { method, ...ofSample(mixed!) }
    })
    const [first, second] = files.map((file) => path.basename(file))
    const figure = await comparisonFigure(
      { name: first!, image: sample.image },
      { name: second!, image: partner.image },
      mixes,
    )
    await writeAtomic(out, await encodeImage(figure, format, 95), path.dirname(out))
    return mixes
  } catch (error) {
    if (error instanceof SourceError)
      throw new AugmentError('failed', error.message, error.hint === undefined ? {} : { hint: error.hint })
    throw error
  } finally {
    await estimator.close()
  }
}

/** A mix of two as the sample sees it, even if Co-Mixup gives the partner the larger share, or all. */
function ofSample({ image, mask, weights, kept, sources = [0, 1] }: Mixed): Omit<ComparedMix, 'method'> {
  const at = sources.indexOf(0)
  const other = sources.indexOf(1)
  return {
    image,
    lambda: weights[at] ?? 0,
    kept: [kept?.[at] ?? 0, kept?.[other] ?? 0],
    mask: sources[0] === 0 ? mask : inverse(mask),
  }
}

/** Sample and partner on the sample's canvas. */
async function pairOf(views: Views, sources: readonly number[]): Promise<[View, View]> {
  const canvas = await views.canvasOf(sources[0]!)
  return [await views.view(sources[0]!, ...canvas), await views.view(sources[1]!, ...canvas)]
}

/**
 * Mixes the first pairs of a folder, those that the main job would make, by each method with its paper's parameters, one
 * thread mixing, and sums up what they keep. Pairs with a picture that cannot be used are left out; `tell` hears of them.
 */
export async function compareFolder(
  names: readonly MethodName[],
  input: ConfigInput,
  tell: Tell,
): Promise<MethodSummary[]> {
  const config = parseConfig({ ...input, count: input.count ?? pairCount.fallback }, 'compare')
  const inputs = await readInputs(config)
  const { root, sources } = inputs
  const plan = planRun(inputs, config)
  tellAll(noticesOf(inputs), tell)
  const explainer = await startExplainer(config, inputs)
  const { estimator, message } = explainer
  try {
    tell(message)
    const warning = await checkGradient(explainer, { root, sources }, config)
    if (warning !== null) tell(warning)
    const { maxPixels, size, jobs = cores() } = config
    const range = await greyRangeOf(config, inputs)
    const views = openViews(root, sources, { maxPixels, jobs, estimator, size, range })
    const tallies = names.map((name) => new Tally(name))
    for (let first = 0; first < plan.length; first += CHUNK) {
      const jobs = Array.from({ length: Math.min(CHUNK, plan.length - first) }, (_, i) => plan.job(first + i))
      const chunk = await prepare(views, jobs, tell)
      for (const message of views.warnings()) tell(message)
      // The first pass over the first chunk is not counted: the code is compiled during it.
      if (first === 0) for (const { method } of tallies) mixChunk(method, chunk, config.seed)
      for (const tally of tallies) tally.add(chunk, config.seed)
    }
    return tallies.map((tally) => tally.summary())
  } finally {
    await estimator.close()
    const told = estimator.told()
    if (told !== null) tell(told)
  }
}

/** Pairs ready to be mixed; for methods of groups their samples on one canvas. */
interface Chunk {
  readonly pairs: readonly { readonly index: number; readonly sources: readonly [View, View] }[]
  readonly group: readonly View[]
}

async function prepare(views: Views, jobs: readonly Job[], tell: Tell): Promise<Chunk> {
  const found = await Promise.allSettled(jobs.map(({ sources }) => pairOf(views, sources)))
  const usable: Job[] = []
  const pairs = found.flatMap((result, i) => {
    const job = jobs[i]!
    if (result.status === 'fulfilled') {
      usable.push(job)
      return [{ index: job.index, sources: result.value }]
    }
    if (!(result.reason instanceof SourceError)) throw result.reason
    tell(`left out: ${result.reason.message}`, true)
    return []
  })
  const first = pairs[0]?.sources
  if (first === undefined) return { pairs, group: [] }
  const { width, height } = first[0].image
  // A pair alone is mixed with its partner.
  const members = usable.length === 1 ? usable[0]!.sources : usable.map(({ sources: [sample] }) => sample!)
  return { pairs, group: await Promise.all(members.map((source) => views.view(source, width, height))) }
}

function mixChunk(method: MethodName, { pairs, group }: Chunk, seed: number): readonly Mixed[] {
  const parameters = defaultsOf(method)
  if (pairs.length === 0) return []
  if ('mixGroup' in methods[method]) {
    return mixWith(method, group, parameters, randomStream(seed, pairs[0]!.index)).slice(0, pairs.length)
  }
  return pairs.flatMap(({ index, sources }) => mixWith(method, sources, parameters, randomStream(seed, index)))
}

/** What a method has kept so far, and how long it took. */
class Tally {
  private readonly lambdas: number[] = []
  private readonly kept: [sample: number, partner: number] = [0, 0]
  private elapsed = 0

  constructor(readonly method: MethodName) {}

  add(chunk: Chunk, seed: number): void {
    const before = process.cpuUsage()
    const outputs = mixChunk(this.method, chunk, seed)
    const { user, system } = process.cpuUsage(before)
    this.elapsed += (user + system) / 1000
    for (const { weights, kept } of outputs) {
      this.lambdas.push(weights[0]!)
      kept!.forEach((share, i) => {
        this.kept[i === 0 ? 0 : 1] += share
      })
    }
  }

  summary(): MethodSummary {
    const { method, lambdas } = this
    const outputs = lambdas.length
    const mean = lambdas.reduce((sum, lambda) => sum + lambda, 0) / outputs
    const variance = lambdas.reduce((sum, lambda) => sum + (lambda - mean) ** 2, 0) / outputs
    const [sample, partner] = this.kept.map((sum) => sum / outputs) as [number, number]
    const [min, max] = [Math.min, Math.max].map((pick) => lambdas.reduce((a, b) => pick(a, b))) as [number, number]
    return {
      method,
      outputs,
      kept: { sample, partner, both: sample + partner },
      lambda: { mean, sd: Math.sqrt(variance), min, max },
      milliseconds: this.elapsed / outputs,
    }
  }
}
