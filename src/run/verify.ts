import { readdir } from 'node:fs/promises'
import path from 'node:path'
import { decodeImage } from '../codec/decode.js'
import { AugmentError } from '../core/errors.js'
import { readClasses, refuseOtherClasses } from '../output/classes.js'
import { checkWrittenForms } from '../output/forms.js'
import { listedClasses } from '../output/inputList.js'
import { IMAGES, refuseLinks } from '../output/layout.js'
import { readRecord } from '../output/record.js'
import type { ProvenanceRow } from '../output/rows.js'
import { shardFormOf } from '../output/shardForms.js'
import { checkRun } from './check.js'
import { refuseObjects } from './objectPlace.js'
import { requirePaths } from './paths.js'
import { parseShard } from './shard.js'

export interface Verdict {
  /** Rows checked. */
  readonly rows: number
  /** One line per problem: place, found, expected. */
  readonly problems: readonly string[]
}

/**
 * Checks a finished dataset (throws a usage error where there is no folder): the record is complete and its counts right; the
 * tables agree row by row; labels are distributions; every picture is there, has the recorded hash and size, and decodes; no
 * picture is without a row. With `shard` (as `2/8`, or `auto` in a cluster) the pictures of each eighth output alone are read, and
 * everything else is checked: all parts together check what one does.
 */
export async function verify(
  folder: string,
  { shard }: { readonly shard?: string | undefined } = {},
): Promise<Verdict> {
  const part = shard === undefined ? { index: 1, count: 1 } : parseShard(shard, process.env)
  refuseObjects('verify', [folder])
  await requirePaths('folder', [folder], 'a finished dataset')
  const problems: string[] = []
  const told = async <T>(work: Promise<T>): Promise<T | null> => {
    try {
      return await work
    } catch (error) {
      if (!(error instanceof AugmentError)) throw error
      problems.push(...error.message.split('\n').map((line) => below(folder, line)))
      return null
    }
  }
  await told(refuseLinks(folder))
  const record = problems.length > 0 ? null : await told(readRecord(folder))
  if (record === null) {
    if (problems.length === 0) problems.push(`${folder}: found no run.json, expected a finished dataset`)
    return { rows: 0, problems }
  }
  if (!record.complete) problems.push('run.json: found an unfinished run, expected "complete": true')
  const listed = await listedClasses(folder, record)
  const classes = listed ?? (await told(readClasses(folder)))
  if (classes === null) return { rows: 0, problems }
  await told(refuseOtherClasses(folder, classes))
  const {
    rows,
    files,
    problems: found,
  } = await checkRun(folder, record, classes, {
    look,
    // Whatever the record says of the outputs, each belongs to a part.
    isOurs: (index) => index % part.count === part.index - 1,
  })
  problems.push(...found)
  const inShards = shardFormOf(record.options.layout) !== null
  for await (const problem of strays(folder, inShards ? new Set() : files)) problems.push(problem)
  // They are made of what has just been found right.
  if (problems.length === 0) problems.push(...(await checkWrittenForms(folder, classes, record)))
  return { rows, problems }
}

/** A line that begins with a path in `folder`, without it. */
function below(folder: string, line: string): string {
  const prefix = path.join(folder, path.sep)
  return line.startsWith(prefix) ? line.slice(prefix.length) : line
}

async function look(bytes: Buffer, { file_name: file, canvas: [width, height] }: ProvenanceRow) {
  const found = await decodeImage(bytes, file, { maxPixels: width * height })
  if (found.width === width && found.height === height) return undefined
  return `${file}: found ${found.width} x ${found.height}, expected ${width} x ${height}`
}

/** What lies below images/ and has no row. Folders are read one by one: a list of all takes more memory than the rows. */
async function* strays(folder: string, files: ReadonlySet<string>, below = IMAGES): AsyncGenerator<string> {
  const entries = await readdir(path.join(folder, below), { withFileTypes: true }).catch(() => [])
  for (const entry of entries) {
    const file = `${below}/${entry.name}`
    if (entry.isDirectory()) yield* strays(folder, files, file)
    else if (!files.has(file)) yield `${file}: found a picture without a row, expected none: move it away`
  }
}
