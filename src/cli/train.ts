import { counted } from '../core/counted.js'
import { Interrupted } from '../run/interrupted.js'
import { type Trained, train } from '../run/train.js'
import { interruption } from './interruption.js'
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
  const interrupt = interruption(report.note)
  try {
    const events = train(images, config, interrupt.signal)
    for (;;) {
      const { done, value } = await events.next()
      if (done) {
        report.done({ type: 'done', ...value }, closing(value))
        return
      }
      report.event(value)
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

function closing({ out, epochs, best, accuracy, heldOut, seconds }: Trained): string {
  const judged =
    accuracy === null
      ? 'no pictures held out to judge it by'
      : `${(100 * accuracy).toFixed(1)} % of ${counted(heldOut, 'held-out picture')} right after epoch ${best} of ${epochs}`
  return `${out}: ${judged}; ${seconds.toFixed(0)} s`
}
