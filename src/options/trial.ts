/** The options of `trial`. */
import { METHOD_NAMES } from '../mix/names.js'
import type { Table } from './option.js'
import { runOptions } from './run.js'
import { trainOptions } from './train.js'

const { labels, classes, split, seed, range, jobs, maxPixels, mean, std, inputLayout, colorOrder, inputSize } =
  runOptions

export const trialOptions = {
  out: {
    type: 'path',
    value: 'trial.json',
    default: 'trial.json',
    help: 'what was found; an interrupted trial continues from it',
  },
  report: { type: 'flag', help: 'also write a page beside it, trial.html' },
  minutes: {
    type: 'number',
    low: 0.01,
    high: 100_000,
    default: 5,
    help: 'how long it may take',
    more: 'The first steps of every arm are timed; steps, repetitions and arms are chosen so that they fit. With `steps` and `repetitions` given it is no limit.',
  },
  methods: { type: 'list', choices: METHOD_NAMES, help: 'methods to compare, separated by commas', otherwise: 'all' },
  arms: {
    type: 'path',
    value: 'arms.json',
    help: 'further arms: methods with parameters and maps',
    more: 'A JSON list of objects with `method` and, where wanted, `name`, `parameters`, `pairing`, `share` (of mixes, .5), `model` (also `adapted`, `untrained`, `student`), `saliency` and `grid`.',
  },
  search: {
    type: 'flag',
    help: 'look for better parameters, and confirm the winner',
    more: 'Successive halving over the parameters of SAGE and Mixup, share of mixes, pairing, kind of map and grid; then the winner beside clean, Mixup, CutMix and SAGE as it is, on fresh seeds. `methods` and `repetitions` play no part; what `arms` adds is among the candidates.',
  },
  candidates: { type: 'integer', low: 3, high: 1000, rare: true, fallback: 18, help: 'settings that a search tries' },
  val: { type: 'path', value: 'dir', help: 'pictures to judge by', otherwise: 'parts of the others in turn' },
  valSplit: trainOptions.valSplit,
  holdOut: { type: 'number', low: 0.02, high: 0.5, default: 0.2, rare: true, help: 'share held out in a repetition' },
  pictures: {
    type: 'integer',
    low: 4,
    high: 10_000_000,
    help: 'learn from so many, each class its share',
    otherwise: 'all',
  },
  student: {
    type: 'path',
    value: 'name',
    isPath: (text: string) => text.endsWith('.onnx'),
    otherwise: 'small to 64 pixels a side, else general',
    help: 'network: small, a name or an .onnx file',
    more: '`small`: three convolutions, from scratch. `general` and other names: the last stage of a network of ImageNet is fine-tuned. A file begins with random weights, as its own may have seen the pictures: `--from pretrained` keeps them.',
  },
  from: {
    type: 'choice',
    choices: trainOptions.from.choices,
    value: 'what',
    rare: true,
    help: 'begin with its weights, or with random ones',
    otherwise: 'scratch for small and files',
  },
  steps: {
    type: 'integer',
    low: 1,
    high: 10_000_000,
    help: 'steps of the optimizer in every arm',
    otherwise: 'as many as fit, to 400',
  },
  repetitions: { type: 'integer', low: 1, high: 1000, help: 'seeds', otherwise: 'as many as fit, to 20' },
  seed,
  labels,
  split,
  classes: { ...classes, rare: true },
  batch: {
    type: 'integer',
    low: 2,
    high: 4096,
    rare: true,
    help: 'pictures per step',
    otherwise: '64 for small, else 16',
  },
  rate: { ...trainOptions.rate, rare: true, otherwise: '0.003 from scratch, else 0.0003' },
  labelSmoothing: { ...trainOptions.labelSmoothing, default: 0 },
  crop: trainOptions.crop,
  mirror: trainOptions.mirror,
  jitter: trainOptions.jitter,
  mean: { ...mean, rare: true },
  std: { ...std, rare: true },
  inputLayout,
  colorOrder,
  inputSize,
  jobs: { ...jobs, help: 'students trained side by side; never changes what they learn' },
  maxPixels,
  range: { ...range, rare: true },
  overwrite: { type: 'flag', help: 'start over' },
} as const satisfies Table
