/** THE TABLE of commands: what each is for, what it takes, and examples. */
import { METHOD_NAMES } from '../mix/names.js'
import { adaptOptions } from './adapt.js'
import type { Table } from './option.js'
import { runOptions } from './run.js'
import { saliencyOptions } from './saliency.js'
import { scoreOptions } from './score.js'
import { joinedOut, submitOptions } from './submit.js'
import { trainOptions } from './train.js'
import { trialOptions } from './trial.js'
import { verifyOptions } from './verify.js'

export interface Command {
  readonly about: string
  /** Its arguments, as `<images>`, `[images]` or `<dir...>`, and what the first is. */
  readonly arguments?: readonly string[]
  /** Options of a run that it takes, which a configuration file may hold and the library checks. */
  readonly run?: Table
  /** Only --help-all shows the options that are the same for a run. */
  readonly isRunRare?: true
  /** Options of its own. */
  readonly own: Table
  /** What --help says at its end. */
  readonly examples: readonly string[]
  /** Says more before the examples. */
  readonly note?: string
}

/** How every command tells what it does. */
const common = { type: 'flag', rare: ['augment'] } as const
const quiet = { ...common, help: 'print only results and errors' } as const
const events = { json: { ...common, help: 'events as NDJSON on stdout' }, quiet } as const
const result = { json: { ...common, help: 'the result as JSON on stdout' }, quiet } as const

/** The options of a run that a command takes, in the order of the table. */
function takenBy(command: string): Table {
  const all: Table = runOptions
  return Object.fromEntries(Object.entries(all).filter(([, { commands }]) => commands?.includes(command)))
}

const augmentOwn = {
  config: { type: 'path', rare: ['augment'], help: 'JSON file of options; the command line wins' },
  allowSkipped: {
    type: 'flag',
    rare: ['augment'],
    help: 'exit 0, not 3, if pictures were skipped',
    more: 'A job that waits for success then starts (`afterok` of Slurm). `run.json` still counts the skipped pictures.',
  },
  ...events,
} as const satisfies Table

/** Most noisy copies or steps of a map; more are a mistake. */
const MOST = 1000

export const mapOptions = {
  raw: {
    type: 'choice',
    choices: ['npy', 'png16'],
    value: 'format',
    help: 'also write the maps as numbers, in maps/',
    more: '`npy`: float32; `png16`: 16 bits, 65535 is the largest value of the map.',
  },
  smooth: {
    type: 'integer',
    low: 1,
    high: MOST,
    help: 'SmoothGrad: the mean over n noisy copies',
  },
  timesInput: {
    type: 'flag',
    help: 'the gradient times the input',
    more: 'The normalised input (Shrikumar et al. 2016, arXiv 1605.01713).',
  },
  integrated: {
    type: 'integer',
    low: 1,
    high: MOST,
    help: 'integrated gradients in n steps',
    more: "Sundararajan et al. 2017, arXiv 1703.01365: of the logit of the label, from the picture of the model's mean colour; `loss` plays no part. Not with `smooth` or `timesInput`.",
  },
} as const satisfies Table

export const mapsOut = {
  ...runOptions.out,
  fallback: 'maps',
  help: 'new, or an earlier output to replace',
  more: 'A new or empty folder, or one with earlier maps, which are replaced.',
} as const

export const compareOptions = {
  methods: { type: 'list', choices: METHOD_NAMES, help: 'methods to compare, separated by commas', otherwise: 'all' },
  out: { type: 'path', value: 'figure.png', fallback: 'figure.png', help: 'figure of two pictures' },
} as const satisfies Table

/** Pairs of a folder that are compared. */
export const pairCount = { ...runOptions.count, fallback: 200, help: 'number of pairs from a folder' } as const

const gradOptions = {
  out: { type: 'path', value: 'grad.onnx', required: true, help: 'file to write' },
  loss: { type: 'choice', choices: ['ce', 'bce', 'logit'], default: 'ce', help: 'loss to differentiate' },
  wrt: { type: 'text', value: 'input', otherwise: 'the first', help: 'input to differentiate by' },
  output: { type: 'text', otherwise: 'found', help: 'output that holds the logits' },
  size: { type: 'size', help: 'size of the pictures, if the model does not fix it' },
} as const satisfies Table

const inspectOptions = {
  output: gradOptions.output,
  size: gradOptions.size,
  try: {
    type: 'path',
    value: 'images',
    help: 'find out how it wants its pixels, on labelled pictures',
    more: 'Tries the usual scales, means and orders of the channels, and what its .json says, on at most 128 pictures, and ranks them by log loss. The best is written to the .json beside the model where that does not say it yet.',
  },
} as const satisfies Table

const mergeOptions = {
  out: { type: 'path', value: 'dir', required: true, help: 'folder for the joined run' },
  overwrite: { type: 'flag', help: 'start over, replacing an earlier run' },
} as const satisfies Table

const doctorOptions = {
  out: { type: 'path', value: 'dir', default: 'aug', help: 'output folder to look at' },
  device: { ...saliencyOptions.device, help: 'exit 5 unless this one and the CPU work' },
  cudaFrom: {
    type: 'path',
    value: 'wheel',
    help: "first place onnxruntime's CUDA files from this wheel",
    more: 'The Python wheel `onnxruntime-gpu` of the same version for Linux x86-64, from PyPI: the two files of the CUDA provider are placed beside the library of onnxruntime-node. No network is needed.',
  },
} as const satisfies Table

const pullOptions = {
  mirror: { type: 'text', value: 'url', expected: 'a URL', help: 'root of a copy of the zoo, with the same paths' },
} as const satisfies Table

/** In the order of --help. A name with a space is a command below a command. */
export const commands = {
  augment: {
    about: 'mix the pictures of a labelled folder (the default command)',
    arguments: ['[images]'],
    run: takenBy('augment'),
    own: augmentOwn,
    examples: [
      'sage-augment ./pets --out ./aug --preview 12',
      'sage-augment ./pets --labels pets.csv --epochs 5 --device cuda',
    ],
  },
  saliency: {
    about: 'draw the saliency maps that the mixing uses',
    arguments: ['<images>'],
    run: { ...takenBy('saliency'), out: mapsOut },
    own: { ...mapOptions, ...scoreOptions, ...events },
    examples: [
      'sage-augment saliency ./pets --out ./maps',
      'sage-augment saliency ./pets --out ./maps --target predicted    without labels',
      'sage-augment saliency ./pets --raw npy --model resnet50.onnx --smooth 25',
      'sage-augment saliency ./pets --score --judge resnet18',
    ],
  },
  compare: {
    about: 'show the methods side by side, as a figure or a table',
    arguments: ['<pictures...>'],
    run: { ...takenBy('compare'), count: pairCount },
    own: { ...compareOptions, ...result },
    examples: [
      'sage-augment compare cat.jpg dog.jpg --out figure.png',
      'sage-augment compare ./pets --count 200',
      'sage-augment compare ./pets --methods sage,cutmix --json',
    ],
  },
  adapt: {
    about: 'fit your classes on the features of a classifier',
    arguments: ['<images>'],
    own: { ...adaptOptions, ...result },
    examples: ['sage-augment adapt ./pets --out pets.onnx', 'sage-augment ./pets --model pets.onnx --out ./aug'],
  },
  train: {
    about: 'train a classifier on a labelled folder',
    arguments: ['<images>'],
    own: { ...trainOptions, ...events },
    examples: [
      'sage-augment train ./pets --out pets.onnx --minutes 5',
      'sage-augment train ./pets --method sage --epochs 30',
      'sage-augment train ./pets --val ./more-pets --model mine.onnx --from scratch',
    ],
  },
  trial: {
    about: 'find out whether mixing helps on your pictures',
    arguments: ['<images>'],
    own: { ...trialOptions, ...events },
    examples: ['sage-augment trial ./pets', 'sage-augment trial ./pets --val ./more-pets --minutes 30'],
  },
  grad: {
    about: 'write a model with its input gradient, standard ONNX',
    arguments: ['<model.onnx>'],
    own: { ...gradOptions, ...result },
    examples: ['sage-augment grad resnet50.onnx --out grad.onnx'],
  },
  inspect: {
    about: 'show what a model takes and gives, and if it has a gradient',
    arguments: ['<model.onnx>'],
    own: { ...inspectOptions, ...result },
    examples: ['sage-augment inspect resnet50.onnx', 'sage-augment inspect pets.onnx --try ./pets'],
  },
  verify: {
    about: 'check a finished dataset: hashes, pictures, labels',
    arguments: ['<dir>'],
    own: { ...verifyOptions, ...result },
    examples: ['sage-augment verify aug'],
  },
  submit: {
    about: 'print or send the jobs of a run in shards, for a cluster',
    arguments: ['<scheduler>', '[images]'],
    run: { ...takenBy('augment'), out: joinedOut },
    isRunRare: true,
    own: { ...submitOptions, config: augmentOwn.config, ...result },
    note: 'Schedulers: slurm, sge (Grid Engine) and k8s. Takes the options of a run,\nbut not --shard, --adapt, --dry-run, --preview and --overwrite.',
    examples: [
      'sage-augment submit slurm ./pets --shards 8 --out ./aug --epochs 5',
      'sage-augment submit sge ./pets --shards 8 --yes',
      'sage-augment submit k8s /data/pets --out /data/aug --shards 8 \\\n    --image your-image --claim data',
    ],
  },
  merge: {
    about: 'join the finished shards of one run',
    arguments: ['<dir...>'],
    own: { ...mergeOptions, ...events },
    examples: ['sage-augment merge aug-1-of-2 aug-2-of-2 --out aug'],
  },
  doctor: {
    about: 'show what works on this machine, trying each device',
    own: { ...doctorOptions, ...result },
    examples: [
      'sage-augment doctor --device cuda --out /data/aug',
      'sage-augment doctor --cuda-from onnxruntime_gpu-1.30.0.whl',
    ],
  },
  models: {
    about: 'list classifiers, and fetch those of the ONNX Model Zoo',
    own: {},
    examples: ['sage-augment models pull resnet18'],
  },
  'models list': {
    about: 'list the classifiers that --model knows by name',
    own: result,
    examples: ['sage-augment models list --json'],
  },
  'models show': {
    about: 'show all that is known about one, as JSON',
    arguments: ['<name>'],
    own: result,
    examples: ['sage-augment models show resnet18'],
  },
  'models pull': {
    about: 'fetch classifiers into your cache folder, checking their SHA-256',
    arguments: ['<name...>'],
    own: { ...pullOptions, ...events },
    note: 'HTTPS_PROXY, HTTP_PROXY and NO_PROXY are obeyed.',
    examples: ['sage-augment models pull resnet18'],
  },
  loader: {
    about: 'print Python code that loads an output for training',
    arguments: ['<trainer>'],
    own: result,
    note: 'The trainers are torch, keras, tf, fastai and hf (Hugging Face).',
    examples: ['sage-augment loader torch > augmented.py'],
  },
  completion: {
    about: 'print a completion script for bash, zsh or fish',
    arguments: ['<shell>'],
    own: result,
    examples: [
      'source <(sage-augment completion bash)        in ~/.bashrc',
      'source <(sage-augment completion zsh)         in ~/.zshrc, after compinit',
      'sage-augment completion fish | source         in ~/.config/fish/config.fish',
    ],
  },
} as const satisfies Readonly<Record<string, Command>>

export type CommandName = keyof typeof commands

/** Whether it takes the parameters of the methods. */
export function takesParameters({ run }: Command): boolean {
  return run !== undefined && 'method' in run
}

/** The options of a run and those of its own. */
export function optionsOf(command: Command): Table {
  return { ...command.run, ...command.own }
}
