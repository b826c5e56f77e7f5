import { EXIT } from '../core/errors.js'
import { quoted } from '../core/quoted.js'
import type { ConfigInput } from '../options/inputs.js'
import { augment } from '../run/augment.js'
import { readConfigFile } from '../run/configFile.js'
import { wasTried } from '../run/trialRecord.js'
import { CONTINUE, interruptible } from './interruption.js'
import type { Invocation } from './invocation.js'

/** `sage-augment [images]`: the main job. */
export async function augmentCommand({
  words: [images],
  run,
  own: { config, allowSkipped },
  report,
}: Invocation<'augment'>): Promise<void> {
  const options = over(config === undefined ? {} : await readConfigFile(config), {
    ...run,
    ...(images !== undefined && { images }),
  })
  await interruptible(report, CONTINUE, async (signal) => {
    for await (const event of augment(options, signal)) {
      report.event(event)
      if (event.type !== 'done') continue
      if (event.skipped > 0 && !allowSkipped) process.exitCode = EXIT.skipped
      const isNew = event.made > 0 && options.pairs === undefined && options.images !== undefined
      if (isNew && !(await wasTried(options.images!)))
        report.note(`does it help? sage-augment trial ${quoted(options.images!)}`)
    }
  })
}

/** What the command line says, over what the configuration file does. */
export function over(file: ConfigInput, line: ConfigInput): ConfigInput {
  return { ...file, ...line, parameters: { ...file.parameters, ...line.parameters } }
}
