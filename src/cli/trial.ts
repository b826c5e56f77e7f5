import { trial } from '../run/trial.js'
import type { TrialResult, TrialRow } from '../run/trialConclusion.js'
import { CONTINUE, heardOut, interruptible } from './interruption.js'
import type { Invocation } from './invocation.js'

/** `sage-augment trial <images>`: whether mixing helps on these pictures. */
export async function trialCommand({ words: [images], own, report }: Invocation<'trial'>): Promise<void> {
  const { json: _, quiet: __, ...config } = own
  await interruptible(report, CONTINUE, async (signal) => {
    const found = await heardOut(trial(images!, config, signal), report)
    report.stop()
    report.result({ type: 'done', ...found }, text(found))
  })
}

/** The smallest difference first, the table, the verdict, the command. */
function text({ rows, verdict: [resolution, ...found], recommendation, out, report, seconds }: TrialResult): string {
  return [
    `${resolution}`,
    '',
    ...table(rows),
    '',
    ...found,
    `${out}${report === undefined ? '' : `, ${report}`} in ${seconds.toFixed(0)} s`,
    ...(recommendation === null ? [] : [recommendation]),
  ].join('\n')
}

const HEAD = ['', 'accuracy', 'to clean', 'log loss', 'ECE', 'noise', 'FGSM', 'runs', 'seconds']

function table(rows: readonly TrialRow[]): string[] {
  const percent = (share: number) => (100 * share).toFixed(1)
  const cells = rows.map((row) => [
    row.arm,
    percent(row.accuracy),
    row.difference === null
      ? ''
      : `${row.difference.mean < 0 ? '-' : '+'}${percent(Math.abs(row.difference.mean))} ± ${percent(row.difference.error)}`,
    row.logLoss.toFixed(3),
    percent(row.calibration),
    percent(row.noise),
    percent(row.fgsm),
    String(row.repetitions),
    row.seconds.toFixed(1),
  ])
  const widths = HEAD.map((_, i) => Math.max(...[HEAD, ...cells].map((line) => line[i]!.length)))
  const line = (words: readonly string[]) =>
    words.map((word, i) => (i === 0 ? word.padEnd(widths[0]!) : word.padStart(widths[i]!))).join('  ')
  return [HEAD, ...cells].map((words) => line(words).trimEnd())
}
