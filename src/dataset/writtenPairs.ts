/** Pairs as they are written in JSON or JSON lines. */
import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { z } from 'zod'
import { AugmentError } from '../core/errors.js'
import { RUN_RECORD } from '../output/layout.js'
import { inputPaths } from '../output/record.js'
import { madeFrom, provenanceRow } from '../output/rows.js'
import { type Entry, EXPECTED_LABEL, JsonLabels, jsonLines, parseJson } from './json.js'
import { type WrittenPair, WrittenPairs } from './pairList.js'
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
  .refine(
    (name) => !SPLIT_WORD.test(name),
    'expected a name without a word like train or test, which loaders take for a split',
  )

const fileName = z.string('expected a file name')
const label = z.unknown().refine((value) => new JsonLabels().read(value) !== undefined, EXPECTED_LABEL)
const alpha = z.number(ALPHA).min(0, ALPHA).max(1, ALPHA)
const shift = z.tuple([z.int(SHIFT), z.int(SHIFT)], SHIFT)

const pairObject = z.strictObject(
  {
    a: fileName,
    b: fileName,
    label_a: label.exactOptional(),
    label_b: label.exactOptional(),
    alpha: alpha.exactOptional(),
    shift: shift.exactOptional(),
    name: outputName.exactOptional(),
  },
  { error: ({ code, keys }) => (code === 'unrecognized_keys' ? `unknown key ${keys.map(quoted).join(', ')}` : PAIR) },
)

const pairTuple = z.tuple([fileName, fileName], PAIR).transform(([a, b]) => ({ a, b }))

/** What makes a pair of a row of a run's provenance.jsonl; one of an original, which has a single source, is none. */
const madePair = z
  .object({
    sources: z
      .array(madeFrom.pick({ file: true, label: true }).extend({ sha256: z.string().exactOptional() }).strip())
      .min(1)
      .max(2),
    ...provenanceRow.pick({ index: true, alpha: true, shift: true, offset: true }).shape,
  })
  .transform(({ index, sources: [a, b], alpha, shift: written, offset }) => {
    const shift = offset ?? written
    if (a === undefined || b === undefined) return undefined
    const labels = {
      ...(a.label !== undefined && { label_a: a.label }),
      ...(b.label !== undefined && { label_b: b.label }),
    }
    const fixed = { ...(alpha !== undefined && { alpha }), ...(shift && { shift }) }
    return { a: a.file, b: b.file, ...labels, ...fixed, stream: index, hashes: [a.sha256, b.sha256] as const }
  })

const pairsFile = z.strictObject({
  images: z.string().exactOptional(),
  labels: z.string().exactOptional(),
  out: z.string().exactOptional(),
  pairs: z.array(z.unknown()),
})

/** A pairs file as written, its paths resolved against its own folder. */
export interface PairsFile {
  readonly pairs: WrittenPairs
  /** Where a pair stands, as in "pairs.json[3]" or "pairs.jsonl:4". */
  readonly placeOf: (position: number) => string
  readonly images: string
  readonly labels?: string
  readonly classes?: string
  readonly split?: string
  readonly out?: string
  /** How the run was made whose provenance it is. */
  readonly madeWith?: MadeWith
}

/** What decided the outputs of an earlier run, as its run.json has it. */
export type MadeWith = z.infer<typeof madeWith>

/** Reads a pairs file; pairs that are wrong go to `problems`. Throws AugmentError `usage` if it cannot be read at all. */
export async function readPairsFile(file: string, problems: Problems): Promise<PairsFile> {
  const extension = path.extname(file).toLowerCase()
  if (extension === '.jsonl') {
    const reader = new PairReader((line) => `${file}:${line}`, problems)
    for await (const entries of jsonLines(file, file, problems)) for (const entry of entries) reader.read(entry)
    return { ...reader, ...(await inputsOfRun(path.dirname(file), problems)) }
  }
  if (extension !== '.json') throw new AugmentError('usage', `${file}: expected a .json or .jsonl file of pairs`)
  const reader = new PairReader((position) => `${file}[${position}]`, problems)
  const value = parseJson(await readText(file), file, problems)?.value ?? []
  const parsed = pairsFile.safeParse(Array.isArray(value) ? { pairs: value } : value)
  if (!parsed.success) {
    for (const issue of parsed.error.issues) problems.add(file, describeIssue(issue))
    return { ...reader, images: path.dirname(file) }
  }
  const { images = '.', labels, out, pairs } = parsed.data
  pairs.forEach((value, position) => {
    reader.read({ position, value })
  })
  const here = (relative: string) => path.resolve(path.dirname(file), relative)
  return {
    ...reader,
    images: here(images),
    ...(labels !== undefined && { labels: here(labels) }),
    ...(out !== undefined && { out: here(out) }),
  }
}

const madeWith = z.object({
  options: z.record(z.string(), z.unknown()),
  model: z
    .object({
      name: z.string(),
      sha256: z.string(),
      input: z.record(z.string(), z.unknown()).exactOptional(),
      logits: z.record(z.string(), z.int()).nullish(),
    })
    .nullish(),
  device: z.string().nullish(),
})

const earlierRun = inputPaths.extend(madeWith.partial({ options: true }).shape)

/** Inputs of the run whose provenance lies in `folder`; the folder itself where there is no run.json. */
async function inputsOfRun(folder: string, problems: Problems): Promise<Omit<PairsFile, 'pairs' | 'placeOf'>> {
  const file = path.join(folder, RUN_RECORD)
  const text = await readFile(file, 'utf8').catch(() => undefined)
  if (text === undefined) return { images: folder }
  const parsed = earlierRun.safeParse(parseJson(text, file, problems)?.value)
  if (!parsed.success)
    throw new AugmentError('usage', `${file}: expected the run.json of a run, with the folder of its pictures`)
  const { images, labels, classes, split, options, ...made } = parsed.data
  const there = (relative: string) => path.resolve(folder, relative)
  return {
    images: there(images),
    ...(labels !== undefined && { labels: there(labels) }),
    ...(classes !== undefined && { classes: there(classes) }),
    ...(split !== undefined && { split }),
    ...(options !== undefined && { madeWith: { ...made, options } }),
  }
}

type ReadPair = z.infer<typeof pairObject> & Pick<WrittenPair, 'stream' | 'hashes'>

/** Gathers the pairs of one file. */
class PairReader {
  readonly pairs = new WrittenPairs()
  readonly placeOf: (position: number) => string
  readonly #labels = new JsonLabels()
  readonly #problems: Problems

  constructor(placeOf: (position: number) => string, problems: Problems) {
    this.placeOf = placeOf
    this.#problems = problems
  }

  read({ position, value }: Entry): void {
    const parsed = schemaFor(value).safeParse(value)
    if (!parsed.success) {
      for (const issue of parsed.error.issues) this.#problems.add(this.placeOf(position), describeIssue(issue))
    } else if (parsed.data) {
      const { a, b, label_a, label_b, ...more } = parsed.data as ReadPair
      const [labelA, labelB] = [this.#labels.read(label_a), this.#labels.read(label_b)]
      this.pairs.add({ a, b, labelA, labelB, ...more }, position)
    }
  }
}

function schemaFor(value: unknown) {
  if (Array.isArray(value)) return pairTuple
  return typeof value === 'object' && value !== null && 'sources' in value ? madePair : pairObject
}

function describeIssue({ path: keys, message }: z.core.$ZodIssue): string {
  const text = message.replace(/^Invalid input: /, '')
  return keys.length === 0 ? text : `${keys.join('.')}: ${text}`
}
