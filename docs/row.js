/** Makes row.png, the picture at the head of the README, with the program's own code: npm run docs:row */
import { writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { encodeImage } from '../dist/codec/codec.js'
import { randomStream } from '../dist/core/random.js'
import { saliencyOf } from '../dist/mix/method.js'
import { sage } from '../dist/mix/sage.js'
import { beside } from '../dist/report/beside.js'
import { grey, overlay } from '../dist/report/overlay.js'
import { parseConfig } from '../dist/run/config.js'
import { startExplainer } from '../dist/run/explainer.js'
import { openViews } from '../dist/run/views.js'

const PHOTOS = fileURLToPath(new URL('../fixtures/photos', import.meta.url))
const FILES = [
  { file: 'rocket.jpg', label: 0 },
  { file: 'chelsea.jpg', label: 0 },
]
const ALPHA = 0.5
const [CANVAS, HEIGHT, GAP] = [384, 184, 8]

const config = parseConfig({ target: 'predicted', device: 'cpu' })
const { estimator } = await startExplainer(config, { root: PHOTOS, sources: FILES, classes: [] })
try {
  const views = openViews(PHOTOS, FILES, { maxPixels: 0x3fff ** 2, jobs: 1, estimator, size: undefined, range: 'full' })
  const [sample, partner] = await Promise.all(FILES.map((_, source) => views.view(source, CANVAS, CANVAS)))
  const parameters = /** @type {const} */ ({ mixupAlpha: 1, upperLambda: 0.6, shift: 'exact', fixed: { alpha: ALPHA } })
  const { image, mask } = sage.mix([sample, partner], parameters, randomStream(0, 0))
  const maps = [sample, partner].map((view) => overlay(view.image, saliencyOf(view)))
  const row = await beside([sample.image, partner.image, ...maps, grey(mask), image], HEIGHT, GAP)
  await writeFile(new URL('row.png', import.meta.url), await encodeImage(row, 'png', 100))
} finally {
  await estimator.close()
}
