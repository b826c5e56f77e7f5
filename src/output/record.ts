/** run.json: what decides a run's output, and what became of the run. */
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { z } from 'zod'
import { AugmentError } from '../core/errors.js'
import { LABELS_FORMATS } from '../core/labelsFormats.js'
import { reasonOf } from '../core/systemError.js'
import { RUN_RECORD } from './layout.js'

export const TOOL = 'sage-augment'

/** What decides a run's output; a run is only continued with an equal one. */
export const IDENTITY = ['versions', 'options', 'inputs', 'used', 'model', 'device', 'shard'] as const
export type Identity = Readonly<Record<(typeof IDENTITY)[number], unknown>>

const whole = z.int('expected a whole number').min(0, 'expected a number from 0 on')
const shard = 'expected a part of a run such as "1/1"'

/** Where a run's inputs lie, seen from its folder. */
export const inputPaths = z.object({
  images: z.string(),
  labels: z.string().exactOptional(),
  classes: z.string().exactOptional(),
  split: z.string().exactOptional(),
})

const runRecord = z.looseObject(
  {
    tool: z.literal(TOOL, `expected "${TOOL}"`),
    complete: z.boolean('expected true or false'),
    options: z.looseObject({
      labelsFormat: z.enum(LABELS_FORMATS).exactOptional(),
      layout: z.enum(['flat', 'class-folders', 'webdataset', 'parquet']).exactOptional(),
      writeMasks: z.boolean().exactOptional(),
      multiLabel: z.boolean().exactOptional(),
    }),
    inputs: z.looseObject({ sha256: z.string().exactOptional(), sources: whole.exactOptional() }),
    /** The pictures among the inputs that this part of the plan is made of. */
    used: z.looseObject({ sha256: z.string().exactOptional() }).exactOptional(),
    shard: z.string(shard).regex(/^[1-9]\d*\/[1-9]\d*$/, shard),
    ...inputPaths.partial().shape,
    /** The outputs of this part of the plan, from `start` up to but not including `end`. */
    outputs: z.looseObject({ start: whole, end: whole }).exactOptional(),
    /** Outputs planned, written and skipped; only of a complete run. */
    counts: z
      .looseObject({
        planned: whole,
        written: whole,
        skipped: whole,
        maps: whole.exactOptional(),
        uniform: whole.exactOptional(),
      })
      .exactOptional(),
    /** What a complete run had looked at: the options, by a hash, and places with a hash of their stamps. */
    seen: z
      .object({ asked: z.string(), folders: z.array(z.string()), files: z.array(z.string()), stamps: z.string() })
      .nullable()
      .exactOptional(),
  },
  'expected the record of a run',
)
export type RunRecord = z.infer<typeof runRecord>

/** The run.json of a folder, or null where no run has begun. Throws a conflict error that names the entry if it is damaged. */
export async function readRecord(folder: string): Promise<RunRecord | null> {
  const file = path.join(folder, RUN_RECORD)
  const refuse = (problem: string, cause: unknown) => {
    const hint = 'put the record of the run back, or start over with --overwrite'
    return new AugmentError('conflict', `${file}: ${problem}`, { hint, cause })
  }
  let value: unknown
  try {
    value = JSON.parse(await readFile(file, 'utf8'))
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return null
    const found = cause instanceof SyntaxError ? 'found text that is not JSON, or cut' : reasonOf(cause)
    throw refuse(`${found}, expected the record of a run`, cause)
  }
  const parsed = runRecord.safeParse(value)
  if (parsed.success) return value as RunRecord
  const lines = parsed.error.issues.map(({ path: keys, message }) => `${[...keys, message].join(': ')}`)
  throw refuse(lines.join(`\n${file}: `), parsed.error)
}

export function recordText(record: Readonly<Record<string, unknown>>): string {
  return `${JSON.stringify(record, null, 2)}\n`
}

/** The leaves in which two plain objects differ, by dotted name. */
export function differences(
  before: Readonly<Record<string, unknown>>,
  now: Readonly<Record<string, unknown>>,
  prefix = '',
): { name: string; old: unknown; new: unknown }[] {
  return [...new Set([...Object.keys(before), ...Object.keys(now)])].flatMap((key) => {
    const [old, value] = [before[key], now[key]]
    if (isRecord(old) && isRecord(value)) return differences(old, value, `${prefix}${key}.`)
    return JSON.stringify(old) === JSON.stringify(value) ? [] : [{ name: `${prefix}${key}`, old, new: value }]
  })
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
