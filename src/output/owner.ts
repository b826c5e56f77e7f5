/** Who holds a lock, and whether it still runs. */
import { readFileSync, readlinkSync } from 'node:fs'
import os from 'node:os'
import { z } from 'zod'

const ownerSchema = z.object({
  pid: z.int(),
  host: z.string(),
  /** Where the process id means this process: boot and namespace, or the machine; null where the system tells neither. */
  space: z.string().nullable().optional(),
  /** Start of the process in clock ticks since boot, where /proc tells it: process ids are reused. */
  started: z.string().nullable(),
})
export type Owner = z.infer<typeof ownerSchema>

/** What stands in a lock; the number of beats changes while its owner lives. */
export function ownerText(owner: Owner, beats: number): string {
  return `${JSON.stringify(owner)}\n${beats}\n`
}

/** Null for what is no owner. */
export function parseOwner(text: string): Owner | null {
  try {
    return ownerSchema.parse(JSON.parse(text.split('\n')[0]!))
  } catch {
    return null
  }
}

/**
 * Whether an owner lives: `unseen` where its process id means nothing here, `listed` where some process has this id, which may
 * be a later one.
 */
export function stateOf(owner: Owner, self: Owner): 'alive' | 'dead' | 'listed' | 'unseen' {
  // The locks of version 0.1 told the host alone.
  const near = owner.space === undefined || (owner.space !== null && owner.space === self.space)
  if (owner.host !== self.host || !near) return 'unseen'
  if (owner.started !== null && self.started !== null && startTime(owner.pid) !== owner.started) return 'dead'
  try {
    process.kill(owner.pid, 0)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') return 'dead'
  }
  return owner.started === null || self.started === null ? 'listed' : 'alive'
}

export function nameOf(owner: Owner | null): string {
  return owner === null ? 'another process' : `process ${owner.pid} on ${owner.host}`
}

/** This process, as the owner of a lock. */
export function describeSelf(): Owner {
  const { pid } = process
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
    const space = `${boot} ${readlinkSync('/proc/self/ns/pid')}`
    // In a namespace without a /proc of its own the ids in /proc are others than those that the process sees.
    const started = readlinkSync('/proc/self') === String(pid) ? startTime(pid) : null
    return { pid, host: os.hostname(), space, started }
  } catch {
    // The addresses of the network cards tell apart machines of one name.
    const cards = Object.values(os.networkInterfaces()).flatMap((card) => card ?? [])
    const addresses = new Set(cards.filter(({ internal }) => !internal).map(({ mac }) => mac))
    const space = addresses.size === 0 ? null : [...addresses].sort().join(' ')
    return { pid, host: os.hostname(), space, started: null }
  }
}

/** Field 22 of /proc/<pid>/stat, counted after the command name, which may hold spaces. */
function startTime(pid: number): string | null {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? null
  } catch {
    return null
  }
}
