/** Makes the command line of the tables of options. */
import { Command } from 'commander'
import {
  type CommandName,
  commands,
  type Command as Definition,
  optionsOf,
  takesParameters,
} from '../options/commands.js'
import { GROUPS, helpOf, type Option, type Table, termOf } from '../options/option.js'

/** What a command is called with: `flags` by the names of the options, only those that were given. */
export type Act = (
  name: CommandName,
  words: readonly string[],
  flags: Readonly<Record<string, unknown>>,
) => Promise<void>

/** How much of a command is wanted: --help shows less, and parameters of methods take long to load. */
export interface Detail {
  /** All options, in groups. */
  readonly isAll: boolean
  /** Parameters of the methods, where they are wanted. */
  readonly parameters: Table
}

export function commandOf(name: CommandName, act: Act, { isAll, parameters }: Detail): Command {
  const definition: Definition = commands[name]
  const command = new Command(name.split(' ').at(-1)).description(definition.about)
  for (const argument of definition.arguments ?? []) command.argument(argument)
  const options = Object.entries(optionsOf(definition)).filter(([, { isArgument }]) => !isArgument)
  for (const group of GROUPS) {
    for (const [key, option] of options.filter(([, { group: own = GROUPS[0] }]) => own === group)) {
      const isHidden = !isAll && isRare(key, option, name)
      add(command, key, option, { heading: isAll ? group : GROUPS[0], isHidden, isBrief: !isAll })
    }
  }
  const more = takesParameters(definition) ? Object.entries(parameters) : []
  for (const [key, option] of more)
    add(command, key, option, { heading: 'Parameters of the method', isHidden: !isAll, isBrief: false })
  if (hasMore(name)) {
    command.optionsGroup('Options:').option('--help-all', 'show every option')
    command.on('option:help-all', () => command.help())
  }
  return (
    command
      .addHelpText('after', closing(definition))
      // A stray word after `models` gets an answer of its own.
      .allowExcessArguments(name === 'models list')
      .configureHelp({ subcommandTerm: (subcommand) => subcommand.name() })
      .action(() => act(name, command.args, command.opts()))
  )
}

/** Whether --help leaves options out, so that there is --help-all. */
export function hasMore(name: CommandName): boolean {
  return Object.entries(optionsOf(commands[name])).some(([key, option]) => isRare(key, option, name))
}

function isRare(key: string, option: Option, command: CommandName): boolean {
  const { rare } = option
  const { isRunRare, run }: Definition = commands[command]
  if (isRunRare && run !== undefined && key in run && run[key] === (commands.augment.run as Table)[key]) return true
  return rare === true || (rare?.includes(command) ?? false)
}

function add(
  command: Command,
  name: string,
  option: Option,
  { heading, isHidden, isBrief }: { heading: string; isHidden: boolean; isBrief: boolean },
): void {
  const made = command.createOption(termOf(name, option), helpOf(option, { isBrief }))
  made.mandatory = option.required ?? false
  made.hidden = isHidden
  made.helpGroupHeading = `${heading}:`
  const read = readerOf(option)
  command.addOption(read === undefined ? made : made.argParser(read))
}

/** How the text on the command line becomes the value, which is checked later. */
function readerOf({ type }: Option): ((text: string) => unknown) | undefined {
  if (type === 'number' || type === 'integer') return numeric
  if (type === 'channels') return (text) => text.split(',').map(numeric)
  if (type === 'list') return (text) => text.split(',').map((part) => part.trim())
  return undefined
}

/** Numbers stay text when they are none, so that the check can quote them. */
function numeric(text: string): number | string {
  return text.trim() !== '' && Number.isFinite(Number(text)) ? Number(text) : text
}

function closing({ note, examples }: Definition): string {
  const heading = examples.length === 1 ? 'Example:' : 'Examples:'
  return ['', ...(note === undefined ? [] : [note]), heading, ...examples.map((example) => `  ${example}`)].join('\n')
}
