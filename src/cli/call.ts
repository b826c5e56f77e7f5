import {
  type CommandName,
  commands,
  type Command as Definition,
  optionsOf,
  takesParameters,
} from '../options/commands.js'
import type { ConfigInput } from '../options/inputs.js'
import { hasMore } from './command.js'
import type { Invocation } from './invocation.js'

type Actions = {
  readonly [Name in Exclude<CommandName, 'models'>]: () => Promise<(given: Invocation<Name>) => Promise<void>>
}

/** What carries out each command; loaded when it is called. */
const actions: Actions = {
  augment: async () => (await import('./augment.js')).augmentCommand,
  saliency: async () => (await import('./saliency.js')).saliencyCommand,
  compare: async () => (await import('./compare.js')).compareCommand,
  adapt: async () => (await import('./adapt.js')).adaptCommand,
  train: async () => (await import('./train.js')).trainCommand,
  trial: async () => (await import('./trial.js')).trialCommand,
  grad: async () => (await import('./grad.js')).gradCommand,
  inspect: async () => (await import('./inspect.js')).inspectCommand,
  verify: async () => (await import('./verify.js')).verifyCommand,
  submit: async () => (await import('./submit.js')).submitCommand,
  merge: async () => (await import('./merge.js')).mergeCommand,
  doctor: async () => (await import('./doctor.js')).doctorCommand,
  'models list': async () => (await import('./models.js')).listCommand,
  'models show': async () => (await import('./models.js')).showCommand,
  'models pull': async () => (await import('./models.js')).pullCommand,
  loader: async () => (await import('./loader.js')).loaderCommand,
  completion: async () => (await import('./completion.js')).completionCommand,
}

/** Checks what was given and carries out the command. Throws a usage error that names every option out of range. */
export async function call(
  name: CommandName,
  words: readonly string[],
  flags: Readonly<Record<string, unknown>>,
): Promise<void> {
  if (name === 'models') return call('models list', words, flags)
  const { methodParameters } = await import('./parameters.js')
  const { checked } = await import('../options/schema.js')
  const { reporter } = await import('./reporter.js')
  const definition: Definition = commands[name]
  const isParameter = (key: string) => takesParameters(definition) && key in methodParameters
  const isOwn = (key: string) => key in definition.own
  const { helpAll: _, ...given } = flags
  const options = picked(given, (key) => !isParameter(key))
  const own = picked(checked(optionsOf(definition), options, helpOn(name)), isOwn)
  // A run alone writes there; a folder of that name is nobody's wish.
  const isFar = name !== 'augment' && name !== 'submit' && String(options.out ?? '').startsWith('s3:/')
  if (isFar) (await import('../run/objectPlace.js')).refuseObjects(name, [String(options.out)])
  const parameters = picked(given, isParameter) as Record<string, number | string>
  const run: ConfigInput = { ...picked(options, (key) => !isOwn(key)), parameters }
  const report = reporter({ json: own.json === true, quiet: own.quiet === true })
  const act = (await actions[name]()) as (given: Invocation<CommandName>) => Promise<void>
  try {
    await act({ words, run, own: own as never, report })
  } finally {
    report.stop()
  }
}

/** The command that lists all options of another. */
function helpOn(name: CommandName): string {
  if (name === 'augment') return 'sage-augment --help-all'
  return `sage-augment ${name} ${hasMore(name) ? '--help-all' : '--help'}`
}

function picked(all: Readonly<Record<string, unknown>>, isWanted: (key: string) => boolean): Record<string, unknown> {
  return Object.fromEntries(Object.entries(all).filter(([key]) => isWanted(key)))
}
