import { loaderCode } from '../run/loaderCode.js'
import type { Invocation } from './invocation.js'

/** `sage-augment loader <trainer>`: Python code that a user can copy. */
export async function loaderCommand({ words: [trainer = ''], report }: Invocation<'loader'>): Promise<void> {
  const code = await loaderCode(trainer)
  report.result({ trainer, code }, code.trimEnd())
}
