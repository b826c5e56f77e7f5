/** Options of what a run makes, and how many. */
import { LABELS_FORMATS } from '../core/labelsFormats.js'
import type { Table } from './option.js'
import { MAPS } from './saliency.js'

export const MAIN = ['augment'] as const
/** Takes the same pairs, and makes other outputs of them. */
const PAIRS = ['augment', 'compare'] as const

/** `100:4095`, rising, at most 65535. */
function isRange(text: string): boolean {
  const [low, high] = text.split(':').map(Number) as [number, number]
  return /^\d{1,5}:\d{1,5}$/.test(text) && low < high && high <= 65535
}

export const madeOptions = {
  count: {
    type: 'integer',
    low: 1,
    high: 999_999_999,
    group: 'What is made',
    commands: PAIRS,
    help: 'number of mixes',
    otherwise: 'one per picture and epoch',
  },
  epochs: {
    type: 'integer',
    low: 1,
    high: 1_000_000,
    default: 1,
    group: 'What is made',
    commands: MAIN,
    help: 'passes over the pictures',
    more: 'An epoch makes one mix of every picture: each is sample once and partner once.',
  },
  pairing: {
    type: 'choice',
    choices: ['any', 'different-class', 'same-class'],
    default: 'any',
    value: 'how',
    group: 'What is made',
    commands: PAIRS,
    rare: true,
    help: 'which pictures are mixed together',
  },
  balance: {
    type: 'choice',
    choices: ['none', 'classes', 'sqrt'],
    default: 'none',
    value: 'how',
    group: 'What is made',
    commands: MAIN,
    rare: true,
    help: 'how often classes are drawn',
    more: '`none`: every picture as often, so that classes stay as they are; `classes`: every class as often; `sqrt`: in proportion to the root of its pictures. The number of mixes stays the same. The pictures of a class are drawn alike.',
  },
  seed: {
    type: 'integer',
    low: 0,
    high: Number.MAX_SAFE_INTEGER,
    default: 0,
    group: 'What is made',
    commands: MAPS,
    help: 'same seed, same output',
  },
  size: {
    type: 'size',
    group: 'What is made',
    commands: MAPS,
    help: 'size of the mixes in pixels',
    otherwise: "the sample's own size",
    more: 'The partner is resized to cover it and cropped.',
  },
  range: {
    type: 'text',
    value: 'how',
    default: 'full',
    group: 'What is made',
    commands: MAPS,
    rare: true,
    accepts: (text: string) => ['full', 'auto', 'dataset'].includes(text) || isRange(text),
    expected: 'full, auto, dataset or <low>:<high>',
    help: 'values of 16-bit grey that become black and white',
    more: '`full`: 0 and 65535. `auto`: the smallest and the largest of each picture. `dataset`: the smallest and the largest of all pictures, which are read one more time for this. `100:4095`: these two. X-rays and micrographs often use 10 to 14 of the 16 bits and are nearly black with `full`.',
  },
  format: {
    type: 'choice',
    choices: ['jpeg', 'png'],
    default: 'jpeg',
    group: 'What is made',
    commands: MAIN,
    rare: true,
    help: 'format of the pictures',
    more: 'JPEG with 4:4:4 chroma.',
  },
  quality: {
    type: 'integer',
    low: 1,
    high: 100,
    default: 95,
    group: 'What is made',
    commands: MAIN,
    rare: true,
    help: 'JPEG quality',
  },
  labelsFormat: {
    type: 'choice',
    choices: LABELS_FORMATS,
    default: 'csv',
    group: 'What is made',
    commands: MAIN,
    rare: true,
    help: 'format of the soft labels',
    more: 'Other than `csv`: also writes `labels.jsonl` or `labels.parquet`, with the columns of `labels.csv`, or `labels_sparse.csv`: names, indices and weights of the classes that a picture has, for data sets of many classes.',
  },
  layout: {
    type: 'choice',
    choices: ['flat', 'class-folders', 'webdataset', 'parquet'],
    default: 'flat',
    group: 'What is made',
    commands: MAIN,
    rare: true,
    help: 'layout of the output folder',
    more: '`class-folders`: below `images/<index of the heaviest class>/`; `webdataset`: tar shards, `parquet`: Parquet shards that Hugging Face reads as they are; both without a file for each picture.',
  },
  includeOriginals: {
    type: 'flag',
    group: 'What is made',
    commands: MAIN,
    rare: true,
    help: 'also write every picture unmixed',
    more: 'They come after the mixes.',
  },
  writeMasks: {
    type: 'flag',
    group: 'What is made',
    commands: MAIN,
    rare: true,
    help: 'also write every mask, as masks/*.npy',
    more: "A mask holds the sample's weight at every pixel.",
  },
  report: {
    type: 'flag',
    group: 'What is made',
    commands: MAIN,
    compared: false,
    help: 'also write report.html and a contact sheet',
    more: 'The contact sheet shows 60 mixes: `.sage/contact-sheet.png`, where no loader takes it for one of the pictures. On a finished or merged run the same command with `report` writes just these.',
  },
} as const satisfies Table
