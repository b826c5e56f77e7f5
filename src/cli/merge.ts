import { counted } from '../core/counted.js'
import { merge } from '../run/merge.js'
import type { Invocation } from './invocation.js'

/** `sage-augment merge <dir...> --out <dir>`. */
export async function mergeCommand({ words, own: { out, overwrite }, report }: Invocation<'merge'>): Promise<void> {
  const notice = (message: string) => report.event({ type: 'notice', message })
  const pictures = await merge(words, out, { overwrite, notice })
  const text = `${out}: ${counted(pictures, 'picture')} of ${counted(words.length, 'shard')}`
  report.done({ type: 'done', out, written: pictures, shards: words.length }, text)
}
