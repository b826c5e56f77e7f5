/** The options of `adapt`. */
import type { Table } from './option.js'
import { runOptions } from './run.js'

const { labels, classes, seed, size, range, jobs, maxPixels, output } = runOptions

export const adaptOptions = {
  out: { type: 'path', value: 'model.onnx', required: true, help: 'classifier to write, with a .json beside it' },
  model: {
    type: 'path',
    value: 'name',
    default: 'general',
    isPath: (text: string) => text.endsWith('.onnx'),
    help: 'classifier whose features are used: a name or an .onnx file',
  },
  full: {
    type: 'flag',
    help: 'train all weights, not only the last layer: `train` with its defaults',
    more: 'Slower. Not with `size` and `output`.',
  },
  labels,
  seed: { ...seed, help: 'deals the pictures out to the folds' },
  classes: { ...classes, rare: true },
  size: { ...size, rare: true },
  output,
  range,
  jobs,
  maxPixels,
} as const satisfies Table
