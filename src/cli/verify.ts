import { counted } from '../core/counted.js'
import { EXIT } from '../core/errors.js'
import { verify } from '../run/verify.js'
import type { Invocation } from './invocation.js'

const SHOWN = 100

/** `sage-augment verify <dir>`: exit 1 with the list of what is wrong. */
export async function verifyCommand({ words: [folder], report }: Invocation<'verify'>): Promise<void> {
  const { rows, problems } = await verify(folder!)
  const lines = problems.slice(0, SHOWN)
  if (problems.length > SHOWN) lines.push(`... and ${problems.length - SHOWN} more`)
  const verdict = problems.length === 0 ? 'all right' : counted(problems.length, 'problem')
  for (const line of lines) report.problem(line)
  report.done({ folder, rows, problems }, `${folder}: ${counted(rows, 'picture')}, ${verdict}`)
  if (problems.length > 0) process.exitCode = EXIT.failed
}
