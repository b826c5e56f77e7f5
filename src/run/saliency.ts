import path from 'node:path'
import { encodeGrey16, encodeImage, resize } from '../codec/codec.js'
import { encodeNpy } from '../codec/npy.js'
import type { GreyRange } from '../codec/samples.js'
import { counted } from '../core/counted.js'
import { AugmentError } from '../core/errors.js'
import type { Image } from '../core/image.js'
import type { Plane } from '../core/plane.js'
import { normal, type Random, randomStream } from '../core/random.js'
import { picturesInContainers } from '../dataset/contained.js'
import { type Manifest, readManifest } from '../dataset/manifest.js'
import { describeUnread, findPictures } from '../dataset/pictures.js'
import { Folder } from '../dataset/scan.js'
import { filesOf } from '../dataset/source.js'
import { mapOptions, mapsOut } from '../options/commands.js'
import type { ConfigInput, MapOptions } from '../options/inputs.js'
import { checked } from '../options/schema.js'
import { FAILURES } from '../output/layout.js'
import { MAP_FILES, type MapFolder, openMapFolder, portablePath } from '../output/mapFolder.js'
import { refuseOwnInputs } from '../output/ownInputs.js'
import { type Failure, jsonLine } from '../output/rows.js'
import { overlay } from '../report/overlay.js'
import { cores } from '../threads/cores.js'
import { orderedMap } from '../threads/orderedMap.js'
import { type Config, parseConfig } from './config.js'
import type { Estimator } from './estimator.js'
import type { AugmentEvent } from './events.js'
import { type Explainer, startExplainer } from './explainer.js'
import { formatRange, greyRangeOf } from './greyRange.js'
import { notice, noticesOf } from './notices.js'
import { opened } from './opened.js'
import { checkGradient, mapTally, tallied } from './uniform.js'
import { versions } from './versions.js'
import { openViews, SourceError } from './views.js'

/**
 * Draws the saliency map of every picture of a folder, the one that mixing uses, and tells its events; the last is `done`.
 * With `target: 'predicted'` the pictures need no labels. Throws AugmentError for anything a user can mend.
 */
export async function* drawSaliency(input: ConfigInput, options: MapOptions = {}): AsyncGenerator<AugmentEvent, void> {
  const started = performance.now()
  const config = parseConfig(input, 'saliency')
  checkOptions(options)
  const { out = mapsOut.fallback } = config
  const pictures = await readPictures(config)
  const { sources } = pictures
  const used = { root: pictures.root, files: filesOf(sources), what: 'a picture to be explained' }
  await refuseOwnInputs(out, used, MAP_FILES)
  yield* noticesOf({ ...pictures, told: `${counted(sources.length, 'picture')}; ${pictures.told}` })
  if (options.smooth !== undefined && config.saliency === 'spectral') {
    throw new AugmentError(
      'usage',
      '--smooth: found --saliency spectral, expected a kind of map that a classifier makes',
    )
  }
  // Noisy copies are of no use to another run.
  const { cache, ...uncached } = config
  const explainer = await startExplainer(options.smooth ? uncached : config, pictures, attributionOf(options))
  const { device } = explainer.estimator.facts
  try {
    yield notice(explainer.message)
    const warning = await checkGradient(explainer, pictures, config)
    if (warning !== null) yield notice(warning)
    const tally = mapTally(sources)
    const folder = yield* opened((notice) => openMapFolder(out, notice))
    try {
      yield { type: 'start', device, model: explainer.classifier?.name ?? null, done: 0 }
      const range = await greyRangeOf(config, pictures)
      const drawing = artist(pictures, config, options, tallied(explainer.estimator, tally), folder, range)
      const skipped = yield* drawAll(sources.length, explainer.estimator.batch + 2, drawing, folder)
      const written = sources.length - skipped
      await folder.finish({
        ...recordOf(config, options, explainer, range),
        counts: { written, skipped, ...tally.counts() },
      })
      await explainer.estimator.close()
      const told = explainer.estimator.told()
      if (told !== null) yield notice(told)
      const seconds = (performance.now() - started) / 1000
      yield { type: 'done', out, written, skipped, made: written, seconds, device, ...tally.counts() }
    } finally {
      await folder.close()
    }
  } finally {
    await explainer.estimator.close()
  }
}

/** Throws a usage error for values out of range and for kinds of maps that do not go together. */
function checkOptions(options: MapOptions): void {
  const { smooth, timesInput, integrated } = checked(mapOptions, options)
  if (integrated === undefined || (smooth === undefined && !timesInput)) return
  throw new AugmentError('usage', '--integrated: cannot be used with --smooth or --times-input')
}

function attributionOf({ timesInput, integrated }: MapOptions) {
  return { ...(timesInput && { timesInput }), ...(integrated !== undefined && { integrated }) }
}

const UNLABELLED = { classes: [], told: 'labels are not used', ignored: 0, notices: [] }

type Pictures = Pick<Manifest, 'root' | 'sources' | 'classes' | 'told' | 'ignored' | 'unread' | 'notices'>

/** The manifest of a folder; where its labels do not matter, simply the pictures in it. */
async function readPictures({
  images,
  labels,
  classes,
  split,
  target,
  followLinks,
  multiLabel,
}: Config): Promise<Pictures> {
  if (images === undefined) throw new AugmentError('usage', 'images: expected a folder of pictures')
  if (target !== 'predicted') {
    return readManifest(images, {
      followLinks,
      split,
      multiLabel,
      ...(labels !== undefined && { labels }),
      ...(classes !== undefined && { classes }),
    })
  }
  const contained = await picturesInContainers(images, { split })
  if (contained !== undefined) {
    const sources = contained.files.map((file) => ({ file, label: 0 }))
    return { root: contained.root, sources, ...UNLABELLED, unread: null }
  }
  const { root, files } = await Folder.scan(images, { followLinks })
  const found = await findPictures(root, files)
  if (found.pictures.length === 0) throw new AugmentError('usage', `${images}: found no pictures, expected some`)
  const sources = found.pictures.map((file) => ({ file, label: 0 }))
  const unread = found.unread.length === 0 ? null : describeUnread(images, found.unread)
  return { root, sources, ...UNLABELLED, unread }
}

interface Artist {
  /** Draws the map of a source, as an overlay and raw; a picture that cannot be used makes it a failure. */
  draw(source: number): Promise<Failure | null>
  warnings(): string[]
}

function artist(
  { root, sources }: Pictures,
  config: Config,
  { raw, smooth }: MapOptions,
  estimator: Estimator,
  folder: MapFolder,
  range: GreyRange,
): Artist {
  const views = openViews(root, sources, {
    maxPixels: config.maxPixels,
    jobs: config.jobs ?? cores(),
    estimator: smooth === undefined ? estimator : null,
    size: config.size,
    range,
  })

  async function draw(source: number): Promise<void> {
    const { image, saliency } = await views.view(source, ...(await views.canvasOf(source)))
    const random = randomStream(config.seed, source)
    const map = saliency ?? (await smoothMap(estimator, source, image, smooth!, random))
    const file = portablePath(sources.at(source)!.file)
    await folder.write(`overlays/${file}.png`, await encodeImage(overlay(image, map), 'png', 100))
    if (raw === 'npy') await folder.write(`maps/${file}.npy`, encodeNpy(map))
    if (raw === 'png16') await folder.write(`maps/${file}.png`, await encodeGrey16(map))
  }

  return {
    warnings: views.warnings,
    async draw(source) {
      try {
        await draw(source)
        return null
      } catch (error) {
        if (!(error instanceof SourceError)) throw error
        return { index: source, sources: [sources.at(source)!.file], message: error.message }
      }
    },
  }
}

/** Draws all maps, a few at a time, and returns how many failed; failures.jsonl lists them. */
async function* drawAll(
  total: number,
  width: number,
  { draw, warnings }: Artist,
  folder: MapFolder,
): AsyncGenerator<AugmentEvent, number> {
  const failures: Failure[] = []
  let done = 0
  for await (const failure of orderedMap(0, total, () => width, draw)) {
    for (const message of warnings()) yield notice(message)
    if (failure === null) done++
    else {
      failures.push(failure)
      yield { type: 'skip', index: failure.index, message: failure.message }
    }
    yield { type: 'progress', done, total, skipped: failures.length }
  }
  if (failures.length > 0) {
    await folder.write(FAILURES, failures.map(jsonLine).join(''))
  }
  return failures.length
}

/** Standard deviation of SmoothGrad's noise, 15 % of the range: its authors advise 10 to 20 %. */
const NOISE = 0.15 * 255

/** Mean of the maps of `copies` noisy copies of the picture (SmoothGrad, Smilkov et al. 2017, arXiv 1706.03825). */
async function smoothMap(
  estimator: Estimator,
  source: number,
  image: Image,
  copies: number,
  random: Random,
): Promise<Plane> {
  const { width, height } = estimator.facts
  const onGrid = await resize(image, width, height)
  const noisy = Array.from({ length: copies }, () => {
    const data = Uint8ClampedArray.from(onGrid.data, (value) => value + NOISE * normal(random))
    return { data: new Uint8Array(data.buffer), width, height }
  })
  const { grid } = estimator.facts
  const sum = new Float64Array(grid.width * grid.height)
  for (const { saliency } of await Promise.all(noisy.map((copy) => estimator.estimate(source, copy)))) {
    saliency.data.forEach((value, i) => {
      sum[i]! += value
    })
  }
  return { data: Float32Array.from(sum, (value) => value / copies), ...grid }
}

/** All that is needed to make the maps again. */
function recordOf(config: Config, maps: MapOptions, { classifier, target, estimator }: Explainer, range: GreyRange) {
  const { loss, channelNorm, blurKernel, blurSigma, output, size, exact, seed } = config
  const { device, kind, layer, grid } = estimator.facts
  return {
    versions,
    options: {
      saliency: kind,
      ...(layer !== null && { layer }),
      loss,
      target,
      channelNorm,
      blurKernel,
      blurSigma,
      output,
      size,
      range: formatRange(range),
      exact,
      ...maps,
      ...(maps.smooth && { seed }),
    },
    model: classifier && { name: path.basename(classifier.name), sha256: classifier.sha256 },
    device,
    grid: [grid.width, grid.height],
  }
}
