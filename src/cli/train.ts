import { counted } from '../core/counted.js'
import { type Trained, train } from '../run/train.js'
import { CONTINUE, heardOut, interruptible } from './interruption.js'
import type { Invocation } from './invocation.js'

/** `sage-augment train <images>`: a classifier from a folder of pictures. */
export async function trainCommand({ words: [images], own, report }: Invocation<'train'>): Promise<void> {
  const { json: _, quiet: __, ...config } = own
  await trainAndTell(images!, config, report)
}

/** Trains, tells how it goes, and ends in order when it is interrupted. */
export async function trainAndTell(
  images: string,
  config: Parameters<typeof train>[1],
  report: Invocation<'train'>['report'],
): Promise<void> {
  await interruptible(report, CONTINUE, async (signal) => {
    const trained = await heardOut(train(images, config, signal), report)
    report.done({ type: 'done', ...trained }, closing(trained))
  })
}

function closing({ out, epochs, best, accuracy, heldOut, seconds }: Trained): string {
  const judged =
    accuracy === null
      ? 'no pictures held out to judge it by'
      : `${(100 * accuracy).toFixed(1)} % of ${counted(heldOut, 'held-out picture')} right after epoch ${best} of ${epochs}`
  return `${out}: ${judged}; ${seconds.toFixed(0)} s`
}
