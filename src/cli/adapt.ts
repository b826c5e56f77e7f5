import { checked, misuse } from '../options/schema.js'
import { trainOptions } from '../options/train.js'
import { type Adapted, adapt } from '../run/adapt.js'
import { interruptible } from './interruption.js'
import type { Invocation } from './invocation.js'
import { trainAndTell } from './train.js'

/** `sage-augment adapt <images> --out <model.onnx>`: a classifier of the user's own classes. */
export async function adaptCommand({ words: [images], own, report }: Invocation<'adapt'>): Promise<void> {
  const { out, full, json: _, quiet: __, ...config } = own
  if (full) return trainAndTell(images!, fullTraining(config, out), report)
  await interruptible(report, ', nothing is written; repeat the command', async (signal) => {
    const adapted = await adapt({ ...config, images }, out, report.tell, signal)
    report.result(adapted, described(adapted).join('\n'))
  })
}

/** The training with its defaults that takes the place of a fit. Throws a usage error for options that only a fit has. */
function fullTraining(
  { size, output, ...config }: Omit<Invocation<'adapt'>['own'], 'full' | 'json' | 'quiet' | 'out'>,
  out: string,
) {
  const problems = Object.entries({ size, output }).filter(([, value]) => value !== undefined)
  if (problems.length > 0) throw misuse(problems.map(([name]) => ({ name, problem: 'not with --full' })))
  return checked(trainOptions, { ...config, out })
}

function described({ out, model, classes, pictures, penalty, accuracy, error, confused }: Adapted): string[] {
  const percent = (share: number) => (100 * share).toFixed(1)
  return [
    `${out}: ${classes} classes fitted on the features of ${model}, ${pictures} pictures, penalty ${penalty}`,
    `held-out accuracy ${percent(accuracy)} % (standard error ${percent(error)})`,
    ...confused.map((pair) => `${pair.class} taken for ${pair.as}: ${pair.count} of ${pair.of}`),
  ]
}
