/** Further arms of a trial, from a file. */
import { readFile } from 'node:fs/promises'
import { z } from 'zod'
import { AugmentError } from '../core/errors.js'
import { SALIENCY_KINDS } from '../core/saliencyKinds.js'
import { reasonOf } from '../core/systemError.js'
import { METHOD_NAMES } from '../mix/names.js'
import type { ArmInput } from '../trial/arms.js'
import { parseConfig } from './config.js'

const armSchema = z.strictObject({
  name: z.string().min(1).optional(),
  method: z.enum(METHOD_NAMES),
  parameters: z.record(z.string(), z.union([z.number(), z.string()])).optional(),
  pairing: z.enum(['any', 'different-class', 'same-class']).optional(),
  share: z.number().gt(0).max(1).optional(),
  model: z.string().min(1).optional(),
  saliency: z.enum(['auto', ...SALIENCY_KINDS]).optional(),
  grid: z.string().optional(),
})

/** The arms in a JSON file. Throws a usage error for what is wrong with them. */
export async function readArms(file: string): Promise<ArmInput[]> {
  let arms: ArmInput[]
  try {
    arms = z.array(armSchema).parse(JSON.parse(await readFile(file, 'utf8')))
  } catch (cause) {
    const problems =
      cause instanceof z.ZodError
        ? cause.issues.map(({ path, message }) => `${file}: arm ${path.join('.')}: ${message}`)
        : [`${file}: ${reasonOf(cause)}, expected a JSON list of arms`]
    throw new AugmentError('usage', problems.join('\n'), { hint: 'docs/trial.md says what an arm may have', cause })
  }
  // The parameters of the method, and the grid, have the ranges that they have in a run.
  for (const { method, parameters, grid } of arms)
    parseConfig({ method, ...(parameters && { parameters: { ...parameters } }), ...(grid !== undefined && { grid }) })
  return arms
}
