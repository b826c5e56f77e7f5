/** A file by its place among the names of a folder, or by its own name. */
export type FileId = number | string

/** Sorted names, one after the other in one text. */
export interface NameText {
  readonly text: string
  /** Where each of them ends in the text. */
  readonly ends: Int32Array
}

/** So many names stand in one text at most, since a string holds 512 MiB. */
const TOGETHER = 1024

/** `names`, which are sorted, behind `prefix`. */
export function* textsOf(prefix: string, names: readonly string[]): Generator<NameText> {
  for (let start = 0; start < names.length; start += TOGETHER) {
    const some = names.slice(start, start + TOGETHER)
    const ends = new Int32Array(some.length)
    let end = 0
    for (let k = 0; k < some.length; k++) {
      end += prefix.length + some[k]!.length
      ends[k] = end
    }
    yield { text: prefix + some.join(prefix), ends }
  }
}

interface Run extends NameText {
  /** The place of its first name among all. */
  readonly first: number
}

/**
 * Sorted names of files. A string for each would take as long to make as the folders to read, and a set of them longer: they are
 * cut out of longer texts when they are asked for.
 */
export class FileNames implements Iterable<string> {
  readonly #runs: readonly Run[]
  readonly size: number
  /** After the one that was found last, as run and place in it: tables name files mostly in this order. */
  #run = 0
  #next = 0
  /** Of the name that was asked for last. */
  #named = 0

  /** Texts in the code-unit order of all their names, each of which is there once. */
  constructor(texts: Iterable<NameText>) {
    const runs: Run[] = []
    let size = 0
    for (const { text, ends } of texts) {
      runs.push({ text, ends, first: size })
      size += ends.length
    }
    this.#runs = runs
    this.size = size
  }

  /** `names` in code-unit order, each once. */
  static of(names: readonly string[]): FileNames {
    return new FileNames(textsOf('', names))
  }

  *[Symbol.iterator](): Generator<string> {
    for (const run of this.#runs) for (let k = 0; k < run.ends.length; k++) yield nameIn(run, k)
  }

  /** The name at a place from 0 to `size` - 1; a name itself as it is. */
  nameOf(file: FileId): string {
    if (typeof file === 'string') return file
    const { ends, first } = this.#runs[this.#named]!
    if (!(file >= first && file < first + ends.length))
      this.#named = last(this.#runs.length, (i) => this.#runs[i]!.first <= file)
    const run = this.#runs[this.#named]!
    return nameIn(run, file - run.first)
  }

  has(name: string): boolean {
    return this.placeOf(name) >= 0
  }

  /** The place of a name, -1 where it is not there. */
  placeOf(name: string): number {
    const runs = this.#runs
    if (runs.length === 0) return -1
    if (nameIn(runs[this.#run]!, this.#next) !== name) {
      this.#run = last(runs.length, (i) => nameIn(runs[i]!, 0) <= name)
      this.#next = last(runs[this.#run]!.ends.length, (k) => nameIn(runs[this.#run]!, k) <= name)
      if (nameIn(runs[this.#run]!, this.#next) !== name) return -1
    }
    const run = runs[this.#run]!
    const place = run.first + this.#next++
    if (this.#next === run.ends.length) [this.#run, this.#next] = [(this.#run + 1) % runs.length, 0]
    return place
  }
}

function nameIn({ text, ends }: NameText, k: number): string {
  return text.slice(k === 0 ? 0 : ends[k - 1], ends[k])
}

/** The last of `count` places for which `holds`, as it does up to some place and not after it; 0 for none. */
function last(count: number, holds: (i: number) => boolean): number {
  let [low, high] = [0, count - 1]
  while (low < high) {
    const middle = (low + high + 1) >> 1
    if (holds(middle)) low = middle
    else high = middle - 1
  }
  return low
}
