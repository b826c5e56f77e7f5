import { comixup } from './comixup.js'
import { cutmix } from './cutmix.js'
import type { ChoiceParameter, NumberParameter } from './method.js'
import { mixup } from './mixup.js'
import { puzzlemix } from './puzzlemix.js'
import { sage } from './sage.js'
import { saliencymix } from './saliencymix.js'
import { smoothmix } from './smoothmix.js'

/** Every method by the name users give it; adding one adds it here. */
export const methods = { sage, mixup, cutmix, smoothmix, saliencymix, puzzlemix, comixup } as const

export type MethodName = keyof typeof methods

/** The described parameters of a method, by name, as options and help are made of them. */
export function describedParameters(name: MethodName): Readonly<Record<string, NumberParameter | ChoiceParameter>> {
  return methods[name].parameters
}

/** The defaults of a method's described parameters: its paper's. */
export function defaultParameters(name: MethodName): Readonly<Record<string, number | string>> {
  return Object.fromEntries(Object.entries(describedParameters(name)).map(([key, { default: value }]) => [key, value]))
}
