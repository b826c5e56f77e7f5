import cliProgress from 'cli-progress'
import { formatBytes } from '../core/bytes.js'
import { counted } from '../core/counted.js'
import type { AugmentEvent, TrainEvent } from '../run/events.js'

/** Tells what a command does, to a person or, with `json`, to a program. What is for people goes to stderr. */
export interface Reporter {
  event(event: AugmentEvent | TrainEvent | FetchEvent): void
  /** One line for people. */
  note(text: string): void
  /** One line for people, also with `quiet`. */
  problem(text: string): void
  /** What the command was asked for, on stdout: `value` as JSON or `text`. */
  result(value: unknown, text: string): void
  /** How it ended: `value` as JSON on stdout, or `text` as a note. */
  done(value: unknown, text: string): void
  /** Takes the progress bar away. */
  stop(): void
}

/** Bytes of a classifier that have arrived. */
interface FetchEvent {
  readonly type: 'fetch'
  readonly model: string
  readonly done: number
  readonly total: number
}

/** Seconds between two lines of progress where there is no terminal. */
const LINE_EVERY = 5

/** A bar on a terminal, a line every few seconds elsewhere, NDJSON with `json`, nothing but problems and results with `quiet`. */
export function reporter({ json, quiet }: { json: boolean; quiet: boolean }): Reporter {
  if (json) return jsonReporter()
  const result = (_: unknown, text: string) => {
    process.stdout.write(`${text}\n`)
  }
  const { event, note, stop } = quiet ? SILENT : talking()
  return { event, note, stop, result, problem: say, done: (_, text) => note(text) }
}

function say(text: string): void {
  process.stderr.write(`${text}\n`)
}

type Talk = Pick<Reporter, 'event' | 'note' | 'stop'>

const SILENT: Talk = { event: () => {}, note: () => {}, stop: () => {} }

function talking(): Talk {
  const bar = process.stderr.isTTY ? barMeter() : lineMeter()
  let shown = 0
  return {
    note: say,
    stop: bar.stop,
    event(event) {
      if (event.type === 'progress') bar.update(event.done, event.total, '')
      else if (event.type === 'fetch') bar.update(Math.round(event.done / 1e6), Math.round(event.total / 1e6), ' MB')
      else if (event.type === 'skip') {
        if (shown++ < 10) say(`skipped output ${event.index}: ${event.message}`)
      } else {
        if (event.type === 'done') bar.stop()
        const text = sentence(event)
        if (text !== null) say(text)
      }
    },
  }
}

/** What an event that comes once says to a person. */
function sentence(event: Exclude<AugmentEvent | TrainEvent, { type: 'progress' | 'skip' }>): string | null {
  switch (event.type) {
    case 'plan': {
      const from = `${counted(event.sources, 'picture')} of ${counted(event.classes, 'class', 'classes')}`
      return `${counted(event.outputs, 'output')} planned from ${from}`
    }
    case 'notice':
      return event.message
    case 'space':
      return `about ${formatBytes(event.bytes)} to write, ${formatBytes(event.free)} free`
    case 'start':
      return event.done > 0 ? `continuing after ${counted(event.done, 'output')}` : null
    case 'epoch':
      return epochLine(event)
    case 'done':
      return closing(event)
  }
}

function epochLine(event: Extract<TrainEvent, { type: 'epoch' }>): string {
  const { epoch, epochs, loss, accuracy, heldOut, secondsLeft } = event
  const share = (value: number) => `${(100 * value).toFixed(1)} %`
  const judged = heldOut === null ? '' : `; held out: loss ${heldOut.loss.toFixed(3)}, ${share(heldOut.accuracy)} right`
  const left = epoch < epochs ? `; ${secondsLeft.toFixed(0)} s left` : ''
  return `epoch ${epoch} of ${epochs}: loss ${loss.toFixed(3)}, ${share(accuracy)} right${judged}${left}`
}

function closing(done: Extract<AugmentEvent, { type: 'done' }>): string {
  const { out, written, skipped, made, seconds, device, maps = 0, uniform = 0, report } = done
  if (made === 0 && written === 0 && skipped === 0)
    return `nothing written (dry run)${device === null ? '' : `; device ${device}`}`
  const lost = skipped > 0 ? `, ${skipped} skipped (failures.jsonl)` : ''
  const rate = made > 0 ? `, ${(made / seconds).toFixed(1)} per second` : skipped > 0 ? '' : ', nothing was missing'
  const where = device === null ? '' : `, on ${device}`
  const lines = [`${out}: ${counted(written, 'picture')}${lost} in ${seconds.toFixed(1)} s${rate}${where}`]
  if (uniform > 0) lines.push(`${uniform} of ${counted(maps, 'picture')} have no gradient: their maps are uniform`)
  if (report !== undefined) lines.push(`report: ${report}`)
  return lines.join('\n')
}

function jsonReporter(): Reporter {
  let last = 0
  const print = (value: unknown) => {
    process.stdout.write(`${JSON.stringify(value)}\n`)
  }
  return {
    ...{ note: () => {}, problem: () => {}, stop: () => {}, result: print, done: print },
    event(event) {
      const isProgress = event.type === 'progress' || event.type === 'fetch'
      if (isProgress && event.done < event.total && Date.now() - last < 1000) return
      if (isProgress) last = Date.now()
      print(event)
    },
  }
}

interface Meter {
  /** `unit` as in " MB". */
  update(done: number, total: number, unit: string): void
  stop(): void
}

function barMeter(): Meter {
  const format = '{bar} {value}/{total}{unit} {rate}/s {eta_formatted} left'
  const bar = new cliProgress.SingleBar({ format, stream: process.stderr, hideCursor: true })
  let began: { time: number; done: number } | undefined
  return {
    update(done, total, unit) {
      if (began === undefined) {
        began = { time: Date.now(), done }
        bar.start(total, done, { rate: '-', unit })
      }
      const seconds = (Date.now() - began.time) / 1000
      bar.update(done, { rate: seconds > 0 ? ((done - began.done) / seconds).toFixed(0) : '-', unit })
    },
    stop() {
      bar.stop()
      began = undefined
    },
  }
}

function lineMeter(): Meter {
  let began: { time: number; done: number } | undefined
  let last = 0
  return {
    update(done, total, unit) {
      const now = Date.now()
      if (began === undefined) {
        began = { time: now, done }
        last = now
      }
      if (now - last < LINE_EVERY * 1000) return
      last = now
      const rate = ((done - began.done) * 1000) / Math.max(1, now - began.time)
      const left = rate > 0 ? `, ${Math.ceil((total - done) / rate)} s left` : ''
      say(`${done}/${total}${unit}, ${rate.toFixed(0)} a second${left}`)
    },
    stop() {
      began = undefined
    },
  }
}
