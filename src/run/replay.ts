/** How a replay differs from the run that it replays: pairs may be mixed differently, but the run says so. */
import { flagOf } from '../core/flag.js'
import type { MadeWith } from '../dataset/writtenPairs.js'
import type { Table } from '../options/option.js'
import { saliencyOptions } from '../options/saliency.js'
import { differences } from '../output/record.js'
import { type Config, decisive } from './config.js'

/** A run whose provenance is read as pairs, and what that file is called. */
export interface Replayed extends MadeWith {
  readonly name: string
}

type Model = NonNullable<MadeWith['model']>

/** What a run's maps are made with, as decided. */
interface Maps {
  /** Null where no classifier makes them. */
  readonly model: Model | null
  readonly device: string | null
  readonly saliency: string
  readonly target: string | null
}

/** So many differences are named. */
const SHOWN = 20

type Values = Readonly<Record<string, unknown>>

/** What decides the pixels and labels of a replayed pair, beside the maps. */
const REPLAYED = ['method', 'seed', 'size', 'range', 'parameters'] as const

/** What differs in the options, except in those of the maps. */
export function replayNotices({ name, options }: Replayed, config: Config): string[] {
  if (options.method === undefined) return []
  const same = options.method === config.method
  // What SAGE draws stands in its rows; methods have different parameters.
  const ignored = [...(same && config.method === 'sage' ? ['seed'] : []), ...(same ? [] : ['parameters'])]
  const kept = REPLAYED.filter((option) => !ignored.includes(option))
  return changes(name, pick(options, kept), pick(decisive(config), kept))
}

/** Another model, device or kind of maps than the run was made with; nothing where it had none. */
export function mapNotices({ name, options, model, device }: Replayed, config: Config, maps: Maps): string[] {
  if (!model && options.saliency !== 'spectral') return []
  const { model: modelNow, device: deviceNow, ...decided } = maps
  const table: Table = saliencyOptions
  const onCpu = device === 'cpu' && deviceNow === 'cpu'
  // It changes nothing on the CPU.
  const kept = Object.keys(table).filter((key) => table[key]!.compared !== false && !(onCpu && key === 'exact'))
  const before = { model: titleOf(model ?? null, modelNow), ...pick(options, kept), device }
  const now = { ...pick({ ...decisive(config), ...decided }, kept), device: deviceNow }
  const shared = model && modelNow && model.sha256 === modelNow.sha256 ? (['input', 'logits'] as const) : []
  // Earlier versions did not write these down; without labels there are no logits.
  const uses = shared.filter((use) => model?.[use] && modelNow?.[use])
  return changes(
    name,
    { ...before, ...pick(model ?? {}, uses) },
    { model: titleOf(modelNow, model ?? null), ...now, ...pick(modelNow ?? {}, uses) },
  )
}

/** A model's name; with its hash where another one has the same name, and nothing where it is the same model. */
function titleOf(model: Model | null, other: Model | null) {
  if (model === null || model.sha256 === other?.sha256) return null
  const { name, sha256 } = model
  return name === other?.name ? `${name} (SHA-256 ${sha256.slice(0, 8)})` : name
}

function pick(options: Values, names: readonly string[]): Values {
  return Object.fromEntries(names.map((name) => [name, options[name] ?? null]))
}

function changes(name: string, before: Values, now: Values): string[] {
  const changed = differences(before, now).map(
    ({ name: option, old, new: value }) => `${inWords(option)} ${old ?? 'unset'}, not ${value ?? 'unset'}`,
  )
  if (changed.length === 0) return []
  const more = changed.length > SHOWN ? [`${changed.length - SHOWN} more`] : []
  return [`${name}: made with ${[...changed.slice(0, SHOWN), ...more].join('; ')}: the mixes will differ`]
}

/** `input mean`, `logit of cat`, or a flag. */
function inWords(option: string): string {
  if (option.startsWith('input.')) return option.replace('.', ' ')
  if (option.startsWith('logits.')) return option.replace('logits.', 'logit of ')
  return flagOf(option.replace('parameters.', ''))
}
