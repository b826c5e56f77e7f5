import { AugmentError, EXIT } from '../core/errors.js'
import { hintFor, reasonOf } from '../core/systemError.js'

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
  const { hint = 'set DEBUG=1 to see where this came from' } = hintFor(error)
  const reason = reasonOf(error)
  if (reason === error.message) return { message: reason, hint }
  return { message: `${path === undefined ? '' : `${path}: `}${reason} (${code})`, hint }
}

/** The documented exit code of an error. */
export function exitCodeOf(error: unknown): number {
  return error instanceof AugmentError ? EXIT[error.code] : EXIT.failed
}
