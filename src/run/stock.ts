/** What every source's file was when the run was planned, so that one that changes is noticed. */
import { type Stats, statSync } from 'node:fs'
import path from 'node:path'
import { AugmentError } from '../core/errors.js'
import type { Inputs } from './inputs.js'

export interface Stock {
  /**
   * Every source with its size in bytes and label, a line each, and what else decides the plan on the first line: equal for
   * equal inputs wherever they lie.
   */
  readonly list: string
  /** Throws a conflict error unless the file of a source still is what it was, by size and time of modification. */
  check(source: number, now: Stats): void
  /** The files modified after a time in milliseconds. */
  modifiedSince(time: number): string[]
}

/** Looks at the file of every source: 16 bytes and a line of `list` each. */
export function takeStock({ root, classes, sources, pairs }: Inputs): Stock {
  const sizes = new Float64Array(sources.length)
  const times = new Float64Array(sources.length)
  const lines = [JSON.stringify({ classes, pairs })]
  sources.forEach(({ file, label }, i) => {
    // A file that is gone is found out when it is needed.
    const stats = statSync(path.join(root, file), { throwIfNoEntry: false })
    sizes[i] = stats?.size ?? Number.NaN
    times[i] = stats?.mtimeMs ?? Number.NaN
    const bytes = stats?.size ?? 'none'
    lines.push(`${JSON.stringify(file)}\t${bytes} bytes, label ${typeof label === 'number' ? label : label.join(' ')}`)
  })
  return {
    list: `${lines.join('\n')}\n`,
    check(source, { size, mtimeMs }) {
      if (size === sizes[source] && mtimeMs === times[source]) return
      const [found, expected] = [dated(size, mtimeMs), dated(sizes[source]!, times[source]!)]
      throw new AugmentError(
        'conflict',
        `${sources[source]!.file}: found ${found}, expected ${expected} as when the run began`,
        {
          hint: 'it changed meanwhile: put it back and repeat the command to continue, or start over with --overwrite',
        },
      )
    },
    modifiedSince: (time) => sources.filter((_, i) => times[i]! > time).map(({ file }) => file),
  }
}

function dated(size: number, time: number): string {
  return Number.isNaN(size) ? 'no file' : `${size} bytes of ${new Date(time).toISOString()}`
}
