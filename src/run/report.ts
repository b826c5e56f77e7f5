/** Makes a report on a run from its output folder: what it shows is mixed again by the plan. */
import path from 'node:path'
import { encodeImage } from '../codec/codec.js'
import { decodeImage } from '../codec/decode.js'
import type { Image } from '../core/image.js'
import { CONTACT_SHEET, REPORT } from '../output/layout.js'
import type { OutputFolder } from '../output/outputFolder.js'
import { readRows } from '../output/outputs.js'
import type { Row } from '../output/rows.js'
import { contactSheet } from '../report/contactSheet.js'
import type { Report, ShownOutput } from '../report/contents.js'
import { page } from '../report/page.js'
import { Statistics } from '../report/statistics.js'
import { thumbnail } from '../report/thumbnail.js'
import { orderedMap } from '../threads/orderedMap.js'
import type { Config } from './config.js'
import type { Inputs } from './inputs.js'
import { fixedLabel, type Resources } from './job.js'
import { chooseRows, evenly, readFailures } from './madeRows.js'
import { groupOf, groupSizeOf, type MixedJob, startMixer } from './mixer.js'
import { labelInWords, smallPictures, weightsOf } from './pictured.js'
import type { Job, Plan } from './plan.js'
import { openViews, SourceError } from './views.js'

/** Outputs on the page, on the contact sheet, and failures on the page. */
const [SHOWN, ON_SHEET, FAILURES] = [200, 60, 200]

interface ReportResources extends Omit<Resources, 'model' | 'output'> {
  readonly output: OutputFolder
  readonly counts: Report['counts']
  readonly record: Report['record']
}

/** Writes report.html and the contact sheet of a run whose tables are complete. */
export async function writeReport(
  inputs: Inputs,
  plan: Plan,
  config: Config,
  resources: ReportResources,
): Promise<void> {
  const { output, counts, record } = resources
  const statistics = new Statistics(inputs.classes.length)
  const rowsOf = () => readRows(inputs.out, inputs.classes, config.multiLabel)
  for await (const { label, made } of rowsOf()) statistics.add({ ...made, label })
  const groupSize = groupSizeOf(config)
  const firstOf = (index: number) => groupOf(plan, index, groupSize)[0]
  const rows = await chooseRows(rowsOf(), statistics.mixes, groupSize, firstOf, SHOWN)
  const { outputs, strips } = await mixAgain(rows, inputs, plan, config, resources)
  const report: Report = {
    name: path.basename(inputs.root),
    classes: inputs.classes,
    sourceLabels: sumOfLabels(inputs),
    counts,
    statistics,
    outputs,
    failures: await readFailures(inputs.out, FAILURES),
    record,
  }
  await output.write(REPORT, Buffer.from(page(report)))
  if (strips.length > 0) await output.write(CONTACT_SHEET, await encodeImage(await contactSheet(strips), 'png', 100))
}

/** The rows as the page shows them, and the pictures of some of them for the contact sheet. */
async function mixAgain(
  rows: readonly Row[],
  inputs: Inputs,
  plan: Plan,
  config: Config,
  { estimator, output, threads, range }: ReportResources,
) {
  const { maxPixels, size } = config
  const views = openViews(inputs.root, inputs.sources, { maxPixels, jobs: threads, estimator, size, range })
  const mixer = startMixer(plan, { ...config, writeMasks: true }, threads, views)
  const outputs: ShownOutput[] = []
  const strips: Image[][] = []
  const onSheet = evenly(Math.min(ON_SHEET, rows.length), rows.length)
  try {
    const shown = orderedMap(
      0,
      rows.length,
      () => threads + 1,
      (i) => show(rows[i]!, plan.job(rows[i]!.made.index), inputs, output, (job) => mixer.mix(job)),
    )
    let i = 0
    for await (const one of shown) {
      if (one !== null) outputs.push(one.output)
      if (one !== null && onSheet(i)) strips.push(one.strip)
      i++
    }
  } finally {
    await mixer.close()
  }
  return { outputs, strips }
}

/** An output with what it was made of; null where a source cannot be used any more. */
async function show(
  { label, made: row }: Row,
  job: Job,
  inputs: Inputs,
  output: OutputFolder,
  mix: (job: Job) => Promise<MixedJob>,
) {
  const mixed = await mix(job).catch((error: unknown) => {
    if (error instanceof SourceError) return null
    throw error
  })
  if (mixed === null) return null
  const file = await output.pictures.picture(row.file_name)
  const made = await decodeImage(file, row.file_name, { maxPixels: row.canvas[0] * row.canvas[1] })
  const images = await smallPictures(mixed, made)
  const thumbnails = await Promise.all(
    Object.entries(images).map(async ([name, image]) => [name, image && (await thumbnail(image))]),
  )
  const shown: ShownOutput = {
    index: row.index,
    file: row.file_name,
    sources: mixed.shares.map(({ source }, i) => ({
      file: inputs.sources.at(source)!.file,
      label: labelInWords(fixedLabel(job, i) ?? inputs.sources.at(source)!.label, inputs.classes),
    })),
    pictures: Object.fromEntries(thumbnails) as ShownOutput['pictures'],
    weights: weightsOf(label),
    lambda: row.lambda,
    ...(row.shift && { shift: row.shift }),
    ...(row.total_saliency !== undefined && { totalSaliency: row.total_saliency }),
    ...(row.total_saliency_unshifted !== undefined && { totalSaliencyUnshifted: row.total_saliency_unshifted }),
  }
  return { output: shown, strip: Object.values(images).filter((image) => image !== null) }
}

function sumOfLabels({ sources, classes }: Inputs): Float64Array {
  const sums = new Float64Array(classes.length)
  for (const { label } of sources) {
    if (typeof label === 'number') sums[label]!++
    else {
      label.classes.forEach((k, i) => {
        sums[k]! += label.weights[i]!
      })
    }
  }
  return sums
}
