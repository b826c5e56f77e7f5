/** What lies where in the folder of a run, by name. */
import { lstat } from 'node:fs/promises'
import path from 'node:path'
import { AugmentError } from '../core/errors.js'
import { LABELS_FORMATS, type LabelsFormat } from '../core/labelsFormats.js'

/** The label files, which are at the same time the run's journal; provenance.jsonl is written last. */
export const LABELS = 'labels.csv'
export const METADATA = 'metadata.jsonl'
export const PROVENANCE = 'provenance.jsonl'
export const FAILURES = 'failures.jsonl'
export const CLASSES = 'classes.txt'
export const TAR_FOLDER = 'webdataset'
export const PARQUET_FOLDER = 'parquet'
/** What timm reads of the shards: how many pictures each has. */
export const TAR_INFO = 'webdataset/_info.json'
/** Where `load_dataset` looks for what is what. */
export const CARD = 'README.md'
export const IMAGES = 'images'
const MASKS = 'masks'

export const REPORT = 'report.html'
/** Out of sight of loaders: to Hugging Face's `imagefolder`, a picture in plain view that has no row is an error. */
export const CONTACT_SHEET = '.sage/contact-sheet.png'

export const RUN_RECORD = 'run.json'
/** The record of a folder of saliency maps, which no run may take for one of its own. */
export const MAPS_RECORD = 'saliency.json'

export const STATE = '.sage'
export const LOCK = '.sage/lock'
export const SCRATCH = '.sage/tmp'
/** The inputs as the run found them, one per line. */
export const INPUTS = '.sage/inputs.tsv'
/** The classifier that a run fitted, and its description: what --model takes. */
export const ADAPTED = '.sage/adapted.onnx'
export const ADAPTED_JSON = '.sage/adapted.json'
/** Rows set aside for reuse, until the outputs before them are made. */
export const REUSABLE = '.sage/kept.tsv'
/** The shard of pictures that is not full yet, and those set aside with their rows. */
export const OPEN_SHARDS = '.sage/open'
export const KEPT_SHARDS = '.sage/kept'

/** In the order in which they may be written: a row of provenance.jsonl vouches for all before it. */
export const TABLES = [FAILURES, LABELS, METADATA, PROVENANCE] as const
/** Everything that is made of the finished flat files. */
export const FORM_FILES = LABELS_FORMATS.filter((format) => format !== 'csv').map(labelsIn)
export const REPORTS = [REPORT, CONTACT_SHEET] as const
/** Everything a run may leave in its folder; what else lies there is the user's and is never touched. */
export const OURS = [
  ...[IMAGES, MASKS, TAR_FOLDER, PARQUET_FOLDER, OPEN_SHARDS, KEPT_SHARDS],
  ...[...TABLES, CLASSES, ...FORM_FILES, ...REPORTS, ADAPTED, ADAPTED_JSON],
] as const

/** Every name of a picture: relative to the folder, posix separators. No other may stand in a table. */
export const PICTURE_NAME = /^images\/(?:[0-9]{5}\/)?[A-Za-z0-9][A-Za-z0-9_-]*\.(?:jpg|png)$/

/** The labels in another format than CSV. */
export function labelsIn(format: LabelsFormat): string {
  return format === 'sparse' ? 'labels_sparse.csv' : `labels.${format}`
}

/** The mask of a mix, by the name of its picture. */
export function maskOf(picture: string): string {
  return picture.replace(/^images/, MASKS).replace(/\.\w+$/, '.npy')
}

/** Throws a conflict error where one of our names is a link: what is written through it would lie elsewhere. */
export async function refuseLinks(folder: string, ours: readonly string[] = [RUN_RECORD, ...OURS]): Promise<void> {
  const links: string[] = []
  for (const name of [STATE, LOCK, SCRATCH, INPUTS, REUSABLE, ...ours]) {
    const stats = await lstat(path.join(folder, name)).catch(() => null)
    if (stats?.isSymbolicLink()) links.push(name)
  }
  if (links.length === 0) return
  const lines = links.map((name) => `${path.join(folder, name)}: found a link, expected a file or folder of the run`)
  throw new AugmentError('conflict', lines.join('\n'), { hint: 'put the file itself there, or choose another folder' })
}
