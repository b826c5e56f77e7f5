import type { Command } from 'commander'

/**
 * Shortens the command's --help to these options, by attribute name and in one group, so that it fits a screen; --help-all
 * shows them all, in their groups.
 */
export function showOnly(command: Command, shown: readonly string[]): Command {
  const groups = command.options.map(({ helpGroupHeading }) => helpGroupHeading)
  for (const option of command.options) {
    option.hidden = !shown.includes(option.attributeName())
    delete option.helpGroupHeading
  }
  return command
    .optionsGroup('Options:')
    .option('--help-all', 'show every option')
    .on('option:help-all', () => {
      groups.forEach((heading, i) => {
        const option = command.options[i]!
        option.hidden = false
        if (heading !== undefined) option.helpGroupHeading = heading
      })
      command.help()
    })
    .configureHelp({ subcommandTerm: (subcommand) => subcommand.name() })
}
