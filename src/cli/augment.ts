import { Command } from 'commander'
import { EXIT } from '../core/errors.js'
import type { Config, ConfigInput } from '../run/config.js'
import { showOnly } from './help.js'
import { addReporting, addSaliencyOptions, numeric } from './options.js'

/**
 * `sage-augment [images]`: the main job. Without `parameters` it lacks the options of the methods, which --help does not show
 * and which take as long to load as all else.
 */
export async function augmentCommand({ parameters }: { parameters: boolean }): Promise<Command> {
  const command = new Command('augment')
    .description('mix the pictures of a labelled folder (the default command)')
    .argument('[images]')
    .option('--out <dir>', 'new, or an interrupted run to continue (default: aug)')
    .option('--labels <file>', 'CSV or JSON (default: found, else folders)')
    .option('--classes <file>', 'class names, one a line, for integer labels')
    .option('--pairs <file>', 'explicit pairs, or an earlier provenance.jsonl')
    .option('--config <file>', 'JSON file of options; those given here win')
    .optionsGroup('What is made:')
    .option('--count <n>', 'number of mixes (default: one a picture)', numeric)
    .option('--epochs <n>', 'passes over the pictures (default: 1)', numeric)
    .option('--pairing <how>', 'any, different-class or same-class (default: any)')
    .option('--seed <n>', 'same seed, same dataset (default: 0)', numeric)
    .option('--size <WxH>', "canvas in pixels (default: the sample's own size)")
    .option('--format <name>', 'jpeg or png (default: jpeg)')
    .option('--quality <n>', 'of JPEG, 1 to 100 (default: 95)', numeric)
    .option(
      '--labels-format <name>',
      'also writes labels.jsonl or labels.parquet: csv, jsonl or parquet (default: csv)',
    )
    .option('--layout <name>', 'flat, class-folders or webdataset (default: flat)')
    .option('--include-originals', 'also write every picture unmixed')
    .option('--write-masks', 'also write every mask, as masks/*.npy')
    .option('--report', 'also write report.html and contact-sheet.png')
    .optionsGroup('The method:')
    .option('--method <name>', 'sage, mixup, cutmix, ...: see the README (default: sage)')
    .option('--shift <how>', 'exact, none or sample:<fraction> (default: exact)')
  addSaliencyOptions(command)
    .option('--shard <i/n>', 'part i of n; auto or auto/<n> in a cluster')
    .option('--strict', 'an unusable picture is fatal')
    .option('--retry-failed', 'try the outputs again that an earlier attempt had to skip')
    .option('--overwrite', 'start a run of ours over')
    .option('--dry-run', 'check everything, write nothing')
  addReporting(command).addHelpText('after', EXAMPLES).action(run)
  if (parameters) (await import('./parameters.js')).addMethodParameters(command)
  return showOnly(command, SHOWN)
}

/** What --help shows; --help-all the rest. */
const SHOWN = [
  ...['out', 'labels', 'pairs', 'config', 'count', 'epochs', 'seed', 'size', 'method'],
  ...['model', 'device', 'report', 'shard', 'json', 'version'],
]

const EXAMPLES = `
Examples:
  sage-augment ./pets --out ./aug
  sage-augment ./pets --labels pets.csv --epochs 5 --device cuda
  sage-augment --pairs pairs.json --format png`

type Flags = Omit<ConfigInput, 'images'> & { config?: string; json?: boolean; quiet?: boolean }

async function run(images: string | undefined, flags: Flags): Promise<void> {
  const { config, json = false, quiet = false, ...given } = flags
  const options = await optionsOf({ ...given, ...(images !== undefined && { images }) }, config)
  const { augment, Interrupted } = await import('../run/augment.js')
  const { reporter } = await import('./progress.js')
  const report = reporter({ json, quiet })
  const interrupt = interruption(report.note)
  try {
    for await (const event of augment(options, interrupt.signal)) {
      report.event(event)
      if (event.type === 'done' && event.skipped > 0) process.exitCode = EXIT.skipped
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

/** What the command line says, over what the configuration file does. */
async function optionsOf(flags: ConfigInput, file: string | undefined): Promise<ConfigInput> {
  const { readConfigFile } = await import('../run/configFile.js')
  const { methodParameters } = await import('./parameters.js')
  const base = file === undefined ? {} : await readConfigFile(file)
  const entries = Object.entries(flags)
  const options = Object.fromEntries(entries.filter(([name]) => !methodParameters.has(name))) as ConfigInput
  const parameters = Object.fromEntries(entries.filter(([name]) => methodParameters.has(name))) as Config['parameters']
  return { ...base, ...options, parameters: { ...base.parameters, ...parameters } }
}

/** Turns the first SIGINT or SIGTERM into an abort, and the second into an immediate end. */
function interruption(note: (text: string) => void) {
  const controller = new AbortController()
  let code = 130
  function stop(signal: NodeJS.Signals): void {
    code = signal === 'SIGINT' ? 130 : 143
    if (controller.signal.aborted) process.exit(code)
    note('finishing what is in flight; press Ctrl-C again to quit at once')
    controller.abort()
  }
  process.on('SIGINT', stop).on('SIGTERM', stop)
  return {
    signal: controller.signal,
    exitCode: () => code,
    release: () => process.off('SIGINT', stop).off('SIGTERM', stop),
  }
}
