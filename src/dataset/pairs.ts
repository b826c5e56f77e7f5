/** Explicit pairs: which two pictures are mixed, and how where that is given. */
import path from 'node:path'
import { AugmentError } from '../core/errors.js'
import type { SoftLabel } from '../core/softLabel.js'
import { Classes, checkNames as checkClassNames, classNames, UNNAMED_WEIGHTS, type WrittenLabel } from './labels.js'
import { type Manifest, type ManifestOptions, readClasses, readManifest, type Source } from './manifest.js'
import { Problems, quoted } from './problems.js'
import { Folder } from './scan.js'
import { readWrittenPairs, type WrittenPair } from './writtenPairs.js'

/** A sample and its partner, as indices into the manifest's sources. What is given here is not drawn. */
export interface Pair {
  readonly a: number
  readonly b: number
  /** Labels for this pair only, in place of the sources' own. */
  readonly labelA?: SoftLabel | number
  readonly labelB?: SoftLabel | number
  /** Saliency weight of the sample, 0 to 1. */
  readonly alpha?: number
  /** Shift (dx, dy) of the partner on the grid of the saliency maps. */
  readonly shift?: readonly [dx: number, dy: number]
  /** File name of the output without extension. */
  readonly name?: string
}

export interface PairList {
  /** The pictures that the pairs use, and no others. */
  readonly manifest: Manifest
  readonly pairs: readonly Pair[]
  /** Output folder that the file asks for, absolute. */
  readonly out?: string
}

export interface PairOptions extends ManifestOptions {
  /** Folder of the pictures, in place of the one that the file names. */
  readonly images?: string
}

/**
 * Reads pairs from JSON (an array, or an object with `images`, `labels`, `out` and `pairs`) or JSON lines, a run's own
 * provenance.jsonl included. `options` win over what the file says. Throws AugmentError `usage` that lists every problem
 * with the place of its pair.
 */
export async function readPairs(file: string, options: PairOptions = {}): Promise<PairList> {
  const problems = new Problems()
  const written = await readWrittenPairs(file, problems)
  if (written.pairs.length === 0) {
    problems.add(file, 'found no pairs, expected pairs like ["a.jpg", "b.jpg"]')
    problems.throwIfAny()
  }
  const catalogue = await Catalogue.open(file, { ...written, ...options }, written.pairs)
  const located: { pair: WrittenPair; a: string; b: string; labels: Pick<Pair, 'labelA' | 'labelB'> }[] = []
  for (const pair of written.pairs) {
    const fail = (problem: string) => problems.add(pair.place, problem)
    const labelA = pair.label_a === undefined ? undefined : catalogue.read(pair.label_a, fail)
    const labelB = pair.label_b === undefined ? undefined : catalogue.read(pair.label_b, fail)
    const a = await catalogue.use(pair.a, labelA, fail)
    const b = await catalogue.use(pair.b, labelB, fail)
    const labels = { ...(labelA !== undefined && { labelA }), ...(labelB !== undefined && { labelB }) }
    if (a !== undefined && b !== undefined) located.push({ pair, a, b, labels })
  }
  checkNames(written.pairs, problems)
  problems.throwIfAny()
  const manifest = catalogue.manifest(path.basename(file))
  const index = new Map(manifest.sources.map((source, i) => [source.file, i]))
  const pairs = located.map(({ pair: { alpha, shift, name }, a, b, labels }) => ({
    a: index.get(a)!,
    b: index.get(b)!,
    ...labels,
    ...(alpha !== undefined && { alpha }),
    ...(shift !== undefined && { shift }),
    ...(name !== undefined && { name }),
  }))
  return { manifest, pairs, ...(written.out !== undefined && { out: written.out }) }
}

/** File systems that ignore case would write two such outputs into one file. */
function checkNames(pairs: readonly WrittenPair[], problems: Problems): void {
  const places = new Map<string, string>()
  for (const { name, place } of pairs) {
    if (name === undefined) continue
    const before = places.get(name.toLowerCase())
    if (before !== undefined) problems.add(place, `name ${quoted(name)} is already that of ${before}`)
    places.set(name.toLowerCase(), place)
  }
}

/** The pictures that pairs may name, their labels, and which of them have been used. */
class Catalogue {
  readonly #root: string
  readonly #classes: Classes
  /** Undefined where every pair brings its own labels and no manifest is needed. */
  readonly #base: Manifest | undefined
  readonly #labels: ReadonlyMap<string, SoftLabel | number>
  readonly #used = new Map<string, SoftLabel | number>()
  #folder: Folder | undefined

  private constructor(root: string, classes: Classes, base?: Manifest) {
    this.#root = root
    this.#classes = classes
    this.#base = base
    this.#labels = new Map(base?.sources.map(({ file, label }) => [file, label]))
  }

  static async open(
    file: string,
    inputs: PairOptions & { images: string },
    pairs: readonly WrittenPair[],
  ): Promise<Catalogue> {
    const labels = pairs.flatMap((pair) => [pair.label_a, pair.label_b])
    if (inputs.labels !== undefined || labels.includes(undefined)) {
      const base = await readManifest(inputs.images, inputs)
      return new Catalogue(inputs.images, new Classes(base.classes), base)
    }
    const own = labels as WrittenLabel[]
    if (inputs.classes === undefined && own.some((label) => label instanceof Float64Array))
      throw new AugmentError('usage', UNNAMED_WEIGHTS)
    const classes = inputs.classes === undefined ? new Classes(classNames(own)) : await readClasses(inputs.classes)
    const problems = new Problems()
    checkClassNames(classes.names, () => inputs.classes ?? file, problems)
    problems.throwIfAny()
    return new Catalogue(inputs.images, classes)
  }

  read(label: WrittenLabel, fail: (problem: string) => void): SoftLabel | number | undefined {
    return this.#classes.read(label, fail)
  }

  /** The file that `name` means, from now on one of the used ones, with the manifest's label or else `label`. */
  async use(name: string, label: SoftLabel | number | undefined, fail: (problem: string) => void) {
    const file = this.#labels.has(name) ? name : await this.#locate(name, fail)
    if (file === undefined) return undefined
    const own = this.#labels.get(file) ?? label
    if (this.#base && own === undefined) fail(`file ${quoted(file)} has no label in ${this.#base.origin}`)
    if (own !== undefined && !this.#used.has(file)) this.#used.set(file, own)
    return file
  }

  async #locate(name: string, fail: (problem: string) => void): Promise<string | undefined> {
    this.#folder ??= await Folder.scan(this.#root)
    const located = await this.#folder.locate(name)
    if ('file' in located) return located.file
    fail(located.problem)
    return undefined
  }

  /** The used pictures as a manifest. */
  manifest(origin: string): Manifest {
    const sources = Array.from(this.#used, ([file, label]): Source => ({ file, label }))
    sources.sort((a, b) => (a.file < b.file ? -1 : 1))
    return {
      root: path.resolve(this.#root),
      classes: this.#classes.names,
      sources,
      soft: sources.some((source) => typeof source.label !== 'number'),
      origin: this.#base?.origin ?? origin,
      ignored: this.#base?.ignored ?? 0,
    }
  }
}
