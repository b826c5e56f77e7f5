/** Explicit pairs: which two pictures are mixed, and how where that is given. */
import path from 'node:path'
import { AugmentError } from '../core/errors.js'
import type { Label } from '../core/softLabel.js'
import { readClasses } from './classFile.js'
import { givenFiles } from './given.js'
import { Classes, checkNames, classNames, UNNAMED_WEIGHTS, type WrittenLabel } from './labels.js'
import { type Manifest, type ManifestOptions, readManifest, type Source } from './manifest.js'
import { twiceNotices } from './notices.js'
import { Pairs, type WrittenPairs } from './pairList.js'
import { Problems, quoted } from './problems.js'
import { Folder, type ScanOptions } from './scan.js'
import { type MadeWith, readPairsFile } from './writtenPairs.js'

export interface PairList {
  /** The pictures that the pairs use, and no others. */
  readonly manifest: Manifest
  readonly pairs: Pairs
  /** Output folder that the file asks for, absolute. */
  readonly out?: string
  /** What the pictures were when they were mixed before: SHA-256 by source. */
  readonly hashes: ReadonlyMap<number, string>
  /** How the run was made that is replayed. */
  readonly madeWith?: MadeWith
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
  const { pairs, placeOf, out, madeWith, ...inputs } = await readPairsFile(file, problems)
  if (pairs.length === 0) {
    problems.add(file, 'found no pairs, expected pairs like ["a.jpg", "b.jpg"]')
    problems.throwIfAny()
  }
  const catalogue = await Catalogue.open(file, { ...inputs, ...options }, pairs)
  const labels = pairs.labels.map((label) => catalogue.read(label))
  const files: (Found | Wrong)[] = []
  for (const name of pairs.files) files.push(await catalogue.find(name))
  for (let i = 0; i < pairs.fileOf.length; i++) {
    const fail = (problem: string) => problems.add(placeOf(pairs.positions[i >> 1]!), problem)
    const label = labels[pairs.labelOf[i]!]
    if (isWrong(label)) fail(label.problem)
    const found = files[pairs.fileOf[i]!]!
    if (isWrong(found)) {
      fail(found.problem)
      if (found.hint !== undefined) problems.hint(found.hint)
    } else catalogue.use(found.file, isWrong(label) ? undefined : label, fail)
  }
  checkOutputNames(pairs, placeOf, problems)
  problems.throwIfAny()
  const manifest = catalogue.manifest(path.basename(file))
  const index = new Map(Array.from(manifest.sources, (source, i) => [source.file, i]))
  const sources = files.map((found) => (isWrong(found) ? -1 : index.get(found.file)!))
  const list = new Pairs(
    pairs,
    sources,
    labels.map((label) => (isWrong(label) ? undefined : label)),
  )
  const hashes = new Map(Array.from(pairs.hashes, ([i, hash]) => [sources[i]!, hash]))
  return { manifest, pairs: list, hashes, ...(out !== undefined && { out }), ...(madeWith && { madeWith }) }
}

interface Found {
  readonly file: string
}

interface Wrong {
  readonly problem: string
  readonly hint?: string | undefined
}

function isWrong(value: Label | Found | Wrong | undefined): value is Wrong {
  return typeof value === 'object' && 'problem' in value
}

/** File systems that ignore case would write two such outputs into one file. */
function checkOutputNames(pairs: WrittenPairs, placeOf: (position: number) => string, problems: Problems): void {
  const places = new Map<string, string>()
  for (const [i, name] of pairs.names) {
    const place = placeOf(pairs.positions[i]!)
    const before = places.get(name.toLowerCase())
    if (before !== undefined) problems.add(place, `name ${quoted(name)} is already used by ${before}`)
    places.set(name.toLowerCase(), place)
  }
}

/** What lies in a folder, or the files that were given in place of one. */
async function folderOf(place: string, options: ScanOptions): Promise<Folder> {
  const given = await givenFiles(place)
  return given === undefined ? Folder.scan(place, options) : Folder.of(given.root, given.files)
}

/** The pictures that pairs may name, their labels, and which of them have been used. */
class Catalogue {
  readonly #inputs: ManifestOptions & { readonly images: string }
  readonly #classes: Classes
  /** Undefined where every pair brings its own labels and no manifest is needed. */
  readonly #base: Manifest | undefined
  readonly #labels: ReadonlyMap<string, Label>
  readonly #used = new Map<string, Label>()
  #folder: Folder | undefined

  private constructor(inputs: ManifestOptions & { readonly images: string }, classes: Classes, base?: Manifest) {
    this.#inputs = inputs
    this.#classes = classes
    this.#base = base
    this.#labels = new Map(Array.from(base?.sources ?? [], ({ file, label }) => [file, label]))
  }

  static async open(file: string, inputs: PairOptions & { images: string }, pairs: WrittenPairs): Promise<Catalogue> {
    if (inputs.labels !== undefined || pairs.labelOf.includes(-1)) {
      const base = await readManifest(inputs.images, inputs)
      return new Catalogue(inputs, new Classes(base.classes), base)
    }
    if (inputs.classes === undefined && pairs.labels.some((label) => typeof label === 'object' && !('names' in label)))
      throw new AugmentError('usage', UNNAMED_WEIGHTS)
    const classes =
      inputs.classes === undefined
        ? new Classes(classNames(pairs.labels, inputs.multiLabel))
        : await readClasses(inputs.classes)
    const problems = new Problems()
    checkNames(classes.names, () => inputs.classes ?? file, problems)
    problems.throwIfAny()
    return new Catalogue(inputs, classes)
  }

  read(written: WrittenLabel): Label | Wrong {
    let problem = ''
    const fail = (text: string) => {
      problem = text
    }
    const classes = this.#classes
    const label = this.#inputs.multiLabel ? classes.readSeveral(written, fail) : classes.read(written, fail)
    return label ?? { problem }
  }

  /** The file that `name` means. */
  async find(name: string): Promise<Found | Wrong> {
    if (this.#labels.has(name)) return { file: name }
    this.#folder ??= await folderOf(this.#inputs.images, this.#inputs)
    return this.#folder.locate(name)
  }

  /** Takes a file among the used ones, with the manifest's label or else `label`. */
  use(file: string, label: Label | undefined, fail: (problem: string) => void): void {
    const own = this.#labels.get(file) ?? label
    if (this.#base && own === undefined) fail(`file ${quoted(file)} has no label in ${this.#base.origin}`)
    if (own !== undefined && !this.#used.has(file)) this.#used.set(file, own)
  }

  /** The used pictures as a manifest. */
  manifest(origin: string): Manifest {
    const sources = Array.from(this.#used, ([file, label]): Source => ({ file, label }))
    sources.sort((a, b) => (a.file < b.file ? -1 : 1))
    return {
      root: this.#base?.root ?? this.#folder?.root ?? path.resolve(this.#inputs.images),
      given: path.resolve(this.#inputs.images),
      classes: this.#classes.names,
      sources,
      soft: sources.some((source) => typeof source.label !== 'number'),
      origin: this.#base?.origin ?? origin,
      told: this.#base?.told ?? `labels from ${origin}`,
      ignored: this.#base?.ignored ?? 0,
      unread: this.#base?.unread ?? null,
      notices: this.#base?.notices ?? (this.#folder === undefined ? [] : twiceNotices(this.#folder, { sources })),
      stamps: null,
    }
  }
}
