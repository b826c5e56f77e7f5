import { counted } from '../core/counted.js'
import { AugmentError, EXIT } from '../core/errors.js'
import { repair } from '../run/repair.js'
import { verify } from '../run/verify.js'
import type { Invocation } from './invocation.js'

const SHOWN = 100

/** `sage-augment verify <dir>`: exit 1 with the list of what is wrong, unless it is repaired. */
export async function verifyCommand({ words: [folder], own, report }: Invocation<'verify'>): Promise<void> {
  if (own.repair && own.shard !== undefined) {
    throw new AugmentError(
      'usage',
      '--repair: found with --shard, expected one of the two: a repair looks at all pictures',
    )
  }
  const { rows, problems } = await verify(folder!, own)
  const lines = problems.slice(0, SHOWN)
  if (problems.length > SHOWN) lines.push(`... and ${problems.length - SHOWN} more`)
  const verdict = problems.length === 0 ? 'all right' : counted(problems.length, 'problem')
  for (const line of lines) report.problem(line)
  if (own.repair && problems.length > 0) {
    const repaired = await repair(folder!, (message) => report.event({ type: 'notice', message }))
    const rest = `${counted(repaired.whole, 'row')} stay, ${repaired.kept} set aside`
    const text = `${folder}: ${verdict}; ${rest}: repeat the run's command to make what is missing`
    return report.done({ folder, rows, problems, repaired }, text)
  }
  const part = own.shard === undefined ? '' : `, part ${own.shard} looked at`
  report.done({ folder, rows, problems }, `${folder}: ${counted(rows, 'picture')}${part}, ${verdict}`)
  if (problems.length > 0) process.exitCode = EXIT.failed
}
