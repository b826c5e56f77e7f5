/** The label files of a run, read side by side and checked against each other. */
import { existsSync } from 'node:fs'
import path from 'node:path'
import { counted } from '../core/counted.js'
import { AugmentError } from '../core/errors.js'
import { heaviestName } from '../core/softLabel.js'
import { LABELS, METADATA, PROVENANCE } from './layout.js'
import { type Line, readLines } from './lines.js'
import { repairHint } from './read.js'
import {
  labelsHeader,
  type MetadataRow,
  metadataRow,
  type ProvenanceRow,
  parseLabelsLine,
  parseRow,
  provenanceRow,
  type Row,
} from './rows.js'

const ALL = [LABELS, METADATA, PROVENANCE] as const

/** One output as its rows in all label files tell it. */
export interface Output {
  /** Null where the rows cannot be read. */
  readonly row: Row | null
  /** The lines of labels.csv, metadata.jsonl and provenance.jsonl. */
  readonly lines: readonly [labels: Line, metadata: Line, provenance: Line]
  /** What is wrong with the rows: "labels.csv:14: found ..., expected ...". */
  readonly problems: readonly string[]
}

/**
 * Every output of a finished run, of pictures of one class or of `several`, in plan order, until a table ends. What is wrong with the tables as a whole goes to
 * `problems`: one that is not there, a header, one that is shorter than the others.
 */
export async function* readOutputs(
  folder: string,
  classes: readonly string[],
  problems: string[],
  several = false,
): AsyncGenerator<Output> {
  const missing = ALL.filter((table) => !existsSync(path.join(folder, table)))
  problems.push(...missing.map((table) => `${table}: not there, expected a table`))
  if (missing.length > 0) return
  const tables = ALL.map((table) => readLines(path.join(folder, table)))
  const { value: header } = await tables[0]!.next()
  const expected = labelsHeader(classes)
  const found = `${header?.bytes ?? ''}`
  if (`${found}\n` !== expected) problems.push(`${LABELS}:1: ${headerProblem(found, expected)}`)
  let [read, index] = [0, -1]
  for (;;) {
    const next = await Promise.all(tables.map((table) => table.next()))
    const ended = ALL.filter((_, i) => next[i]!.done)
    if (ended.length > 0) {
      if (ended.length < ALL.length) problems.push(await shortest(tables, ended, read))
      return
    }
    read++
    const output = compare(next.map(({ value }) => value as Line) as [Line, Line, Line], classes, several)
    const at = output.row?.made.index
    if (at === undefined) yield output
    else if (at > index) yield output
    else {
      const problem = `${PROVENANCE}:${read}: found index ${at} after ${index}, expected plan order`
      yield { ...output, problems: [...output.problems, problem] }
    }
    index = Math.max(index, at ?? index)
  }
}

/** The same, where nothing may be wrong: throws a conflict error that names file and line. */
export async function* readRows(folder: string, classes: readonly string[], several = false): AsyncGenerator<Row> {
  const general: string[] = []
  const check = (problems: readonly string[]) => {
    if (problems.length === 0) return
    const lines = problems.map((problem) => path.join(folder, problem))
    throw new AugmentError('conflict', lines.join('\n'), { hint: repairHint(folder) })
  }
  for await (const { row, problems } of readOutputs(folder, classes, general, several)) {
    check([...general, ...problems])
    yield row!
  }
  check(general)
}

/** Which tables end after `read` rows although another, of which one row more has been taken, goes on. */
async function shortest(tables: readonly AsyncGenerator<Line>[], ended: readonly string[], read: number) {
  let longest = read + 1
  const other = ALL.find((table) => !ended.includes(table))!
  for await (const _ of tables[ALL.indexOf(other)]!) longest++
  await Promise.all(tables.map((table) => table.return(undefined)))
  return `${ended.join(' and ')}: found ${counted(read, 'row')}, expected ${longest} as in ${other}`
}

function headerProblem(found: string, expected: string): string {
  const [a, b] = [found === '' ? [] : found.split(','), expected.trimEnd().split(',')]
  const at = b.findIndex((cell, i) => cell !== a[i])
  if (at < 0) return `found ${a.length - 1} classes, expected ${b.length - 1} as in classes.txt`
  return `found ${a[at] ?? 'nothing'} in column ${at + 1}, expected ${b[at]} as in classes.txt`
}

function compare(lines: [Line, Line, Line], classes: readonly string[], several: boolean): Output {
  const problems: string[] = []
  const [labels, metadata, provenance] = lines
  lines.forEach(({ whole, number, bytes }, i) => {
    if (!whole) problems.push(`${ALL[i]}:${number}: found a line that is cut, expected a whole row`)
    else if (bytes.at(-1) === 13) problems.push(`${ALL[i]}:${number}: found a Windows line end, expected a line feed`)
  })
  const told = attempt(() => parseRow(metadataRow, metadata.bytes), `${METADATA}:${metadata.number}`, problems)
  const made = attempt(() => parseRow(provenanceRow, provenance.bytes), `${PROVENANCE}:${provenance.number}`, problems)
  const { file, label } = parseLabelsLine(labels.bytes)
  if (made === null) return { row: null, lines, problems }
  const place = `${LABELS}:${labels.number}`
  if (file !== made.file_name) problems.push(`${place}: found ${file}, expected ${made.file_name} as in ${PROVENANCE}`)
  problems.push(...weightProblems(label, classes.length, several).map((problem) => `${place}: ${problem}`))
  if (told !== null) {
    const differing = differingEntry(told, made, label, classes)
    if (differing !== null) {
      problems.push(`${METADATA}:${metadata.number}: found another ${differing} than in ${LABELS} and ${PROVENANCE}`)
    }
  }
  return { row: { label, made }, lines, problems }
}

/** What is wrong with the weights of a label, if anything. */
function weightProblems(label: Float64Array, classes: number, several: boolean): string[] {
  if (several) {
    if (label.length === classes && label.every((weight) => weight >= 0 && weight <= 1)) return []
    return [`found ${counted(label.length, 'weight')}, expected ${classes} from 0 to 1`]
  }
  const sum = label.reduce((total, weight) => total + weight, 0)
  if (label.length === classes && Math.abs(sum - 1) <= 1e-6 && label.every((weight) => weight >= 0)) return []
  return [`found ${counted(label.length, 'weight')} that sum to ${sum}, expected ${classes} that sum to 1`]
}

function attempt<T>(parse: () => T, place: string, problems: string[]): T | null {
  try {
    return parse()
  } catch (error) {
    problems.push(`${place}: ${(error as Error).message}`)
    return null
  }
}

/** The entry of a row of metadata.jsonl that does not follow from the other tables, if there is one. */
export function differingEntry(
  told: MetadataRow,
  { file_name: file, lambda, sources, epoch }: ProvenanceRow,
  label: Float64Array,
  classes: readonly string[],
): string | null {
  const [a, b = a] = sources
  if (told.file_name !== file) return 'file_name'
  if (told.soft_label.length !== label.length || told.soft_label.some((weight, k) => weight !== label[k])) {
    return 'label'
  }
  if (told.label !== heaviestName(label, classes)) return 'heaviest class'
  if (told.lambda !== lambda) return 'lambda'
  if (told.epoch !== epoch) return 'epoch'
  return told.source_a === a!.file && told.source_b === b!.file ? null : 'source'
}
