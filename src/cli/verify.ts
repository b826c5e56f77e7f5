import { Command } from 'commander'
import { counted } from '../core/counted.js'
import { EXIT } from '../core/errors.js'

const SHOWN = 100

/** `sage-augment verify <dir>`: exit 1 with the list of what is wrong. */
export function verifyCommand(): Command {
  return new Command('verify')
    .description('check a finished dataset: hashes, pictures, labels')
    .argument('<dir>', 'output folder of a run')
    .addHelpText('after', '\nExample:\n  sage-augment verify aug')
    .action(async (folder: string) => {
      const { verify } = await import('../run/verify.js')
      const { rows, problems } = await verify(folder)
      const lines = problems.slice(0, SHOWN)
      if (problems.length > SHOWN) lines.push(`... and ${problems.length - SHOWN} more`)
      const verdict = problems.length === 0 ? 'all right' : counted(problems.length, 'problem')
      lines.push(`${folder}: ${counted(rows, 'picture')}, ${verdict}`)
      process.stderr.write(`${lines.join('\n')}\n`)
      if (problems.length > 0) process.exitCode = EXIT.failed
    })
}
