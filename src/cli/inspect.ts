import { descriptorFile } from '../classifiers/describe.js'
import { counted } from '../core/counted.js'
import { parseSize } from '../core/size.js'
import { inspectFile } from '../run/inspect.js'
import { type InputTrials, tryInput } from '../run/tryInput.js'
import type { Inspection } from '../saliency/inspectModel.js'
import type { Invocation } from './invocation.js'

/** `sage-augment inspect <model.onnx>`: what a model takes and gives, and whether it can be differentiated. */
export async function inspectCommand({ words: [file], own, report }: Invocation<'inspect'>): Promise<void> {
  const { output, size } = own
  const [width, height] = size === undefined ? [] : parseSize(size)
  const given = { output, ...(width && height && { size: { width, height } }) }
  if (own.try !== undefined) {
    const found = await tryInput(file!, own.try, report.tell, given)
    report.result(found, ranked(file!, own.try, found))
  } else {
    const inspection = await inspectFile(file!, given)
    report.result(inspection, formatted(inspection))
  }
}

/** The ways that were tried as a table, and what follows. */
function ranked(file: string, images: string, { trials, pictures, classes, written }: InputTrials): string {
  const width = Math.max(...trials.map(({ name }) => name.length))
  const row = ({ name, accuracy, logLoss, behind }: InputTrials['trials'][number]) => {
    const distance = behind === 0 ? '' : behind < SURE ? '  no worse, as far as these pictures tell' : ''
    return `${name.padEnd(width)}  ${(100 * accuracy).toFixed(1).padStart(6)} %  ${logLoss.toFixed(3).padStart(8)}${distance}`
  }
  const outputs = classes?.map((name, i) => `${i} ${name}`).join(', ')
  const [best] = trials as [InputTrials['trials'][number]]
  const better = best.isTold ? 'nothing else is better' : `the best of these: ${JSON.stringify(best.preprocessing)}`
  return [
    `${''.padEnd(width)}  accuracy  log loss, on ${counted(pictures, 'picture')}`,
    ...trials.map(row),
    ...(outputs === undefined ? [] : [`outputs without names, taken as they fit best: ${outputs}`]),
    written === null ? `${descriptorFile(file)} stays as it is; ${better}` : `wrote ${written}`,
    `  sage-augment ${images} --model ${file}`,
  ].join('\n')
}

/** Standard errors from which on a difference is one. */
const SURE = 2

function formatted({ file, opset, inputs, outputs, operators, picture, head, ...more }: Inspection): string {
  const { batch, coupled, quantised, problems, command } = more
  const port = ({ name, type, dims }: Inspection['inputs'][number]) =>
    `${name} ${type} ${dims ? `[${dims.map((d) => d ?? '?').join(', ')}]` : 'of any shape'}`
  const width = Math.max(...operators.map(({ operator }) => operator.length))
  const lines = [
    `${file}, opset ${opset}`,
    ...inputs.map((p) => `input   ${port(p)}`),
    ...outputs.map((p) => `output  ${port(p)}`),
    ...operators.map(
      ({ operator, count, hasRule }) =>
        `${String(count).padStart(6)}  ${operator.padEnd(width)}  ${hasRule ? 'rule' : 'no rule'}`,
    ),
  ]
  if (more.maps) lines.push(...mapLines(more.maps))
  if (picture) lines.push(`pixels: ${picture.layout}, ${picture.channels} channels; ${picture.range}`)
  if (head) {
    const behind = head.logits === head.output ? '' : `, differentiated at ${head.logits}`
    lines.push(`classes: ${head.classes}, in output ${head.output}${behind}`)
  }
  if (batch) lines.push(`batch: ${batch}${coupled ? ', because pictures in one batch influence each other' : ''}`)
  if (quantised) lines.push('quantised: gradients go straight through, in the real numbers that its integers stand for')
  lines.push(...(problems.length === 0 ? ['can be differentiated'] : ['cannot be differentiated:', ...problems]))
  if (command) lines.push(`  ${command}`)
  return lines.join('\n')
}

/** The layers are named from the last one back, a screen of them. */
const LAYERS = 12

function mapLines({ noCam, layers, gradcam, layercam }: NonNullable<Inspection['maps']>): string[] {
  const named = layers.slice(-LAYERS).reverse()
  const roles = (name: string) =>
    [name === gradcam && 'gradcam', name === layercam && 'layercam'].filter(Boolean).join(', ')
  const line = ({ name, width, height }: (typeof layers)[number]) => {
    const role = roles(name)
    return `layer   ${width} x ${height} ${name}${role && `, read by ${role}`}`
  }
  const more = layers.length > LAYERS ? [`        and ${layers.length - LAYERS} before them`] : []
  return [`cam: ${noCam ?? 'yes'}`, ...named.map(line), ...more]
}
