/** `augment --adapt`: a run fits its own classes, and keeps the classifier in its folder. */
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { type Classifier, resolveModel } from '../classifiers/resolveModel.js'
import { readClasses } from '../output/classes.js'
import { ADAPTED, ADAPTED_JSON } from '../output/layout.js'
import type { OutputFolder } from '../output/outputFolder.js'
import { readRecord } from '../output/record.js'
import { baseOf, fitHead, refuseOneClass } from './adapt.js'
import type { Config } from './config.js'
import { overridesOf } from './explainer.js'
import type { Inputs } from './inputs.js'
import type { Tell } from './notices.js'

/** A classifier of a run's own classes. */
export interface Adaptation {
  readonly classifier: Classifier
  /** The classifier whose features it takes, as run.json names it. */
  readonly features: { readonly name: string; readonly sha256: string }
  /** Puts it into the run's folder, where it is not there yet. */
  keep(output: OutputFolder): Promise<void>
}

/**
 * The classifier that an earlier attempt of the run kept, else a new one fitted on the pictures of the run. On another machine
 * the last bits of a new one may differ, so that a run is only continued with its own.
 */
export async function adapted(config: Config, inputs: Inputs, tell: Tell, signal?: AbortSignal): Promise<Adaptation> {
  refuseOneClass(inputs)
  const base = await resolveModel(baseOf(config), inputs.classes, overridesOf(config))
  const features = { name: path.basename(base.name), sha256: base.sha256 }
  const kept = config.overwrite ? null : await keptIn(inputs, base.sha256)
  const fitted = kept === null ? await fitHead(config, inputs, base, tell, signal) : null
  if (fitted !== null) {
    const { classes, pictures, accuracy, error } = fitted.found
    const [percent, within] = [accuracy, error].map((share) => (100 * share).toFixed(1))
    const score = `held-out accuracy ${percent} % (standard error ${within})`
    tell(`${classes} classes fitted on the features of ${base.name}, ${pictures} pictures: ${score}`)
  }
  const bytes = fitted?.bytes ?? kept!
  return {
    // The estimator takes the bytes away with it.
    classifier: {
      ...base,
      name: `${base.name} (adapted)`,
      bytes: bytes.slice(),
      sha256: sha256Of(bytes),
      classes: inputs.classes,
    },
    features,
    async keep(output) {
      if (fitted === null) return
      await output.write(ADAPTED, bytes)
      await output.write(ADAPTED_JSON, Buffer.from(fitted.description))
    },
  }
}

/** The classifier in a run's folder if it is of these classes and run.json vouches for it and for the base it was fitted on. */
async function keptIn({ out, classes }: Inputs, base: string): Promise<Uint8Array<ArrayBuffer> | null> {
  const model = (await readRecord(out))?.model as
    | { sha256?: unknown; features?: { sha256?: unknown } }
    | null
    | undefined
  const bytes = await readFile(path.join(out, ADAPTED)).catch(() => null)
  if (bytes === null || model?.features?.sha256 !== base || model.sha256 !== sha256Of(bytes)) return null
  const known = await readClasses(out)
  return known.join('\n') === classes.join('\n') ? new Uint8Array(bytes) : null
}

function sha256Of(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex')
}
