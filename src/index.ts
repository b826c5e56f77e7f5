/** The library: what the command line does, from TypeScript. */
export { AugmentError, type ErrorCode, EXIT } from './core/errors.js'
export { bestShift } from './rearrange/bestShift.js'
export type { Shift } from './rearrange/shift.js'
export { augment, Interrupted } from './run/augment.js'
export type { ConfigInput } from './run/config.js'
export type { AugmentEvent, Summary } from './run/events.js'
export { type GradientOptions, gradientModel } from './saliency/gradientModel.js'
export { readModelFile } from './saliency/modelFile.js'
