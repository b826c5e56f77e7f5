/** Sorted names of files, looked up without a set of them: that would take as long to make as the folders to read. */
export class FileNames implements Iterable<string> {
  readonly #names: readonly string[]
  /** After the one that was found last: tables name files mostly in this order. */
  #next = 0

  /** `names` in code-unit order, each once. */
  constructor(names: readonly string[]) {
    this.#names = names
  }

  get size(): number {
    return this.#names.length
  }

  [Symbol.iterator](): Iterator<string> {
    return this.#names[Symbol.iterator]()
  }

  has(name: string): boolean {
    return this.own(name) !== undefined
  }

  /** The list's own copy of a name; undefined where it has none. */
  own(name: string): string | undefined {
    const names = this.#names
    let [low, high] = names[this.#next] === name ? [this.#next, this.#next] : [0, names.length]
    while (low < high) {
      const middle = (low + high) >> 1
      if (names[middle]! < name) low = middle + 1
      else high = middle
    }
    if (names[low] !== name) return undefined
    this.#next = low + 1 < names.length ? low + 1 : 0
    return names[low]
  }
}
