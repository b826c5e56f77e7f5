/** What a trial compares. */

import { flagOf } from '../core/flag.js'
import type { SaliencyKind } from '../core/saliencyKinds.js'
import { defaultParameters, type MethodName, needsMaps } from '../mix/index.js'
import { METHOD_NAMES } from '../mix/names.js'

/** Where the maps of an arm come from. */
export interface MapSource {
  /**
   * A classifier by its name or file; `untrained`: a network of random weights; `adapted`: the pictures' own classes fitted on
   * `general`, on the lessons of each repetition; `student`: the student itself, as it is at every tenth of its steps.
   */
  readonly model: string
  readonly saliency: SaliencyKind | 'auto'
  readonly grid?: string | undefined
}

/** The share of every batch that is mixed, unless an arm says otherwise: as many mixes as originals. */
const USUAL_SHARE = 0.5

export interface Arm {
  readonly name: string
  /** Null for the pictures as they are. */
  readonly method: MethodName | null
  readonly parameters: Readonly<Record<string, number | string>>
  readonly pairing: 'any' | 'different-class' | 'same-class'
  readonly share: number
  /** Null where the method needs none. */
  readonly maps: MapSource | null
  /** Whether it stays whatever it shows. */
  readonly isControl: boolean
}

/** An arm as a user may write it; what is not given is the method's default. */
export interface ArmInput {
  readonly name?: string | undefined
  readonly method: MethodName
  readonly parameters?: Readonly<Record<string, number | string>> | undefined
  readonly pairing?: Arm['pairing'] | undefined
  readonly share?: number | undefined
  readonly model?: string | undefined
  readonly saliency?: MapSource['saliency'] | undefined
  readonly grid?: string | undefined
}

/** The pictures as they are. */
export const CLEAN: Arm = {
  name: 'clean',
  method: null,
  parameters: {},
  pairing: 'any',
  share: USUAL_SHARE,
  maps: null,
  isControl: true,
}

export function armOf(input: ArmInput): Arm {
  const { method, pairing = 'any', share = USUAL_SHARE, model = 'auto', saliency = 'auto', grid } = input
  const parameters = { ...defaultParameters(method), ...input.parameters }
  // As `augment` has it: all shifts are searched.
  const all = method === 'sage' ? { ...parameters, shift: 'exact' } : parameters
  const maps = needsMaps(method, all) ? { model, saliency, ...(grid !== undefined && { grid }) } : null
  return {
    name: input.name ?? nameOf(input),
    method,
    parameters: all,
    pairing,
    share,
    maps,
    isControl: (method === 'mixup' && !input.parameters) || model === 'untrained',
  }
}

/** `sage, model untrained, upper-lambda 0.8`. */
function nameOf({ method, parameters = {}, pairing, share, model, saliency, grid }: ArmInput): string {
  const more = [
    ...Object.entries(parameters).map(([name, value]) => `${flagOf(name).slice(2)} ${value}`),
    ...(pairing === undefined || pairing === 'any' ? [] : [pairing]),
    ...(share === undefined || share === USUAL_SHARE ? [] : [`${Math.round(100 * share)} % mixes`]),
    ...(model === undefined || model === 'auto' ? [] : [model === 'untrained' ? 'untrained net' : `model ${model}`]),
    ...(saliency === undefined || saliency === 'auto' ? [] : [saliency]),
    ...(grid === undefined ? [] : [`grid ${grid}`]),
  ]
  return [method, ...more].join(', ')
}

/** The controls that are always there: what helps without looking, and what looking adds to it. */
const CONTROLS: readonly ArmInput[] = [{ method: 'mixup' }, { method: 'sage', model: 'untrained' }]

/**
 * The arms of a trial: clean, the controls, then the others, the likelier winners first. `methods` are all where none is named;
 * `more` are further ones, by parameters.
 */
export function armsOf(methods: readonly MethodName[] = METHOD_NAMES, more: readonly ArmInput[] = []): Arm[] {
  const plain = methods.map((method): ArmInput => ({ method }))
  const all = [CLEAN, ...[...CONTROLS, ...plain, ...more].map(armOf)]
  return all.filter(({ name }, i) => all.findIndex((arm) => arm.name === name) === i)
}

/** The options of `augment` that make what the arm was shown; null where there are none. */
export function optionsOf({ method, parameters, pairing, share, maps }: Arm, epochs: number): string[] | null {
  if (method === null || maps?.model === 'untrained' || maps?.model === 'student') return null
  const usual: Readonly<Record<string, unknown>> = { ...defaultParameters(method), shift: 'exact' }
  const changed = Object.entries(parameters).filter(([name, value]) => usual[name] !== value)
  // So many epochs of mixes stand beside each original as the share says; of 1 none.
  const passes = share < 1 ? Math.max(1, Math.round(share / (1 - share))) : epochs
  return [
    ...['--method', method],
    ...changed.flatMap(([name, value]) => [flagOf(name), String(value)]),
    ...(pairing === 'any' ? [] : ['--pairing', pairing]),
    ...(maps?.model === 'adapted'
      ? ['--adapt']
      : maps === null || maps.model === 'auto'
        ? []
        : ['--model', maps.model]),
    ...(maps === null || maps.saliency === 'auto' ? [] : ['--saliency', maps.saliency]),
    ...(maps?.grid === undefined ? [] : ['--grid', maps.grid]),
    ...(passes === 1 ? [] : ['--epochs', String(passes)]),
    ...(share < 1 ? ['--include-originals'] : []),
  ]
}
