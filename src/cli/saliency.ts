import { EXIT } from '../core/errors.js'
import { drawSaliency } from '../run/saliency.js'
import type { Invocation } from './invocation.js'

/** `sage-augment saliency <images>`: overlays and raw maps. */
export async function saliencyCommand({ words: [images], run, own, report }: Invocation<'saliency'>): Promise<void> {
  const { raw, smooth, timesInput, integrated } = own
  for await (const event of drawSaliency(
    { ...run, images },
    { raw, smooth, integrated, ...(timesInput && { timesInput }) },
  )) {
    report.event(event)
    if (event.type === 'done' && event.skipped > 0) process.exitCode = EXIT.skipped
  }
}
