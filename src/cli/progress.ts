import cliProgress from 'cli-progress'
import { formatBytes } from '../core/bytes.js'
import { counted } from '../core/counted.js'
import type { AugmentEvent } from '../run/events.js'

/** Tells a run's events to a person or, with `json`, to a program. */
export interface Reporter {
  event(event: AugmentEvent): void
  /** One line for people. */
  note(text: string): void
  /** Takes the progress bar away. */
  stop(): void
}

/** Seconds between two lines of progress where there is no terminal. */
const LINE_EVERY = 5

/** A bar on a terminal, a line every few seconds elsewhere, NDJSON with `json`, nothing with `quiet`. */
export function reporter({ json, quiet }: { json: boolean; quiet: boolean }): Reporter {
  if (json) return jsonReporter()
  if (quiet) return { event: () => {}, note: () => {}, stop: () => {} }
  const bar = meter()
  const note = (text: string) => {
    process.stderr.write(`${text}\n`)
  }
  let shown = 0
  return {
    note,
    stop: bar.stop,
    event(event) {
      if (event.type === 'plan') {
        const from = `${counted(event.sources, 'picture')} of ${counted(event.classes, 'class', 'classes')}`
        note(`${counted(event.outputs, 'output')} planned from ${from}`)
      } else if (event.type === 'notice') note(event.message)
      else if (event.type === 'space')
        note(`about ${formatBytes(event.bytes)} to write, ${formatBytes(event.free)} free`)
      else if (event.type === 'start') {
        if (event.done > 0) note(`continuing after ${counted(event.done, 'output')}`)
      } else if (event.type === 'progress') bar.update(event.done, event.total)
      else if (event.type === 'skip') {
        if (shown++ < 10) note(`skipped output ${event.index}: ${event.message}`)
      } else {
        bar.stop()
        note(closing(event))
      }
    },
  }
}

function closing(done: Extract<AugmentEvent, { type: 'done' }>): string {
  const { out, written, skipped, made, seconds, device, report } = done
  if (made === 0 && written === 0 && skipped === 0)
    return `nothing written (dry run)${device === null ? '' : `; device ${device}`}`
  const lost = skipped > 0 ? `, ${skipped} skipped (failures.jsonl)` : ''
  const rate = made > 0 ? `, ${(made / seconds).toFixed(1)} a second` : skipped > 0 ? '' : ', nothing was missing'
  return `${out}: ${counted(written, 'picture')}${lost} in ${seconds.toFixed(1)} s${rate}${device === null ? '' : `, on ${device}`}${
    report === undefined ? '' : `\nreport: ${report}`
  }`
}

function jsonReporter(): Reporter {
  let last = 0
  return {
    note: () => {},
    stop: () => {},
    event(event) {
      if (event.type === 'progress' && event.done < event.total && Date.now() - last < 1000) return
      if (event.type === 'progress') last = Date.now()
      process.stdout.write(`${JSON.stringify(event)}\n`)
    },
  }
}

interface Meter {
  update(done: number, total: number): void
  stop(): void
}

/** A bar on a terminal, a line every few seconds elsewhere; `unit` as in " MB". */
export function meter(unit = ''): Meter {
  return process.stderr.isTTY ? barMeter(unit) : lineMeter(unit)
}

function barMeter(unit: string): Meter {
  const bar = new cliProgress.SingleBar({
    format: `{bar} {value}/{total}${unit} {rate}/s {eta_formatted} left`,
    stream: process.stderr,
    hideCursor: true,
  })
  let began: { time: number; done: number } | undefined
  return {
    update(done, total) {
      if (began === undefined) {
        began = { time: Date.now(), done }
        bar.start(total, done, { rate: '-' })
      }
      const seconds = (Date.now() - began.time) / 1000
      bar.update(done, { rate: seconds > 0 ? ((done - began.done) / seconds).toFixed(0) : '-' })
    },
    stop: () => bar.stop(),
  }
}

function lineMeter(unit: string): Meter {
  let began: { time: number; done: number } | undefined
  let last = 0
  return {
    update(done, total) {
      const now = Date.now()
      if (began === undefined) {
        began = { time: now, done }
        last = now
      }
      if (now - last < LINE_EVERY * 1000) return
      last = now
      const rate = ((done - began.done) * 1000) / Math.max(1, now - began.time)
      const left = rate > 0 ? `, ${Math.ceil((total - done) / rate)} s left` : ''
      process.stderr.write(`${done}/${total}${unit}, ${rate.toFixed(0)} a second${left}\n`)
    },
    stop: () => {},
  }
}
