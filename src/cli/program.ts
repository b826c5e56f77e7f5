import type { Command } from 'commander'
import { type CommandName, commands } from '../options/commands.js'
import { type Act, commandOf, type Detail } from './command.js'
import { version } from './version.js'

/** The whole command line: augment with the other commands below it. */
export function programOf(act: Act, detail: Detail): Command {
  const program = commandOf('augment', act, detail)
    .name('sage-augment')
    .description('Mixes a labelled folder of pictures into a better training set, offline.')
    .version(version())
    .enablePositionalOptions()
    .addCommand(commandOf('augment', act, detail).description('the same as without a command'), { hidden: true })
  for (const name of Object.keys(commands) as CommandName[]) {
    const [parent, child] = name.split(' ')
    if (child === undefined) {
      if (name !== 'augment') program.addCommand(commandOf(name, act, detail))
      continue
    }
    const above = program.commands.find((command) => command.name() === parent)!
    above.addCommand(commandOf(name, act, detail), { isDefault: child === 'list' })
  }
  for (const command of [program, ...program.commands.flatMap((one) => [one, ...one.commands])]) {
    command.exitOverride().showHelpAfterError(`(${pathOf(command)} --help lists the options)`)
  }
  return program
}

/** `sage-augment models pull`: a command as it is typed. */
function pathOf(command: Command): string {
  return command.parent === null ? command.name() : `${pathOf(command.parent)} ${command.name()}`
}
