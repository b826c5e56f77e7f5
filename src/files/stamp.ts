import { createHash } from 'node:crypto'
import { statSync } from 'node:fs'

/** What is asked of a file; objects in a store have no inode. */
interface Facts {
  readonly ino?: number
  readonly size: number
  readonly mtimeMs: number
  readonly ctimeMs: number
}

/** What changes when a file or folder does, and when it last did. */
export interface Stamp {
  readonly text: string
  /** Milliseconds since 1970; infinite where nothing is there. */
  readonly touched: number
}

/** The stamp of what was found at a place: no change of its content, or of the names in a folder, leaves it as it is. */
export function stampOf(facts: Facts | undefined): Stamp {
  if (facts === undefined) return { text: 'none', touched: Number.POSITIVE_INFINITY }
  const { ino, size, mtimeMs, ctimeMs } = facts
  return { text: `${ino} ${size} ${mtimeMs} ${ctimeMs}`, touched: Math.max(mtimeMs, ctimeMs) }
}

/** The stamp of a path, links followed. */
export function stampAt(path: string): Stamp {
  return stampOf(statSync(path, { throwIfNoEntry: false }))
}

/** Makes one stamp of many, added in a fixed order: a SHA-256, and when the last was touched. */
export function stampHash() {
  const hash = createHash('sha256')
  let [touched, text] = [0, '']
  return {
    add(stamp: Stamp): void {
      touched = Math.max(touched, stamp.touched)
      text += `${stamp.text}\n`
      if (text.length < 2 ** 16) return
      hash.update(text)
      text = ''
    },
    digest: (): Stamp => ({ text: hash.update(text).digest('hex'), touched }),
  }
}
