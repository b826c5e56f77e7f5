import { Command } from 'commander'
import { counted } from '../core/counted.js'
import { AugmentError } from '../core/errors.js'
import type { MethodSummary } from '../run/compare.js'
import type { ConfigInput } from '../run/config.js'
import { showOnly } from './help.js'
import { addSaliencyOptions, numeric } from './options.js'

/** What --help shows; --help-all the rest. */
const SHOWN = ['methods', 'out', 'count', 'labels', 'seed', 'size', 'model', 'device', 'json', 'quiet']

const EXAMPLES = `
Examples:
  sage-augment compare cat.jpg dog.jpg --out figure.png
  sage-augment compare ./pets --count 200
  sage-augment compare ./pets --methods sage,cutmix --json`

/** `sage-augment compare <a> <b>` or `<images>`: the methods side by side. */
export function compareCommand(): Command {
  const command = new Command('compare')
    .description('set the methods side by side, as a figure or a table')
    .argument('<pictures...>')
    .option('--methods <names>', 'comma-separated (default: all)')
    .option('--seed <n>', 'same seed, same mixes (default: 0)', numeric)
    .option('--size <WxH>', "canvas in pixels (default: the sample's own size)")
    .optionsGroup('Two pictures:')
    .option('--out <figure.png>', 'figure of two pictures (default: figure.png)')
    .optionsGroup('A folder:')
    .option('--count <n>', 'pairs of a folder (default: 200)', numeric)
    .option('--pairing <how>', 'any, different-class or same-class (default: any)')
    .option('--labels <file>', 'CSV or JSON (default: found, else folders)')
    .option('--classes <file>', 'class names, one a line, for integer labels')
  addSaliencyOptions(command)
    .option('--json', 'the figures as JSON on stdout')
    .option('--quiet', 'say nothing but the figures and errors')
    .addHelpText('after', EXAMPLES)
    .action(run)
  return showOnly(command, SHOWN)
}

type Flags = Omit<ConfigInput, 'images'> & { methods?: string; json?: boolean; quiet?: boolean }

async function run(pictures: string[], { methods, out, json = false, quiet = false, ...config }: Flags): Promise<void> {
  const { compareFolder, comparePair, parseMethods } = await import('../run/compare.js')
  const names = parseMethods(methods)
  const tell = (message: string) => {
    if (!quiet && !json) process.stderr.write(`${message}\n`)
  }
  const print = (value: unknown, lines: readonly string[]) => {
    process.stdout.write(json ? `${JSON.stringify(value)}\n` : `${lines.join('\n')}\n`)
  }
  const [first, second, ...others] = pictures
  if (second === undefined) {
    refuse('a folder', { out })
    const table = await compareFolder(names, { ...config, images: first! }, tell)
    print(table, folderTable(table))
    return
  }
  if (others.length > 0) throw new AugmentError('usage', `compare: found ${pictures.length} paths, expected one or two`)
  const { count, pairing, labels, classes, ...pairConfig } = config
  refuse('two pictures', { count, pairing, labels, classes })
  const figure = out ?? 'figure.png'
  const mixes = await comparePair([first!, second], names, figure, pairConfig, tell)
  const rows = mixes.map(({ method, lambda, kept: [sample, partner] }) => ({
    method,
    lambda,
    kept: { sample, partner },
  }))
  print(rows, [
    `${'method'.padEnd(12)}  lambda  kept of sample  of partner`,
    ...rows.map(({ method, lambda, kept: { sample, partner } }) =>
      [method.padEnd(12), cell(lambda, 6), cell(sample, 14), cell(partner, 10)].join('  '),
    ),
  ])
  tell(`${figure}: written`)
}

/** Throws a usage error for an option that is given and means nothing for what is compared. */
function refuse(what: string, options: Record<string, unknown>): void {
  const given = Object.keys(options).filter((name) => options[name] !== undefined)
  if (given.length === 0) return
  throw new AugmentError('usage', `--${given.join(', --')}: not for ${what}`, { hint: 'sage-augment compare --help' })
}

function cell(value: number, width: number): string {
  return value.toFixed(3).padStart(width)
}

function folderTable(table: readonly MethodSummary[]): string[] {
  return [
    `${''.padEnd(12)}  saliency kept of         lambda`,
    `${'method'.padEnd(12)}  sample  partner   both   mean     sd    min    max  ms an output`,
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
