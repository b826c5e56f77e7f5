/** The library: what the command line does, from TypeScript. docs/library.md has running examples. */

export { readModelFile } from './classifiers/modelFile.js'
export { AugmentError, type ErrorCode, EXIT } from './core/errors.js'
export type { ConfigInput, MapOptions } from './options/inputs.js'
export { bestShift } from './rearrange/bestShift.js'
export type { Shift } from './rearrange/shift.js'
export { augment, Interrupted } from './run/augment.js'
export type { AugmentEvent, Summary } from './run/events.js'
export { drawSaliency as saliency } from './run/saliency.js'
export { type GradientOptions, gradientModel as differentiate } from './saliency/gradientModel.js'
export { type Inspection, inspectModel as inspect } from './saliency/inspectModel.js'
export { type TrainingModel, type TrainingOptions, trainingModel } from './train/trainingModel.js'
