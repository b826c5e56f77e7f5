import { counted } from '../core/counted.js'
import { AugmentError } from '../core/errors.js'

const SHOWN = 100

const byNumber = new Intl.Collator('en', { numeric: true })

/** Gathers everything that is wrong with one input, so that all of it is reported at once. */
export class Problems {
  readonly #shown: { readonly place: string; readonly text: string }[] = []
  #count = 0
  #hint: string | undefined

  /** How many there are. */
  get count(): number {
    return this.#count
  }

  /** One problem: `place` such as "labels.csv:14", `text` "found, expected". */
  add(place: string, text: string): void {
    this.#count++
    if (this.#shown.length < SHOWN) this.#shown.push({ place: place.replace(/\p{Cc}/gu, '\ufffd'), text })
  }

  /** What can be done about them; the first hint is the one told, however many problems bring it. */
  hint(text: string): void {
    this.#hint ??= text
  }

  /** Throws AugmentError `usage` with one line per problem, by place, the first hundred in full, unless there are none. */
  throwIfAny(): void {
    if (this.#count === 0) return
    this.#shown.sort((a, b) => byNumber.compare(a.place, b.place))
    const lines = this.#shown.map(({ place, text }) => `${place}: ${text}`)
    const more = this.#count - lines.length
    if (more > 0) lines.push(`... and ${counted(more, 'more problem')} like these`)
    throw new AugmentError('usage', lines.join('\n'), this.#hint === undefined ? {} : { hint: this.#hint })
  }
}

/** Text from a file as it may appear in a one-line message: quoted, control characters escaped, cut at 120 characters. */
export function quoted(text: string): string {
  return JSON.stringify(text.length > 120 ? `${text.slice(0, 117)}...` : text)
}
