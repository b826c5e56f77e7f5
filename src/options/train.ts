/** The options of `train`. */
import { METHOD_NAMES } from '../mix/names.js'
import type { Table } from './option.js'
import { runOptions } from './run.js'

/** What a table of another command has, without what only matters there. */
const { labels, classes, split, seed, range, jobs, maxPixels, mean, std, inputLayout, colorOrder, inputSize } =
  runOptions

function isPattern(text: string): boolean {
  try {
    return new RegExp(text) !== null
  } catch {
    return false
  }
}

export const trainOptions = {
  out: {
    type: 'path',
    value: 'model.onnx',
    default: 'trained.onnx',
    help: 'classifier to write, with a .json beside it',
  },
  model: {
    type: 'path',
    value: 'name',
    default: 'general',
    isPath: (text: string) => text.endsWith('.onnx'),
    help: 'network to train: a name or an .onnx file',
  },
  from: {
    type: 'choice',
    choices: ['pretrained', 'scratch'],
    value: 'what',
    default: 'pretrained',
    help: 'begin with its weights, or with random ones',
  },
  method: { type: 'choice', choices: ['none', ...METHOD_NAMES], default: 'none', help: 'how pictures are mixed' },
  val: { type: 'path', value: 'dir', help: 'pictures to judge by', otherwise: 'a part of the others' },
  valSplit: {
    type: 'text',
    value: 'name',
    rare: true,
    help: 'which split of them to read',
    otherwise: 'that for validation, else for testing, where there are splits',
  },
  holdOut: { type: 'number', low: 0, high: 0.9, default: 0.1, help: 'share of each class held out to judge by' },
  epochs: { type: 'integer', low: 1, high: 100_000, fallback: 10, help: 'passes over the pictures' },
  minutes: { type: 'number', low: 0.01, high: 100_000, help: 'as many epochs as fit' },
  batch: { type: 'integer', low: 2, high: 4096, default: 32, help: 'pictures per step' },
  rate: {
    type: 'number',
    low: 1e-9,
    high: 100,
    help: 'largest learning rate',
    otherwise: '0.0003, from scratch 0.001; sgd 10, muon 20 times',
  },
  labels,
  split,
  seed,
  classes: { ...classes, rare: true },
  optimizer: {
    type: 'choice',
    choices: ['adamw', 'sgd', 'muon'],
    default: 'adamw',
    rare: true,
    help: 'optimizer of the weights',
    more: '`muon`: of the filters; all other weights and the last layer by AdamW at a twentieth of the rate.',
  },
  weightDecay: {
    type: 'number',
    low: 0,
    high: 10,
    rare: true,
    help: 'weight decay of filters',
    otherwise: '0.05, sgd 0.0005, muon 0.01',
  },
  labelSmoothing: {
    type: 'number',
    low: 0,
    high: 0.9,
    default: 0.1,
    rare: true,
    help: 'share of a label that goes to all classes',
  },
  clip: { type: 'number', low: 1e-6, high: 1e6, default: 1, rare: true, help: 'largest norm of the gradients' },
  warmup: {
    type: 'number',
    low: 0,
    high: 1,
    default: 0.05,
    rare: true,
    help: 'share of the steps in which the rate rises',
  },
  refresh: {
    type: 'choice',
    choices: ['epoch', 'step'],
    default: 'epoch',
    rare: true,
    help: 'how often maps are made of the network as it is',
    more: "For methods that need saliency. `step` is the procedure of SAGE's paper.",
  },
  trainable: {
    type: 'text',
    default: 'all',
    value: 'which',
    rare: true,
    accepts: isPattern,
    expected: 'all, head, last-stage or a regular expression',
    help: 'all, head, last-stage or a pattern of names of weights',
    more: 'A regular expression; Netron shows the names; `inspect` does not.',
  },
  crop: {
    type: 'choice',
    choices: ['padded', 'resized', 'none'],
    default: 'padded',
    rare: true,
    help: 'random crop of each picture',
    more: '`padded`: moved by up to an eighth of the side, mirrored at the edge; `resized`: 35 to 100 % of the area, resized.',
  },
  mirror: {
    type: 'choice',
    choices: ['random', 'never'],
    default: 'random',
    rare: true,
    help: 'mirror half of the pictures',
  },
  jitter: {
    type: 'number',
    low: 0,
    high: 1,
    default: 0,
    rare: true,
    help: 'change of brightness, contrast, saturation',
  },
  mean: { ...mean, rare: true },
  std: { ...std, rare: true },
  inputLayout,
  colorOrder,
  inputSize,
  jobs: { ...jobs, help: 'threads', more: 'Another number of threads may round differently.' },
  maxPixels,
  range: { ...range, rare: true },
  overwrite: { type: 'flag', help: 'replace the file, and start an interrupted training over' },
} as const satisfies Table
