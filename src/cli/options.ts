/** Options that several commands share, with one wording. */
import type { Command } from 'commander'

/** Numbers stay text when they are none, so that the check can quote them. */
export function numeric(text: string): number | string {
  return text.trim() !== '' && Number.isFinite(Number(text)) ? Number(text) : text
}

function numbers(text: string): (number | string)[] {
  return text.split(',').map(numeric)
}

/** Adds what decides the saliency maps and how they are computed; ends in the group of the run. */
export function addSaliencyOptions(command: Command): Command {
  return command
    .optionsGroup('The saliency maps:')
    .option('--blur-sigma <s>', 'in pixels (default: 1)', numeric)
    .option('--blur-kernel <n>', 'odd, 0 for no blur (default: 5)', numeric)
    .option('--loss <name>', 'ce or bce (default: ce)')
    .option('--target <what>', 'auto, label or predicted (default: auto)')
    .option('--channel-norm <name>', 'mean or l2 of the gradient over channels (default: mean)')
    .optionsGroup('The classifier:')
    .option('--model <name>', 'a name or an .onnx file (default: auto)')
    .option('--output <name>', 'which output of the model is the logits')
    .option('--mean <r,g,b>', 'input = (pixel / 255 - mean) / std', numbers)
    .option('--std <r,g,b>', 'see --mean', numbers)
    .option('--input-layout <name>', 'nchw or nhwc')
    .option('--color-order <name>', 'rgb or bgr')
    .option('--input-size <WxH>', 'where the model leaves it open')
    .option('--class-map <file>', 'JSON object: class of the manifest to class of the model')
    .optionsGroup('The run:')
    .option('--device <name>', 'auto, cuda, webgpu or cpu (default: auto)')
    .option('--exact', 'float32 sums without TF32, on CUDA')
    .option('--jobs <n>', 'threads (default: all cores); never changes the output', numeric)
    .option('--batch <n>', 'pictures an inference; never changes the output', numeric)
    .option('--max-pixels <n>', 'refuse larger pictures (default: 268 million)', numeric)
}

/** Adds how a run tells what it does. */
export function addReporting(command: Command): Command {
  return command.option('--json', 'events as NDJSON on stdout').option('--quiet', 'say nothing but errors')
}
