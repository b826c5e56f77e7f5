/** What a container with labelled pictures says, and how it is told what is wrong with it. */
import path from 'node:path'
import { ContainerError } from '../containers/containerError.js'
import { AugmentError } from '../core/errors.js'
import { hintFor, reasonOf } from '../core/systemError.js'
import type { Classes, WrittenLabel } from './labels.js'

/** Rows of containers. */
export interface Contained {
  /** In the order of the containers; `file` is relative to the root. */
  readonly rows: readonly { readonly file: string; readonly label: WrittenLabel }[]
  /** Where the containers say what the classes are. */
  readonly classes?: Classes
  /** In words. */
  readonly told: string
  readonly notices: readonly string[]
  /** What has a label and is left out, in words. */
  readonly unread?: string | null
  /** Whether the rows name files of their own, which may not be there. */
  readonly areFiles?: boolean
}

/** What to call a file in what was given, which may be the file itself. */
export function placeIn(given: string, file: string): string {
  return path.basename(given) === file ? given : path.join(given, file)
}

/** What a container says, or what is wrong with it as AugmentError `usage`, naming `place`. */
export async function opening<T>(place: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (cause) {
    if (cause instanceof AugmentError) throw cause
    if (!(cause instanceof ContainerError) && (cause as NodeJS.ErrnoException).code === undefined) throw cause
    const hint =
      cause instanceof ContainerError ? (cause.hint === undefined ? {} : { hint: cause.hint }) : hintFor(cause)
    throw new AugmentError('usage', `${place}: ${reasonOf(cause)}`, { cause, ...hint })
  }
}
