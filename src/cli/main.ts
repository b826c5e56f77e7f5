import { type Command, CommanderError } from 'commander'
import { augmentCommand } from './augment.js'
import { compareCommand } from './compare.js'
import { completionCommand } from './completion.js'
import { doctorCommand } from './doctor.js'
import { exitCodeOf, printError } from './failure.js'
import { gradCommand } from './grad.js'
import { inspectCommand } from './inspect.js'
import { mergeCommand } from './merge.js'
import { refuseMistyped } from './mistyped.js'
import { modelsCommand } from './models.js'
import { saliencyCommand } from './saliency.js'
import { verifyCommand } from './verify.js'
import { version } from './version.js'

/** Runs the command line of `argv` (as process.argv) and sets the exit code; never calls process.exit itself. */
export async function main(argv: readonly string[]): Promise<void> {
  // A reader that stops early, as in `| head`, is no failure.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error
  })
  const given = argv.slice(2)
  const parameters = !given.some((word) => word === '--help' || word === '-h')
  const program = (await augmentCommand({ parameters }))
    .name('sage-augment')
    .description('Mixes a labelled folder of pictures into a better training set, offline.')
    .version(version())
    .enablePositionalOptions()
    .addCommand((await augmentCommand({ parameters })).description('the same as without a command'), { hidden: true })
    .addCommand(saliencyCommand())
    .addCommand(compareCommand())
    .addCommand(gradCommand())
    .addCommand(inspectCommand())
    .addCommand(verifyCommand())
    .addCommand(mergeCommand())
    .addCommand(doctorCommand())
    .addCommand(modelsCommand())
  program.addCommand(completionCommand(program))
  for (const command of [program, ...program.commands.flatMap((one) => [one, ...one.commands])]) {
    command.exitOverride().showHelpAfterError(`(${pathOf(command)} --help lists the options)`)
  }
  try {
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

/** `sage-augment models pull`: a command as it is typed. */
function pathOf(command: Command): string {
  return command.parent === null ? command.name() : `${pathOf(command.parent)} ${command.name()}`
}
