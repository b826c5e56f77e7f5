import type { Config } from './config.js'
import type { Inputs } from './inputs.js'
import { groupOf, groupSizeOf } from './mixer.js'
import type { Plan } from './plan.js'

/** The sources, rising, that the outputs of a range are made of: samples, partners, and whoever else is mixed with them. */
export function usedBy(
  plan: Plan,
  { start, end }: { readonly start: number; readonly end: number },
  { sources, pairs }: Pick<Inputs, 'sources' | 'pairs'>,
  config: Config,
): Int32Array {
  const isWhole = start === 0 && end === plan.length
  // Every source is a sample once an epoch.
  if (isWhole && pairs === null && config.balance === 'none' && plan.mixes >= sources.length)
    return Int32Array.from({ length: sources.length }, (_, source) => source)
  const isUsed = new Uint8Array(sources.length)
  const size = groupSizeOf(config)
  const from = size > 1 && start < plan.mixes ? groupOf(plan, start, size)[0] : start
  const to = size > 1 && start < end && end <= plan.mixes ? groupOf(plan, end - 1, size)[1] : end
  for (let index = from; index < to; index++) for (const source of plan.job(index).sources) isUsed[source] = 1
  const used = new Int32Array(isUsed.reduce((sum, one) => sum + one, 0))
  let count = 0
  for (let source = 0; source < isUsed.length; source++) if (isUsed[source] === 1) used[count++] = source
  return used
}
