/** Reads single tables of a run; a damaged line is named by file and line. */
import { existsSync } from 'node:fs'
import path from 'node:path'
import type { z } from 'zod'
import { AugmentError } from '../core/errors.js'
import { PROVENANCE } from './layout.js'
import { type Line, readLines } from './lines.js'
import { parseRow } from './rows.js'

/** The conflict error of a line, or of a whole file, that is not as the run wrote it. */
export function damaged(file: string, line: number | null, problem: string): AugmentError {
  return new AugmentError('conflict', `${file}${line === null ? '' : `:${line}`}: ${problem}`, {
    hint: repairHint(path.dirname(file)),
  })
}

export function repairHint(folder: string): string {
  return `sage-augment verify ${folder} --repair keeps the undamaged rows; the run's command then makes the rest`
}

/** The row on a line of `file`; throws a conflict error with its place. */
export function rowOn<T>(schema: z.ZodType<T>, { bytes, number, whole }: Line, file: string): T {
  if (!whole) throw damaged(file, number, 'found a line that is cut, expected a whole row')
  try {
    return parseRow(schema, bytes)
  } catch (error) {
    throw damaged(file, number, (error as Error).message)
  }
}

/** How many outputs the folder of a run has; 0 where there is none. */
export async function rowsIn(folder: string): Promise<number> {
  const file = path.join(folder, PROVENANCE)
  let rows = 0
  if (existsSync(file)) for await (const { whole } of readLines(file)) if (whole) rows++
  return rows
}

/**
 * The rows of a table in their order, checked, and their text. Throws a conflict error for a damaged line; where a run is
 * `unfinished`, a last line that is cut is simply not there yet.
 */
export async function* tableRows<T>(
  file: string,
  schema: z.ZodType<T>,
  { unfinished = false } = {},
): AsyncGenerator<{ row: T; bytes: Buffer }> {
  for await (const line of readLines(file)) {
    if (unfinished && !line.whole) return
    yield { row: rowOn(schema, line, file), bytes: line.bytes }
  }
}
