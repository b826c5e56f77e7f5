import { Interrupted } from '../run/interrupted.js'
import { trial } from '../run/trial.js'
import type { TrialResult, TrialRow } from '../run/trialConclusion.js'
import { interruption } from './interruption.js'
import type { Invocation } from './invocation.js'

/** `sage-augment trial <images>`: whether mixing helps on these pictures. */
export async function trialCommand({ words: [images], own, report }: Invocation<'trial'>): Promise<void> {
  const { json: _, quiet: __, ...config } = own
  const interrupt = interruption(report.note)
  try {
    const events = trial(images!, config, interrupt.signal)
    for (;;) {
      const { done, value } = await events.next()
      if (done) {
        report.stop()
        report.result({ type: 'done', ...value }, text(value))
        return
      }
      report.event(value)
    }
  } catch (error) {
    report.stop()
    if (!(error instanceof Interrupted)) throw error
    report.note(`${error.message}; repeat the command to continue`)
    process.exitCode = interrupt.exitCode()
  } finally {
    interrupt.release()
  }
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
