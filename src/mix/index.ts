import type { Random } from '../core/random.js'
import type { Sample } from '../core/sample.js'
import { comixup } from './comixup.js'
import { cutmix } from './cutmix.js'
import type { ChoiceParameter, GroupMethod, Method, Mixed, NumberParameter } from './method.js'
import { mixup } from './mixup.js'
import type { MethodName } from './names.js'
import { puzzlemix } from './puzzlemix.js'
import { sage } from './sage.js'
import { saliencymix } from './saliencymix.js'
import { smoothmix } from './smoothmix.js'

export type { MethodName } from './names.js'

type Named = Record<MethodName, unknown>

/** Every method by its name; adding one adds it here and to the names. */
export const methods = { sage, mixup, cutmix, smoothmix, saliencymix, puzzlemix, comixup } as const satisfies Named

/** The described parameters of a method, by name, as options and help are made of them. */
export function describedParameters(name: MethodName): Readonly<Record<string, NumberParameter | ChoiceParameter>> {
  return methods[name].parameters
}

/** The defaults of a method's described parameters: its paper's. */
export function defaultParameters(name: MethodName): Readonly<Record<string, number | string>> {
  return Object.fromEntries(Object.entries(describedParameters(name)).map(([key, { default: value }]) => [key, value]))
}

/** How many pictures a method mixes at once; 1 for those that mix pairs. */
export function groupSizeOf(name: MethodName, parameters: unknown): number {
  const method = methods[name]
  return 'mixGroup' in method ? (method as GroupMethod<unknown>).groupSize(parameters) : 1
}

/** Whether the method needs saliency maps with these parameters. */
export function needsMaps(name: MethodName, parameters: unknown): boolean {
  return (methods[name] as Method<unknown>).needsSaliency(parameters)
}

/** The outputs of the method of that name: one of sample and partner, or of a group as many as it has sources. */
export function mixWith(
  name: MethodName,
  sources: readonly Sample[],
  parameters: unknown,
  random: Random,
): readonly Mixed[] {
  const method = methods[name] as Method<unknown> | GroupMethod<unknown>
  return 'mixGroup' in method ? method.mixGroup(sources, parameters, random) : [method.mix(sources, parameters, random)]
}
