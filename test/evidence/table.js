/**
 * Prints the table of trials in Markdown: the repetitions of several records of one task, each of another seed, together.
 *   npm run build && node test/evidence/table.js trial.json [more.json ...]
 */
import { readFileSync } from 'node:fs'
import { conclude } from '../../dist/run/trialConclusion.js'

const records = process.argv.slice(2).map((file) => JSON.parse(readFileSync(file, 'utf8')))
const [first] = records
const runs = records.flatMap((record, i) =>
  record.runs.map((run) => ({ ...run, repetition: 10_000 * i + run.repetition })),
)
const known = {
  runs,
  of: (arm, repetition) => runs.find((run) => run.arm === arm.name && run.repetition === repetition),
}
const all = records.flatMap(({ arms }) => arms)
const arms = all.filter(({ name }, i) => all.findIndex((arm) => arm.name === name) === i)
const share = first.heldOut / first.pictures
const design = first.design === 'holdOuts' ? { kind: 'holdOuts', share } : { kind: 'validation' }
const { rows, verdict } = conclude(
  { config: { minutes: 5, out: '' }, given: {}, bench: known, design },
  { ...first, arms },
  {
    ...first,
    search: undefined,
  },
)

const percent = (value) => (100 * value).toFixed(1)
const difference = ({ difference: d }) =>
  d === null ? '' : `${d.mean < 0 ? '-' : '+'}${percent(Math.abs(d.mean))} ± ${percent(d.error)}`
process.stdout.write(`| arm | accuracy | to clean | log loss | ECE | noise | FGSM | runs |
|---|---|---|---|---|---|---|---|
${rows
  .map((row) =>
    [
      ...[row.arm, percent(row.accuracy), difference(row), row.logLoss.toFixed(3), percent(row.calibration)],
      ...[percent(row.noise), percent(row.fgsm), row.repetitions],
    ].join(' | '),
  )
  .map((line) => `| ${line} |\n`)
  .join('')}
${verdict.join('\n')}
`)
