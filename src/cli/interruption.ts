interface Interruption {
  readonly signal: AbortSignal
  /** Of the signal that came. */
  exitCode(): number
  release(): void
}

/** Turns the first SIGINT or SIGTERM into an abort, and the second into an immediate end. */
export function interruption(note: (text: string) => void): Interruption {
  const controller = new AbortController()
  let code = 130
  function stop(signal: NodeJS.Signals): void {
    code = signal === 'SIGINT' ? 130 : 143
    if (controller.signal.aborted) process.exit(code)
    note('finishing what is in flight; press Ctrl-C again to quit at once')
    controller.abort()
  }
  process.on('SIGINT', stop).on('SIGTERM', stop)
  return {
    signal: controller.signal,
    exitCode: () => code,
    release() {
      process.off('SIGINT', stop).off('SIGTERM', stop)
    },
  }
}
