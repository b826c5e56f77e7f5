import { Command, Option } from 'commander'
import { EXIT } from '../core/errors.js'
import type { ConfigInput } from '../run/config.js'
import type { MapOptions } from '../run/saliency.js'
import { showOnly } from './help.js'
import { addReporting, addSaliencyOptions, numeric } from './options.js'

/** What --help shows; --help-all the rest. */
const SHOWN = [
  ...['out', 'labels', 'raw', 'size', 'smooth', 'timesInput', 'integrated'],
  ...['target', 'model', 'device', 'batch', 'json', 'quiet'],
]

const EXAMPLES = `
Examples:
  sage-augment saliency ./pets --out ./maps
  sage-augment saliency ./pets --out ./maps --target predicted    without labels
  sage-augment saliency ./pets --raw npy --model resnet50.onnx --smooth 25`

/** `sage-augment saliency <images>`: overlays and raw maps. */
export function saliencyCommand(): Command {
  const command = new Command('saliency')
    .description('draw the saliency maps that the mixing uses')
    .argument('<images>')
    .option('--out <dir>', 'new, or an earlier output to replace (default: maps)')
    .option('--labels <file>', 'CSV or JSON (default: found, else folders)')
    .option('--classes <file>', 'class names, one a line, for integer labels')
    .addOption(new Option('--raw <format>', 'also the maps themselves, in maps/').choices(['npy', 'png16']))
    .option('--size <WxH>', 'canvas in pixels, as for mixing (default: its own)')
    .option('--smooth <n>', 'SmoothGrad: the mean over n noisy copies', numeric)
    .option('--seed <n>', 'of that noise (default: 0)', numeric)
    .option('--times-input', 'the gradient times the input')
    .option('--integrated <n>', 'integrated gradients in n steps', numeric)
  addReporting(addSaliencyOptions(command)).addHelpText('after', EXAMPLES).action(run)
  return showOnly(command, SHOWN)
}

type Flags = Omit<ConfigInput, 'images'> & MapOptions & { json?: boolean; quiet?: boolean }

async function run(images: string, flags: Flags): Promise<void> {
  const { json = false, quiet = false, raw, smooth, timesInput, integrated, ...config } = flags
  const { drawSaliency } = await import('../run/saliency.js')
  const { reporter } = await import('./progress.js')
  const report = reporter({ json, quiet })
  const given = Object.entries({ raw, smooth, timesInput, integrated }).filter(([, value]) => value !== undefined)
  const options: MapOptions = Object.fromEntries(given)
  try {
    for await (const event of drawSaliency({ ...config, images }, options)) {
      report.event(event)
      if (event.type === 'done' && event.skipped > 0) process.exitCode = EXIT.skipped
    }
  } finally {
    report.stop()
  }
}
