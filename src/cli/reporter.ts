import { formatBytes } from '../core/bytes.js'
import { counted } from '../core/counted.js'
import { formatDuration } from '../core/duration.js'
import type { AugmentEvent, TrainEvent } from '../run/events.js'
import type { Tell } from '../run/notices.js'
import { barMeter, lineMeter, type Meter } from './meter.js'

/** Tells what a command does, to a person or, with `json`, to a program. What is for people goes to stderr. */
export interface Reporter {
  event(event: AugmentEvent | TrainEvent | FetchEvent): void
  /** One line for people. */
  note(text: string): void
  /** One line for people, also with `quiet`. */
  problem(text: string): void
  /** One line for people, where `loss` also with `quiet` and `json`: something that was given is not used. */
  tell: Tell
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

/** A bar on a terminal, a line every few seconds elsewhere, NDJSON with `json`, nothing but problems and results with `quiet`. */
export function reporter({ json, quiet }: { json: boolean; quiet: boolean }): Reporter {
  if (json) return jsonReporter()
  const result = (_: unknown, text: string) => {
    process.stdout.write(`${text}\n`)
  }
  if (quiet) return { ...SILENT, result, problem: say, tell: sayLoss, done: () => {} }
  const { event, note, stop } = talking()
  return { event, note, stop, result, problem: note, tell: note, done: (_, text) => note(text) }
}

function say(text: string): void {
  process.stderr.write(`${text}\n`)
}

function sayLoss(text: string, loss?: true): void {
  if (loss) say(text)
}

type Talk = Pick<Reporter, 'event' | 'note' | 'stop'>

const SILENT: Talk = {
  note: () => {},
  stop: () => {},
  event(event) {
    if (event.type === 'notice') sayLoss(event.message, event.loss)
  },
}

function talking(): Talk {
  const meter: Meter = process.stderr.isTTY ? barMeter(process.stderr) : lineMeter(say)
  let shown = 0
  // A line written over the bar would be half of each.
  const note = (text: string) => {
    meter.clear()
    say(text)
  }
  return {
    note,
    stop: meter.stop,
    event(event) {
      if (event.type === 'progress') meter.update(event.done, event.total, '')
      else if (event.type === 'fetch') meter.update(Math.round(event.done / 1e6), Math.round(event.total / 1e6), ' MB')
      else if (event.type === 'skip') {
        if (shown++ < 10) note(`skipped output ${event.index}: ${event.message}`)
      } else {
        if (event.type === 'done') meter.stop()
        if (event.type === 'start') meter.start(event.done)
        const text = sentence(event)
        if (text !== null) note(text)
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
    case 'time': {
      const { seconds, outputs, timed } = event
      const rate = (outputs / seconds).toFixed(outputs < 10 * seconds ? 2 : 0)
      return `about ${formatDuration(seconds)} for ${counted(outputs, 'output')}, ${rate} a second (${timed} timed)`
    }
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
  const { out, written, skipped, made, seconds, device, maps = 0, uniform = 0, report, preview } = done
  if (preview !== undefined) return `preview: ${preview}; nothing else written`
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
    ...{ note: () => {}, problem: () => {}, tell: sayLoss, stop: () => {}, result: print, done: print },
    event(event) {
      const isProgress = event.type === 'progress' || event.type === 'fetch'
      if (isProgress && event.done < event.total && Date.now() - last < 1000) return
      if (isProgress) last = Date.now()
      print(event)
    },
  }
}
