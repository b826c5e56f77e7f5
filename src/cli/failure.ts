import { AugmentError, EXIT } from '../core/errors.js'

/** What people can do about an error of the operating system. */
const SYSTEM_HINTS: Readonly<Record<string, string>> = {
  ENOSPC: 'free some space and repeat the command: it continues where it stopped',
  EACCES: 'check the permissions of that path',
  EROFS: 'choose a writable folder with --out',
  EMFILE: 'raise the limit of open files (ulimit -n) or use fewer --jobs, then repeat the command',
  // What the loader of modules says if it may not open another file.
  ERR_MODULE_NOT_FOUND: 'raise the limit of open files (ulimit -n), or install the program again',
  EIO: 'the disk reports an error; repeat the command to continue, or choose another --out',
}

/** Prints an error once, as a person reads it; a stack trace only with DEBUG in the environment. */
export function printError(error: unknown): void {
  const { message, hint } = describe(error)
  const lines = [message, ...(hint === undefined ? [] : [`  hint: ${hint}`])]
  if (process.env.DEBUG && error instanceof Error) lines.push(error.stack ?? '')
  process.stderr.write(`${lines.join('\n')}\n`)
}

/** Message and hint of any error. */
function describe(error: unknown): { message: string; hint: string | undefined } {
  if (error instanceof AugmentError) return { message: error.message, hint: error.hint }
  if (!(error instanceof Error)) return { message: String(error), hint: undefined }
  const { code, path } = error as NodeJS.ErrnoException
  const place = path !== undefined && !error.message.includes(path) ? `${path}: ` : ''
  const hint = code === undefined ? undefined : SYSTEM_HINTS[code]
  return { message: `${place}${error.message}`, hint: hint ?? 'set DEBUG=1 to see where this came from' }
}

/** The documented exit code of an error. */
export function exitCodeOf(error: unknown): number {
  return error instanceof AugmentError ? EXIT[error.code] : EXIT.failed
}
