import { CommanderError } from 'commander'
import { call } from './call.js'
import type { Detail } from './command.js'
import { exitCodeOf, printError } from './failure.js'
import { refuseMistyped } from './mistyped.js'
import { programOf } from './program.js'

/** Runs the command line of `argv` (as process.argv) and sets the exit code; never calls process.exit itself. */
export async function main(argv: readonly string[]): Promise<void> {
  // A reader that stops early, as in `| head`, is no failure.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error
  })
  const given = argv.slice(2)
  try {
    const program = programOf(call, await detailOf(given))
    refuseMistyped(
      given,
      program.commands.map((command) => command.name()),
    )
    await program.parseAsync(argv)
  } catch (error) {
    if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : 2
    else {
      printError(error)
      process.exitCode = exitCodeOf(error)
    }
  }
}

async function detailOf(given: readonly string[]): Promise<Detail> {
  const isBrief = given.some((word) => word === '--help' || word === '-h')
  const parameters = isBrief ? {} : (await import('./parameters.js')).methodParameters
  return { isAll: given.includes('--help-all'), parameters }
}
