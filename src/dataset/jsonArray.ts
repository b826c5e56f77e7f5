/** Splits a JSON array of any size into its elements as it arrives; JSON.parse then reads each on its own. */
export class ArraySplitter {
  /** What has arrived and is not yet taken, from the start of the current element on. */
  #text = ''
  /** Where in it to go on. */
  #at = 0
  /** Open brackets: 0 before the array, 1 between its elements. */
  #depth = 0
  #state: 'before' | 'inside' | 'after' | 'no array' | 'broken array' = 'before'
  #elements = 0

  /** The elements that `piece` completes, as text; one that is none becomes an error when it is parsed. */
  push(piece: string): string[] {
    this.#text += piece
    if (this.#state === 'before') this.#open()
    const elements = this.#state === 'inside' ? this.#split() : []
    if (this.#state === 'after' && this.#text.trim() !== '') this.#state = 'broken array'
    this.#elements += elements.length
    return elements
  }

  /** Characters that wait for the end of their element. */
  get waiting(): number {
    return this.#text.length
  }

  /** What the text is so far: an array, something else, or an array that is cut off or goes on behind its end. */
  get found(): 'array' | 'no array' | 'broken array' {
    if (this.#state === 'after') return 'array'
    return this.#state === 'inside' || this.#state === 'broken array' ? 'broken array' : 'no array'
  }

  #open(): void {
    const start = this.#text.search(/\S/)
    if (start < 0) return
    this.#state = this.#text[start] === '[' ? 'inside' : 'no array'
    this.#text = this.#text.slice(start + 1)
    this.#depth = 1
  }

  #split(): string[] {
    const text = this.#text
    const elements: string[] = []
    const structure = /["[\]{},]/g
    let start = 0
    let at = this.#at
    for (;;) {
      structure.lastIndex = at
      const i = structure.exec(text)?.index
      if (i === undefined) at = text.length
      if (i === undefined) break
      const character = text[i]!
      const end = character === '"' ? closingQuote(text, i) : i
      at = end < 0 ? i : end + 1
      if (end < 0) break
      if (character === '[' || character === '{') this.#depth++
      else if (character === ']' || character === '}') this.#depth--
      if (this.#depth === 0 || (this.#depth === 1 && character === ',')) {
        const element = text.slice(start, i)
        // Nothing before the bracket is an empty array; behind a comma it is an element that is missing, which parsing refuses.
        if (this.#depth === 1 || element.trim() !== '' || this.#elements + elements.length > 0) elements.push(element)
        start = i + 1
      }
      if (this.#depth > 0) continue
      this.#state = character === ']' ? 'after' : 'broken array'
      break
    }
    this.#text = text.slice(start)
    this.#at = at - start
    return elements
  }
}

/** The index of the quote that closes the string opened at `open`, or -1. */
function closingQuote(text: string, open: number): number {
  for (let i = text.indexOf('"', open + 1); i >= 0; i = text.indexOf('"', i + 1)) {
    let backslashes = 0
    while (text[i - 1 - backslashes] === '\\') backslashes++
    if (backslashes % 2 === 0) return i
  }
  return -1
}
