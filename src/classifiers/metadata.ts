/** What exporters write into a model file about its pictures and classes. */
import type { Descriptor } from './descriptor.js'
import { fieldsOf } from './fields.js'

/** What a file tells of itself, and who wrote it so. */
export interface Told {
  readonly by: string
  readonly descriptor: Descriptor
}

/** Field numbers of ModelProto and StringStringEntryProto (onnx.proto). */
const METADATA_PROPS = 14
const [KEY, VALUE] = [1, 2]

/** The metadata of a `model`, read past its weights; what is no model has none. */
export function metadataOf(model: Uint8Array): Map<string, string> {
  const found = new Map<string, string>()
  try {
    for (const [field, bytes] of fieldsOf(model)) {
      if (field !== METADATA_PROPS) continue
      const entry = new Map(Array.from(fieldsOf(bytes), ([part, text]) => [part, new TextDecoder().decode(text)]))
      found.set(entry.get(KEY) ?? '', entry.get(VALUE) ?? '')
    }
  } catch {
    return new Map()
  }
  return found
}

/** What the metadata says of the input and the classes; null where it is of no known kind. */
export function toldBy(metadata: ReadonlyMap<string, string>): Told | null {
  return windowsMl(metadata) ?? ultralytics(metadata)
}

/** `Image.*` of onnx/docs/MetadataProps.md, as Custom Vision and winmltools write it. */
function windowsMl(metadata: ReadonlyMap<string, string>): Told | null {
  // The case of keys and values does not matter there.
  const lower = new Map(Array.from(metadata, ([key, value]) => [key.toLowerCase(), value.toLowerCase()]))
  const format = lower.get('image.bitmappixelformat')
  const range = RANGES[lower.get('image.nominalpixelrange') ?? '']
  if (format === undefined || range === undefined) return null
  const channels = format.startsWith('gray') ? 1 : 3
  const each = (value: number) => Array<number>(channels).fill(value)
  const { scale, mean, std } = range
  const colorOrder = format.startsWith('rgb') ? 'rgb' : 'bgr'
  return {
    by: 'its Image metadata',
    descriptor: { scale, mean: each(mean), std: each(std), ...(channels === 3 && { colorOrder }) },
  }
}

/** `NominalRange_16_235` is of video, which pictures are not: it is left to the user. */
const RANGES: Readonly<Record<string, { scale: number; mean: number; std: number } | undefined>> = {
  nominalrange_0_255: { scale: 1, mean: 0, std: 1 },
  normalized_0_1: { scale: 1 / 255, mean: 0, std: 1 },
  normalized_1_1: { scale: 1 / 255, mean: 0.5, std: 0.5 },
}

/** Classifiers of Ultralytics take RGB divided by 255, and have their class names in Python's notation. */
function ultralytics(metadata: ReadonlyMap<string, string>): Told | null {
  if (metadata.get('author') !== 'Ultralytics' || metadata.get('task') !== 'classify') return null
  const classes = namesOf(metadata.get('names') ?? '')
  const channels = metadata.get('channels') === '1' ? 1 : 3
  const each = (value: number) => Array<number>(channels).fill(value)
  return {
    by: 'its Ultralytics metadata',
    descriptor: { scale: 1 / 255, mean: each(0), std: each(1), ...(classes !== null && { classes }) },
  }
}

/** The values of Python's `{0: 'cat', 1: "it's"}`, whose keys count from 0; null for anything else. */
function namesOf(text: string): string[] | null {
  const names: string[] = []
  const entry = /\s*(\d+): (?:'((?:[^'\\]|\\.)*)'|"((?:[^"\\]|\\.)*)")\s*(,|}$)/y
  if (!text.startsWith('{')) return null
  entry.lastIndex = 1
  for (;;) {
    const match = entry.exec(text)
    if (match === null || Number(match[1]) !== names.length) return null
    names.push((match[2] ?? match[3]!).replace(/\\(.)/g, '$1'))
    if (match[4] !== ',') return names
  }
}
