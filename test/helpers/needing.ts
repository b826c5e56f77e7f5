import { test } from 'vitest'

/** `test`, or where something is missing a test that is skipped and says what it needs. */
export function needing(what: string, isThere: boolean): typeof test {
  if (isThere) return test
  const skipped = (name: string) => test(name, ({ skip }) => skip(`needs ${what}`))
  const table = () => skipped
  return Object.assign(skipped, { for: table, each: table }) as unknown as typeof test
}
