import { EXIT } from '../core/errors.js'
import { Interrupted } from '../run/interrupted.js'
import type { Reporter } from './reporter.js'

interface Interruption {
  readonly signal: AbortSignal
  /** Of the signal that came. */
  exitCode(): number
  release(): void
}

/**
 * What schedulers send before they kill: Slurm and Kubernetes SIGTERM, Grid Engine SIGUSR1 and SIGUSR2, both SIGXCPU at a limit
 * of CPU time. Windows knows the first alone.
 */
const POLITE: readonly NodeJS.Signals[] =
  process.platform === 'win32' ? ['SIGTERM'] : ['SIGTERM', 'SIGUSR1', 'SIGUSR2', 'SIGXCPU']

/** How long what is in flight may take once a scheduler wants the process to end, in milliseconds. */
const GRACE = 4000

/**
 * Turns the first signal into an abort. A second Ctrl-C ends the process at once, and so does the end of the grace that
 * schedulers give, which may send their signal more than once.
 */
function interruption(note: (text: string) => void): Interruption {
  const controller = new AbortController()
  let code: number = EXIT.stopped
  let deadline: NodeJS.Timeout | undefined
  function onInterrupt(): void {
    if (controller.signal.aborted) endAtOnce('SIGINT')
    code = 130
    note('finishing what is in flight; press Ctrl-C again to quit at once')
    controller.abort()
  }
  function onPolite(): void {
    if (deadline !== undefined) return
    code = EXIT.stopped
    deadline = setTimeout(endAtOnce, GRACE, 'SIGTERM').unref()
    if (!controller.signal.aborted) note('finishing what is in flight, for a few seconds')
    controller.abort()
  }
  function listen(turn: 'on' | 'off'): void {
    process[turn]('SIGINT', onInterrupt)
    for (const name of POLITE) process[turn](name, onPolite)
  }
  function endAtOnce(by: NodeJS.Signals): void {
    listen('off')
    // An exit waits for threads, and one in native code may take long or abort. The first process of a container survives.
    process.kill(process.pid, by)
    process.exit(code)
  }
  listen('on')
  return {
    signal: controller.signal,
    exitCode: () => code,
    // The deadline stays: threads may still keep the process.
    release: () => listen('off'),
  }
}

/** Said of what goes on where it was. */
export const CONTINUE = '; repeat the command to continue'

/** Does `work`, which ends in order at the first signal, with a line that says so and `then`, and the exit code of the signal. */
export async function interruptible(
  report: Pick<Reporter, 'note' | 'stop'>,
  then: string,
  work: (signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const interrupt = interruption(report.note)
  try {
    await work(interrupt.signal)
  } catch (error) {
    report.stop()
    if (!(error instanceof Interrupted)) throw error
    report.note(`${error.message}${then}`)
    process.exitCode = interrupt.exitCode()
  } finally {
    interrupt.release()
  }
}

/** Tells the events of a run to its end; what came of it. */
export async function heardOut<T>(
  events: AsyncGenerator<Parameters<Reporter['event']>[0], T>,
  report: Pick<Reporter, 'event'>,
): Promise<T> {
  for (;;) {
    const { done, value } = await events.next()
    if (done) return value
    report.event(value)
  }
}
