import { counted } from '../core/counted.js'
import { AugmentError } from '../core/errors.js'
import { METHOD_NAMES } from '../mix/names.js'
import { compareOptions } from '../options/commands.js'
import type { ComparedMix } from '../report/comparison.js'
import { compareFolder, comparePair, type MethodSummary } from '../run/compare.js'
import type { Invocation } from './invocation.js'

/** `sage-augment compare <a> <b>` or `<images>`: the methods side by side. */
export async function compareCommand({ words, run, own, report }: Invocation<'compare'>): Promise<void> {
  const { methods = METHOD_NAMES, out } = own
  const { parameters: _, ...config } = run
  const [first, second, ...others] = words
  if (second === undefined) {
    refuse({ out }, 'found one path, expected two pictures')
    const table = await compareFolder(methods, { ...config, images: first! }, report.tell)
    report.result(table, folderTable(table).join('\n'))
    return
  }
  if (others.length > 0) throw new AugmentError('usage', `compare: found ${words.length} paths, expected one or two`)
  const { count, pairing, labels, classes, ...pairConfig } = config
  refuse({ count, pairing, labels, classes }, 'found two pictures, expected a folder')
  const figure = out ?? compareOptions.out.fallback
  const mixes = await comparePair([first!, second], methods, figure, pairConfig, report.tell)
  report.result(pairRows(mixes), pairTable(mixes).join('\n'))
  report.note(`${figure}: written`)
}

/** Throws a usage error for an option that is given and means nothing for what is compared. */
function refuse(options: Record<string, unknown>, problem: string): void {
  const given = Object.keys(options).filter((name) => options[name] !== undefined)
  if (given.length === 0) return
  throw new AugmentError('usage', `--${given.join(', --')}: ${problem}`, { hint: 'sage-augment compare --help' })
}

function pairRows(mixes: readonly ComparedMix[]) {
  return mixes.map(({ method, lambda, kept: [sample, partner] }) => ({ method, lambda, kept: { sample, partner } }))
}

function pairTable(mixes: readonly ComparedMix[]): string[] {
  const rows = mixes.map(({ method, lambda, kept: [sample, partner] }) =>
    [method.padEnd(12), cell(lambda, 6), cell(sample, 14), cell(partner, 10)].join('  '),
  )
  return [`${'method'.padEnd(12)}  lambda  kept of sample  of partner`, ...rows]
}

function cell(value: number, width: number): string {
  return value.toFixed(3).padStart(width)
}

function folderTable(table: readonly MethodSummary[]): string[] {
  return [
    `${''.padEnd(12)}  saliency kept of         lambda`,
    `${'method'.padEnd(12)}  sample  partner   both   mean     sd    min    max  ms per output`,
    ...table.map(({ method, kept, lambda, milliseconds }) =>
      [
        method.padEnd(12),
        cell(kept.sample, 6),
        cell(kept.partner, 7),
        ...[kept.both, lambda.mean, lambda.sd, lambda.min, lambda.max].map((value) => cell(value, 5)),
        cell(milliseconds, 12),
      ].join('  '),
    ),
    ...new Set(table.map(({ outputs }) => `${counted(outputs, 'output')} of each method`)),
  ]
}
