/** trial.json: what a trial is, every finished run of it, and what it found. It is also what an interrupted one continues from. */
import { readFile, stat } from 'node:fs/promises'
import path from 'node:path'
import { z } from 'zod'
import { AugmentError } from '../core/errors.js'
import { METHOD_NAMES } from '../mix/names.js'
import { trialOptions } from '../options/trial.js'
import { writeAtomic } from '../output/atomic.js'
import type { Arm } from '../trial/arms.js'
import type { Outcome } from './trialWorker.js'

/** One arm in one repetition, as the file has it. */
export interface TrialRun extends Omit<Outcome, 'right'> {
  readonly arm: string
  readonly repetition: number
  /** `0110...`: 1 for each held-out picture, in their order, whose class was found. */
  readonly right: string
}

export interface TrialRecord {
  readonly format: 1
  /** SHA-256 of all that decides the runs. */
  readonly identity: string
  readonly tool: string
  readonly images: string
  readonly classes: readonly string[]
  /** Learnt from, held-out ones included. */
  readonly pictures: number
  /** Judged in each repetition. */
  readonly heldOut: number
  readonly design: 'holdOuts' | 'validation'
  readonly student: string
  readonly steps: number
  readonly batch: number
  readonly seed: number
  readonly arms: readonly Arm[]
  /** Of the models that arms name: a SHA-256 of all that their maps depend on. */
  readonly models: Readonly<Record<string, string>>
  /** Names of arms that were given up, with after how many repetitions. */
  readonly dropped: Readonly<Record<string, number>>
  /** How many settings a search tries. */
  readonly candidates?: number
  /** What it tried, the winner first: mean difference of accuracy to clean, and over how many repetitions. */
  readonly search?: readonly { readonly arm: string; readonly difference: number; readonly repetitions: number }[]
  readonly runs: readonly TrialRun[]
  readonly complete: boolean
  readonly verdict: readonly string[]
  /** The command line that is recommended. */
  readonly recommendation: string | null
}

const armSchema = z.looseObject({ name: z.string(), method: z.enum(METHOD_NAMES).nullable() })

const recordSchema = z
  .looseObject({
    format: z.literal(1),
    identity: z.string(),
    heldOut: z.int().positive(),
    steps: z.int().positive(),
    arms: z.array(armSchema),
    models: z.record(z.string(), z.string()),
    dropped: z.record(z.string(), z.int()),
    runs: z.array(
      z.looseObject({
        arm: z.string(),
        repetition: z.int().min(0),
        accuracy: z.number(),
        right: z.string().regex(/^[01]+$/),
      }),
    ),
  })
  .refine(({ heldOut, runs }) => runs.every(({ right }) => right.length === heldOut))

/** The record of an earlier call with the same options and pictures, null without a file. Throws conflict errors. */
export async function readTrialRecord(file: string, identity: string): Promise<TrialRecord | null> {
  const text = await readFile(file, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'ENOENT') throw error
    return null
  })
  if (text === null) return null
  let record: TrialRecord
  try {
    record = recordSchema.parse(JSON.parse(text)) as unknown as TrialRecord
  } catch (cause) {
    throw new AugmentError('conflict', `${file}: found no trial of sage-augment in it, expected one or no file`, {
      hint: 'choose another --out, or replace it with --overwrite',
      cause,
    })
  }
  if (record.identity === identity) return record
  throw new AugmentError('conflict', `${file}: found a trial with other options or pictures, expected the same`, {
    hint: 'choose another --out, or start over with --overwrite',
  })
}

export async function writeTrialRecord(file: string, record: TrialRecord): Promise<void> {
  const lines = [
    ...Object.entries(record)
      .filter(([name]) => name !== 'runs')
      .map(([name, value]) => `  ${JSON.stringify(name)}: ${JSON.stringify(value)}`),
    `  "runs": [\n${record.runs.map((run) => `    ${JSON.stringify(run)}`).join(',\n')}\n  ]`,
  ]
  await writeAtomic(file, `{\n${lines.join(',\n')}\n}\n`, path.dirname(file))
}

/** Whether there is a trial where one leaves its record unless told otherwise, or in the folder of pictures. */
export async function wasTried(images: string): Promise<boolean> {
  const places = [trialOptions.out.default, path.join(images, trialOptions.out.default)]
  const found = await Promise.all(places.map((place) => stat(place).catch(() => null)))
  return found.some((one) => one !== null)
}
