import type { CommandName, commands } from '../options/commands.js'
import type { ConfigInput } from '../options/inputs.js'
import type { Checked } from '../options/option.js'
import type { Reporter } from './reporter.js'

/** What a command is called with. */
export interface Invocation<Name extends CommandName> {
  /** Its arguments. */
  readonly words: readonly string[]
  /** Options of a run, as given: the library checks them again, with those of a configuration file. */
  readonly run: ConfigInput
  /** The command's own options, checked. */
  readonly own: Checked<(typeof commands)[Name]['own']>
  readonly report: Reporter
}
