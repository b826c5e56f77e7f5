import type { Label } from '../core/softLabel.js'
import type { WrittenLabel } from './labels.js'

/** A sample and its partner, as indices into the manifest's sources. What is given here is not drawn. */
export interface Pair {
  readonly a: number
  readonly b: number
  /** Labels for this pair only, in place of the sources' own. */
  readonly labelA?: Label
  readonly labelB?: Label
  /** Saliency weight of the sample, 0 to 1. */
  readonly alpha?: number
  /** Shift (dx, dy) of the partner in pixels of the canvas. */
  readonly shift?: readonly [dx: number, dy: number]
  /** File name of the output without extension. */
  readonly name?: string
  /** Number of the random stream for what is drawn, in place of the output's index: that of the row that is replayed. */
  readonly stream?: number
}

/** A pair as a file has it, with names in place of indices. */
export interface WrittenPair {
  readonly a: string
  readonly b: string
  readonly labelA: WrittenLabel | undefined
  readonly labelB: WrittenLabel | undefined
  readonly alpha?: number | undefined
  readonly shift?: readonly [dx: number, dy: number] | undefined
  readonly name?: string | undefined
  readonly stream?: number | undefined
  /** SHA-256 of the files that the pair was made of. */
  readonly hashes?: readonly [a: string | undefined, b: string | undefined] | undefined
}

/** Any number of pairs as they were written, at some 70 bytes each: equal names and labels are kept once. */
export class WrittenPairs {
  /** The file names, each once. */
  readonly files: string[] = []
  /** The labels; those that are names once each. */
  readonly labels: WrittenLabel[] = []
  /** Names of outputs, by pair. */
  readonly names = new Map<number, string>()
  /** Where each pair stands in the file. */
  readonly positions: number[] = []
  /** Indices into `files`, sample and partner of one pair after another. */
  readonly fileOf: number[] = []
  /** What the files were when they were mixed before: SHA-256 by index into `files`. */
  readonly hashes = new Map<number, string>()
  /** Indices into `labels`, in the same order; -1 for none. */
  readonly labelOf: number[] = []
  readonly #fileIndex = new Map<string, number>()
  readonly #labelIndex = new Map<WrittenLabel, number>()
  // NaN for none.
  readonly #alphas: number[] = []
  readonly #shifts: number[] = []
  readonly #streams: number[] = []

  get length(): number {
    return this.positions.length
  }

  add({ a, b, labelA, labelB, alpha, shift, name, stream, hashes }: WrittenPair, position: number): void {
    if (name !== undefined) this.names.set(this.length, name)
    this.positions.push(position)
    const files = [indexed(a, this.files, this.#fileIndex), indexed(b, this.files, this.#fileIndex)]
    this.fileOf.push(...files)
    for (const [i, hash] of hashes?.entries() ?? []) if (hash !== undefined) this.hashes.set(files[i]!, hash)
    for (const label of [labelA, labelB]) {
      this.labelOf.push(label === undefined ? -1 : indexed(label, this.labels, this.#labelIndex))
    }
    this.#alphas.push(alpha ?? Number.NaN)
    this.#shifts.push(shift?.[0] ?? Number.NaN, shift?.[1] ?? Number.NaN)
    this.#streams.push(stream ?? Number.NaN)
  }

  /** What pair i fixes beside its pictures and labels. */
  detailsOf(i: number): Pick<Pair, 'alpha' | 'shift' | 'name' | 'stream'> {
    const [alpha, dx, dy] = [this.#alphas[i]!, this.#shifts[2 * i]!, this.#shifts[2 * i + 1]!]
    const [name, stream] = [this.names.get(i), this.#streams[i]!]
    return {
      ...(!Number.isNaN(alpha) && { alpha }),
      ...(!Number.isNaN(dx) && { shift: [dx, dy] as const }),
      ...(name !== undefined && { name }),
      ...(!Number.isNaN(stream) && { stream }),
    }
  }
}

function indexed<T>(value: T, list: T[], index: Map<T, number>): number {
  const known = index.get(value)
  if (known !== undefined) return known
  index.set(value, list.length)
  return list.push(value) - 1
}

/** Explicit pairs, made when asked for. */
export class Pairs {
  readonly #written: WrittenPairs
  readonly #sources: readonly number[]
  readonly #labels: readonly (Label | undefined)[]

  /** `sources[i]` is the source that file i of the written pairs means, `labels[i]` what label i is read as. */
  constructor(written: WrittenPairs, sources: readonly number[], labels: readonly (Label | undefined)[]) {
    this.#written = written
    this.#sources = sources
    this.#labels = labels
  }

  get length(): number {
    return this.#written.length
  }

  /** Pair `i`, which must be less than the length. */
  get(i: number): Pair {
    const { fileOf, labelOf } = this.#written
    const [labelA, labelB] = [this.#labels[labelOf[2 * i]!], this.#labels[labelOf[2 * i + 1]!]]
    return {
      a: this.#sources[fileOf[2 * i]!]!,
      b: this.#sources[fileOf[2 * i + 1]!]!,
      ...(labelA !== undefined && { labelA }),
      ...(labelB !== undefined && { labelB }),
      ...this.#written.detailsOf(i),
    }
  }

  *[Symbol.iterator](): Iterator<Pair> {
    for (let i = 0; i < this.length; i++) yield this.get(i)
  }
}
