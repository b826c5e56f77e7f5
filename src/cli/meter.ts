/** How far a command is: a bar on a terminal, a line every few seconds elsewhere. */
import cliProgress from 'cli-progress'
import { formatDuration } from '../core/duration.js'

export interface Meter {
  /** Work begins now, `done` having been made before: from here on time is taken. */
  start(done: number): void
  /** `unit` as in " MB". */
  update(done: number, total: number, unit: string): void
  /** Makes room for a line of text; the next update draws again. */
  clear(): void
  stop(): void
}

/** Seconds between two lines of progress where there is no terminal. */
const LINE_EVERY = 5

/** Seconds of work before anything is said of the rest: outputs come in batches, and the first of them late. */
const SETTLED = 3

export interface Pace {
  start(done: number): void
  /** Per second, and seconds left; null as long as they would be a guess. */
  at(done: number, total: number): { readonly rate: number; readonly left: number } | null
}

/**
 * The mean pace since the work began. Counted from the first output instead, a batch that comes at once would promise a run
 * of no time. `clock` is in seconds.
 */
export function pace(clock = () => performance.now() / 1000): Pace {
  let began: { readonly time: number; readonly done: number } | undefined
  return {
    start(done) {
      began = { time: clock(), done }
    },
    at(done, total) {
      if (began === undefined) began = { time: clock(), done }
      const seconds = clock() - began.time
      const rate = (done - began.done) / seconds
      return seconds >= SETTLED && rate > 0 ? { rate, left: (total - done) / rate } : null
    },
  }
}

export function barMeter(stream: NodeJS.WriteStream): Meter {
  const format = '{bar} {value}/{total}{unit}{pace}'
  // Its own ways to end with a signal, and to leave its line, take the cursor to where the first bar was.
  const options = { format, stream, clearOnComplete: true, gracefulExit: false }
  let measured = pace()
  let bar: cliProgress.SingleBar | undefined
  function clear(): void {
    bar?.stop()
    bar = undefined
  }
  return {
    start: (done) => measured.start(done),
    update(done, total, unit) {
      const now = measured.at(done, total)
      const payload = { unit, pace: now === null ? '' : ` ${rateText(now.rate)}/s, ${formatDuration(now.left)} left` }
      if (bar === undefined) {
        bar = new cliProgress.SingleBar(options)
        bar.start(total, done, payload)
      } else bar.update(done, payload)
    },
    clear,
    stop() {
      clear()
      measured = pace()
    },
  }
}

export function lineMeter(say: (text: string) => void): Meter {
  let measured = pace()
  let last: number | undefined
  return {
    start: (done) => measured.start(done),
    update(done, total, unit) {
      const now = performance.now()
      last ??= now
      const found = measured.at(done, total)
      if (now - last < LINE_EVERY * 1000) return
      last = now
      const rest = found === null ? '' : `, ${rateText(found.rate)} a second, ${formatDuration(found.left)} left`
      say(`${done}/${total}${unit}${rest}`)
    },
    clear() {},
    stop() {
      measured = pace()
      last = undefined
    },
  }
}

/** `0.4`, `7.3`, `112`: two digits at least, since photographs on few cores come at less than one a second. */
function rateText(rate: number): string {
  return rate.toFixed(rate < 10 ? 1 : 0)
}
