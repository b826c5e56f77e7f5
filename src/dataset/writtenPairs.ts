/** Pairs as they are written in JSON or JSON lines. */
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { z } from 'zod'
import { AugmentError } from '../core/errors.js'
import { RUN_RECORD } from '../output/layout.js'
import { inputPaths } from '../output/record.js'
import { madeFrom, provenanceRow } from '../output/rows.js'
import { type Entry, jsonLabel, jsonLines, parseJson } from './json.js'
import { type Problems, quoted } from './problems.js'
import { SPLIT_WORDS } from './splitWords.js'
import { readText } from './text.js'

/** Hugging Face sees such a word wherever it stands between other characters in a path. */
const SPLIT_WORD = new RegExp(`(^|[-_0-9])${SPLIT_WORDS}([-_0-9]|$)`, 'i')

const PAIR = 'expected a pair like ["a.jpg", "b.jpg"] or {"a": "a.jpg", "b": "b.jpg"}'
const ALPHA = 'expected a number between 0 and 1'
const SHIFT = 'expected two whole numbers [dx, dy]'

const outputName = z
  .string('expected a file name')
  .regex(/^[A-Za-z0-9][A-Za-z0-9_-]{0,94}$/, 'expected up to 95 letters, digits, - or _, without extension')
  .refine((name) => !SPLIT_WORD.test(name), 'expected no word like train or test, which loaders take for a split')

const fileName = z.string('expected a file name')
const alpha = z.number(ALPHA).min(0, ALPHA).max(1, ALPHA)
const shift = z.tuple([z.int(SHIFT), z.int(SHIFT)], SHIFT)

const pairObject = z.strictObject(
  {
    a: fileName,
    b: fileName,
    label_a: jsonLabel.exactOptional(),
    label_b: jsonLabel.exactOptional(),
    alpha: alpha.exactOptional(),
    shift: shift.exactOptional(),
    name: outputName.exactOptional(),
  },
  { error: ({ code, keys }) => (code === 'unrecognized_keys' ? `unknown key ${keys.map(quoted).join(', ')}` : PAIR) },
)

/** A pair as written; `place` as in "pairs.json[3]" or "pairs.jsonl:4". */
export type WrittenPair = z.infer<typeof pairObject> & { readonly place: string }

const pairTuple = z.tuple([fileName, fileName], PAIR).transform(([a, b]) => ({ a, b }))

/** What makes a pair of a row of a run's provenance.jsonl; one of an original, which has a single source, is none. */
const madePair = z
  .object({
    sources: z
      .array(madeFrom.pick({ file: true, label: true }).strip())
      .min(1)
      .max(2),
    ...provenanceRow.pick({ alpha: true, shift: true }).shape,
  })
  .transform(({ sources: [a, b], ...details }) => {
    if (a === undefined || b === undefined) return undefined
    const labels = {
      ...(a.label !== undefined && { label_a: a.label }),
      ...(b.label !== undefined && { label_b: b.label }),
    }
    return { a: a.file, b: b.file, ...labels, ...details }
  })

const pairsFile = z.strictObject({
  images: z.string().exactOptional(),
  labels: z.string().exactOptional(),
  out: z.string().exactOptional(),
  pairs: z.array(z.unknown()),
})

/** A pairs file as written, its paths resolved against its own folder. */
export interface WrittenPairs {
  readonly pairs: readonly WrittenPair[]
  readonly images: string
  readonly labels?: string
  readonly classes?: string
  readonly out?: string
}

/** Reads a pairs file; pairs that are wrong go to `problems`. Throws AugmentError `usage` if it cannot be read at all. */
export async function readWrittenPairs(file: string, problems: Problems): Promise<WrittenPairs> {
  const extension = path.extname(file).toLowerCase()
  const text = await readText(file)
  if (extension === '.jsonl') {
    const pairs = parsePairs(jsonLines(text, file, problems), (line) => `${file}:${line}`, problems)
    return { pairs, ...(await readInputs(path.dirname(file), problems)) }
  }
  if (extension !== '.json') throw new AugmentError('usage', `${file}: expected a .json or .jsonl file of pairs`)
  const value = parseJson(text, file, problems)?.value ?? []
  const parsed = pairsFile.safeParse(Array.isArray(value) ? { pairs: value } : value)
  if (!parsed.success) {
    for (const issue of parsed.error.issues) problems.add(file, describeIssue(issue))
    return { pairs: [], images: path.dirname(file) }
  }
  const { images = '.', labels, out, pairs } = parsed.data
  const entries = pairs.map((value, position) => ({ position, value }))
  const here = (relative: string) => path.resolve(path.dirname(file), relative)
  return {
    pairs: parsePairs(entries, (position) => `${file}[${position}]`, problems),
    images: here(images),
    ...(labels !== undefined && { labels: here(labels) }),
    ...(out !== undefined && { out: here(out) }),
  }
}

/** The inputs of the run whose provenance lies in `folder`; the folder itself where there is no run.json. */
async function readInputs(folder: string, problems: Problems): Promise<Omit<WrittenPairs, 'pairs'>> {
  const file = path.join(folder, RUN_RECORD)
  const text = await readFile(file, 'utf8').catch(() => undefined)
  if (text === undefined) return { images: folder }
  const parsed = inputPaths.safeParse(parseJson(text, file, problems)?.value)
  if (!parsed.success)
    throw new AugmentError('usage', `${file}: expected the run.json of a run, with the folder of its pictures`)
  const { images, labels, classes } = parsed.data
  const there = (relative: string) => path.resolve(folder, relative)
  return {
    images: there(images),
    ...(labels !== undefined && { labels: there(labels) }),
    ...(classes !== undefined && { classes: there(classes) }),
  }
}

function parsePairs(
  entries: Iterable<Entry>,
  placeOf: (position: number) => string,
  problems: Problems,
): WrittenPair[] {
  const pairs: WrittenPair[] = []
  for (const { position, value } of entries) {
    const place = placeOf(position)
    const parsed = schemaFor(value).safeParse(value)
    if (!parsed.success) for (const issue of parsed.error.issues) problems.add(place, describeIssue(issue))
    else if (parsed.data) pairs.push({ ...parsed.data, place })
  }
  return pairs
}

function schemaFor(value: unknown) {
  if (Array.isArray(value)) return pairTuple
  return typeof value === 'object' && value !== null && 'sources' in value ? madePair : pairObject
}

function describeIssue({ path: keys, message }: z.core.$ZodIssue): string {
  const text = message.replace(/^Invalid input: /, '')
  return keys.length === 0 ? text : `${keys.join('.')}: ${text}`
}
