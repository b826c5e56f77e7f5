/** Lines for people: what is done and found, and what is left out. */
import { counted } from '../core/counted.js'
import type { Manifest } from '../dataset/manifest.js'

export interface Notice {
  readonly type: 'notice'
  readonly message: string
  /** True where something that was given is not used: it is told with --quiet, too. */
  readonly loss?: true
}

/** Hears a line; `loss` as in a Notice. */
export type Tell = (message: string, loss?: true) => void

export function notice(message: string, loss?: true): Notice {
  return { type: 'notice', message, ...(loss && { loss }) }
}

/** What is to be known of pictures and labels that were read. */
export function noticesOf({
  told,
  ignored,
  unread,
  notices,
}: Pick<Manifest, 'told' | 'ignored' | 'unread' | 'notices'>): Notice[] {
  const [has, is] = ignored === 1 ? ['has', 'is'] : ['have', 'are']
  const unnamed = `${counted(ignored, 'picture')} in the folder ${has} no label there and ${is} not used`
  return [
    notice(`${told}${ignored > 0 ? `; ${unnamed}` : ''}`),
    ...(unread === null ? [] : [notice(unread, true)]),
    ...notices.map((message) => notice(message)),
  ]
}

export function tellAll(notices: readonly Notice[], tell: Tell): void {
  for (const { message, loss } of notices) tell(message, loss)
}
