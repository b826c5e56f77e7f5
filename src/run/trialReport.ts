/** Writes the page of a trial beside its record. */
import path from 'node:path'
import type { Label } from '../core/softLabel.js'
import { writeAtomic } from '../output/atomic.js'
import { shrink, thumbnail } from '../report/thumbnail.js'
import { type ShownArm, trialPage } from '../report/trialPage.js'
import { courseOf, type Lessons } from '../train/course.js'
import type { Arm } from '../trial/arms.js'
import { detectable, mean } from '../trial/statistics.js'
import { mapOf } from './sharedMaps.js'
import type { Known } from './trialBench.js'
import type { TrialResult, TrialRow } from './trialConclusion.js'
import type { Studied, TrialMaps } from './trialMaps.js'
import type { TrialRecord, TrialRun } from './trialRecord.js'

/** Mixes of each arm that are shown. */
const SHOWN = 6

const COLUMNS = ['accuracy', 'to clean', 'log loss', 'ECE', 'noise', 'FGSM', 'repetitions', 'seconds']

interface ReportMaterial {
  readonly studied: Studied
  readonly labels: readonly Label[]
  readonly maps: TrialMaps
  readonly bench: Pick<Known, 'runs'>
  /** Of the first repetition. */
  readonly lessons: Int32Array
}

/** The path of the page. */
export async function writeTrialReport(
  out: string,
  { arms, steps }: { readonly arms: readonly Arm[]; readonly steps: number },
  facts: Pick<TrialRecord, 'images' | 'pictures' | 'heldOut' | 'student' | 'batch' | 'seed' | 'tool' | 'classes'>,
  { rows, verdict, recommendation }: Pick<TrialResult, 'rows' | 'verdict' | 'recommendation'>,
  material: ReportMaterial,
): Promise<string> {
  const shown: ShownArm[] = []
  for (const row of rows) shown.push(await armOf(row, arms.find(({ name }) => name === row.arm)!, facts.seed, material))
  const { images, pictures, heldOut, student, batch, seed, tool, classes } = facts
  const page = trialPage({
    ...{ name: path.basename(images), columns: COLUMNS, arms: shown, verdict, recommendation },
    facts: [
      ['pictures', `${pictures} of ${classes.length} classes`],
      ['judged in a repetition', String(heldOut)],
      ['student', student],
      ['steps', `${steps} of ${batch} pictures`],
      ['seed', String(seed)],
      ['sage-augment', tool],
    ],
  })
  const file = `${out.replace(/\.json$/i, '')}.html`
  await writeAtomic(file, page, path.dirname(file))
  return file
}

async function armOf(row: TrialRow, arm: Arm, seed: number, material: ReportMaterial): Promise<ShownArm> {
  const { difference } = row
  const percent = (share: number) => (100 * share).toFixed(1)
  const runs = material.bench.runs.filter((run) => run.arm === row.arm)
  return {
    name: row.arm,
    repetitions: row.repetitions,
    cells: [
      percent(row.accuracy),
      difference === null ? '' : `${percent(difference.mean)} ± ${percent(difference.error)}`,
      row.logLoss.toFixed(3),
      ...[row.calibration, row.noise, row.fgsm].map(percent),
      String(row.repetitions),
      row.seconds.toFixed(1),
    ],
    difference: difference && { mean: difference.mean, error: difference.error, reach: detectable(difference) },
    curve: meanCurve(runs),
    samples: await samplesOf(arm, seed, material),
  }
}

function meanCurve(runs: readonly TrialRun[]): ShownArm['curve'] {
  return runs[0]!.curve.map(({ step, accuracy }, i) => ({
    step,
    loss: mean(runs.map(({ curve }) => curve[i]!.loss)),
    accuracy: accuracy === null ? null : mean(runs.map(({ curve }) => curve[i]!.accuracy!)),
  }))
}

/** What an arm makes first; nothing of one whose maps are the student's own. */
async function samplesOf(arm: Arm, seed: number, { studied, labels, maps, lessons }: ReportMaterial) {
  const { method, parameters, pairing } = arm
  const found = await maps.of(arm, 0, lessons)
  if (arm.maps !== null && found === null) return []
  const all = found && mapOf(found)
  const mix = method && { method, parameters, pairing, map: all && ((i: number) => all(lessons[i]!)) }
  const pupils: Lessons = {
    ...{ size: lessons.length, classes: studied.classes.length },
    picture: (i) => studied.image(lessons[i]!),
    label: (i) => labels[lessons[i]!]!,
  }
  const view = { crop: 'none', flip: false, jitter: 0 } as const
  const { pixels } = courseOf(pupils, { seed, view, share: 1, mix })(0, SHOWN)
  const { width, height } = studied
  const bytes = 3 * width * height
  return Promise.all(
    Array.from({ length: SHOWN }, async (_, i) =>
      thumbnail(await shrink({ data: pixels.slice(i * bytes, (i + 1) * bytes), width, height })),
    ),
  )
}
