import { readConfigFile } from '../run/configFile.js'
import { submit } from '../run/submit.js'
import { over } from './augment.js'
import type { Invocation } from './invocation.js'

/** `sage-augment submit <scheduler> [images] --shards <n>`: the jobs of a run in shards, printed or sent. */
export async function submitCommand({
  words: [scheduler = '', images],
  run,
  own: { config, shards, image, claim, mount, yes },
  report,
}: Invocation<'submit'>): Promise<void> {
  const line = { ...run, ...(images !== undefined && { images }) }
  const options = over(config === undefined ? {} : await readConfigFile(config), line)
  const submission = await submit(scheduler, options, { shards, image, claim, mount, yes })
  const { sent, script } = submission
  report.result(submission, sent === undefined ? script.trimEnd() : sent.join('\n'))
}
