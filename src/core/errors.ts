/** What went wrong, by the exit code it leads to. 75 is EX_TEMPFAIL of sysexits.h: the same command continues. */
export const EXIT = { failed: 1, usage: 2, skipped: 3, model: 4, device: 5, conflict: 6, stopped: 75 } as const

export type ErrorCode = keyof typeof EXIT

/** The one error a user is meant to read: `message` is "place: found, expected", one line per problem; `hint` what to do. */
export class AugmentError extends Error {
  readonly code: ErrorCode
  readonly hint: string | undefined

  constructor(code: ErrorCode, message: string, options: { hint?: string; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause })
    this.name = 'AugmentError'
    this.code = code
    this.hint = options.hint
  }
}
