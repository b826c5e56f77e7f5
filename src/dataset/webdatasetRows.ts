/** Samples of WebDataset shards: members that share their name up to the first dot of its last part. */
import path from 'node:path'
import { EXPECTED_FORMATS } from '../codec/format.js'
import { openContainer } from '../containers/container.js'
import type { TarMember } from '../containers/tar.js'
import { counted } from '../core/counted.js'
import { AugmentError } from '../core/errors.js'
import { readWhole } from '../files/readWhole.js'
import { JsonLabels } from './json.js'
import { Classes, type WrittenLabel } from './labels.js'
import { type Contained, opening } from './opening.js'
import { isRun } from './ownOutput.js'
import type { Problems } from './problems.js'
import { quoted } from './problems.js'
import { isImageName } from './scan.js'
import { LABEL_KEYS } from './table.js'

/** Shards that are read side by side. */
const AT_ONCE = 8

/** A larger file beside a picture is no label. */
const MOST_LABEL_BYTES = 2 ** 22

interface Sample {
  picture?: string
  soft?: WrittenLabel
  cls?: WrittenLabel
  json?: WrittenLabel
  txt?: string
}

/** Where labels come from, the surest first: weights, a class by itself, one among other facts, text. */
const LABELS = ['soft', 'cls', 'json'] as const
const ORDER = [...LABELS, 'txt'] as const

/** The samples of shards; undefined where no member beside a picture could be its label. Throws and adds problems as others do. */
export async function webdatasetRows(
  root: string,
  files: readonly string[],
  problems: Problems,
): Promise<Contained | undefined> {
  const rows: { file: string; label: WrittenLabel }[] = []
  const used = new Map<string, number>()
  const unlabelled: string[] = []
  const bare: string[] = []
  const labels = new JsonLabels()
  let texts = 0
  for await (const { name, samples } of shards(root, files, labels)) {
    for (const [key, sample] of samples) {
      const { picture } = sample
      if (picture === undefined) {
        // Text by itself is a note.
        if (LABELS.some((kind) => sample[kind] !== undefined)) bare.push(`${name}#${key}`)
        continue
      }
      if (sample.txt !== undefined) texts++
      const source = ORDER.find((kind) => sample[kind] !== undefined)
      if (source === undefined) unlabelled.push(`${name}#${picture}`)
      else {
        used.set(source, (used.get(source) ?? 0) + 1)
        rows.push({ file: `${name}#${picture}`, label: sample[source]! })
      }
    }
  }
  if (rows.length === 0) return undefined
  for (const file of unlabelled) problems.add(file, 'found no label, expected a .cls, .json or .txt beside it')
  if (used.has('txt')) refuseCaptions(rows, texts, path.join(root, files[0]!))
  const classes = await classesBeside(root, files[0]!)
  const from = [...used.keys()].map((kind) => (kind === 'soft' || kind === 'json' ? '.json' : `.${kind}`))
  return {
    rows,
    ...(classes !== undefined && { classes }),
    told: `labels from ${counted(files.length, 'tar')}, ${[...new Set(from)].sort().join(' and ')}`,
    notices: [],
    ...(bare.length > 0 && { unread: describeBare(path.join(root, files[0]!), bare) }),
  }
}

function describeBare(place: string, samples: readonly string[]): string {
  const shown = `${samples.slice(0, 5).join(', ')}${samples.length > 5 ? ', ...' : ''}`
  const found = counted(samples.length, 'sample with a label and no picture', 'samples with a label and no picture')
  return `${place}: found ${found}, expected ${EXPECTED_FORMATS} in each; left out: ${shown}`
}

interface Shard {
  readonly name: string
  readonly samples: Iterable<[key: string, Sample]>
}

async function* shards(root: string, files: readonly string[], labels: JsonLabels): AsyncGenerator<Shard> {
  for (let i = 0; i < files.length; i += AT_ONCE) {
    yield* await Promise.all(files.slice(i, i + AT_ONCE).map((name) => shardOf(root, name, labels)))
  }
}

async function shardOf(root: string, name: string, labels: JsonLabels): Promise<Shard> {
  const samples = new Map<string, Sample>()
  const visit = (member: TarMember) => note(samples, member, labels)
  await opening(name, () => openContainer(path.join(root, name), { visit }))
  return { name, samples: samples.entries() }
}

/** Of a name `a/b.c.jpg` the key is `a/b`, the ending `c.jpg`. */
function partsOf(name: string): { readonly key: string; readonly ending: string } {
  const dot = name.indexOf('.', name.lastIndexOf('/') + 2)
  return dot < 0 ? { key: name, ending: '' } : { key: name.slice(0, dot), ending: name.slice(dot + 1).toLowerCase() }
}

async function note(samples: Map<string, Sample>, member: TarMember, labels: JsonLabels): Promise<void> {
  const { key, ending } = partsOf(member.name)
  const known = samples.get(key)
  const sample = known ?? {}
  if (known === undefined) samples.set(key, sample)
  // `seg.png` beside `jpg` is a mask; by itself it is the picture.
  if (isImageName(`x.${ending}`)) {
    const isPlain = !ending.includes('.')
    if (sample.picture === undefined || (isPlain && partsOf(sample.picture).ending.includes('.')))
      sample.picture = member.name
  } else if ((ending === 'cls' || ending === 'json' || ending === 'txt') && member.size <= MOST_LABEL_BYTES) {
    Object.assign(sample, labelIn(ending, (await member.read()).toString('utf8').trim(), labels))
  }
}

function labelIn(ending: 'cls' | 'json' | 'txt', text: string, labels: JsonLabels): Sample {
  if (ending === 'txt') return { txt: text }
  if (ending === 'cls') return text === '' ? {} : { cls: text }
  try {
    const value = JSON.parse(text) as unknown
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      const label = labels.read(value)
      return label === undefined ? {} : typeof label === 'object' ? { soft: label } : { json: label }
    }
    const facts = value as Readonly<Record<string, unknown>>
    const soft = labels.read(facts.soft_label)
    const key = [...LABEL_KEYS, 'cls'].find((candidate) => Object.hasOwn(facts, candidate))
    const hard = key === undefined ? undefined : labels.read(facts[key])
    return { ...(typeof soft === 'object' && { soft }), ...(hard !== undefined && { json: hard }) }
  } catch {
    return {}
  }
}

/** Texts that hardly repeat are captions. */
function refuseCaptions(rows: Contained['rows'], texts: number, place: string): void {
  const different = new Set(rows.map(({ label }) => label)).size
  if (texts < 4 || different <= texts / 2) return
  const example = quoted(String(rows[0]!.label))
  throw new AugmentError('usage', `${place}: found ${different} different texts such as ${example}, expected classes`, {
    hint: 'captions are no classes: make a table of file_name and label for --labels',
  })
}

/** classes.txt beside the shards, or of the output of ours that they are a part of. */
async function classesBeside(root: string, file: string): Promise<Classes | undefined> {
  const folder = path.dirname(path.join(root, file))
  const above = path.dirname(folder)
  for (const place of [folder, ...((await isRun(above)) ? [above] : [])]) {
    const found = await readWhole(path.join(place, 'classes.txt')).catch(() => undefined)
    const names = found?.bytes
      .toString('utf8')
      .split(/\r?\n/)
      .filter((line) => line !== '')
    if (names !== undefined && names.length > 0) return new Classes(names)
  }
  return undefined
}
