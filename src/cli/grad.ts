import { writeFile } from 'node:fs/promises'
import path from 'node:path'
import { Command, InvalidArgumentError, Option } from 'commander'
import type { GradientOptions } from '../saliency/gradientModel.js'

/** `sage-augment grad <model.onnx> --out <grad.onnx>`: writes the differentiated model. */
export function gradCommand(): Command {
  return new Command('grad')
    .description('write a model with its input gradient, standard ONNX')
    .argument('<model.onnx>', 'classifier to differentiate')
    .requiredOption('--out <grad.onnx>', 'file to write')
    .addOption(new Option('--loss <name>', 'loss to differentiate').choices(['ce', 'bce', 'logit']).default('ce'))
    .option('--wrt <input>', 'input to differentiate by (default: the first)')
    .option('--output <name>', 'output that is the logits (default: the first)')
    .option('--size <WxH>', 'size of the pictures, where the model leaves it open', parseSize)
    .addHelpText('after', '\nExample:\n  sage-augment grad resnet50.onnx --out grad.onnx')
    .action(run)
}

function parseSize(text: string): { width: number; height: number } {
  const [, width, height] = /^([1-9]\d{0,4})x([1-9]\d{0,4})$/.exec(text) ?? []
  if (!width || !height) throw new InvalidArgumentError('expected <width>x<height>, such as 224x224.')
  return { width: Number(width), height: Number(height) }
}

async function run(file: string, { out, ...options }: GradientOptions & { out: string }): Promise<void> {
  const { gradientModel } = await import('../saliency/gradientModel.js')
  const { readModelFile } = await import('../classifiers/modelFile.js')
  const { requirePlace } = await import('../run/paths.js')
  await requirePlace(out)
  const bytes = await gradientModel(await readModelFile(file), path.basename(file), options)
  await writeFile(out, bytes)
}
