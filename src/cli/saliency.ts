import { AugmentError, EXIT } from '../core/errors.js'
import { flagOf } from '../core/flag.js'
import { drawSaliency } from '../run/saliency.js'
import { type MapScore, type Mean, scoreSaliency } from '../run/score.js'
import type { Invocation } from './invocation.js'

/** `sage-augment saliency <images>`: overlays and raw maps, or the scores of their kinds. */
export async function saliencyCommand({ words: [images], run, own, report }: Invocation<'saliency'>): Promise<void> {
  const { raw, smooth, timesInput, integrated, score, judge } = own
  const options = { raw, smooth, integrated, ...(timesInput && { timesInput }) }
  if (judge !== undefined && !score) throw new AugmentError('usage', '--judge: expected --score too')
  if (score) {
    refuse({ ...options, out: run.out })
    const table = await scoreSaliency({ ...run, images }, judge, report.tell)
    report.result(table, tableOf(table).join('\n'))
    return
  }
  for await (const event of drawSaliency({ ...run, images }, options)) {
    report.event(event)
    if (event.type === 'done' && event.skipped > 0) process.exitCode = EXIT.skipped
  }
}

/** Throws a usage error for an option that draws maps. */
function refuse(options: Readonly<Record<string, unknown>>): void {
  const given = Object.keys(options).filter((name) => options[name] !== undefined)
  if (given.length > 0) throw new AugmentError('usage', `${given.map(flagOf).join(', ')}: cannot be used with --score`)
}

function tableOf(table: readonly MapScore[]): string[] {
  const cell = (value: Mean | null) =>
    (value === null ? '-' : `${value.mean.toFixed(3)} (${value.error.toFixed(3)})`).padStart(13)
  return [
    `${'map'.padEnd(17)} ${['pointing', 'insertion', 'deletion', 'difference'].map((word) => word.padStart(13)).join('  ')}`,
    ...table.map(({ kind, pointing, insertion, deletion, difference }) =>
      [kind.padEnd(17), ...[pointing, insertion, deletion, difference].map(cell)].join('  '),
    ),
    'means, with standard errors in brackets; pointing by chance scores .25',
  ]
}
