/** Errors of the operating system as people read them. */

/** What was found, and what can be done about it, by error code. */
const KNOWN: Readonly<Record<string, readonly [found: string, hint?: string]>> = {
  ENOENT: ['no such file or folder', 'check the spelling; a relative path starts at the current folder'],
  ENOTDIR: ['found a file where a folder belongs'],
  EISDIR: ['found a folder'],
  EACCES: ['permission denied', 'check the permissions of that path'],
  EPERM: ['operation not permitted', 'check the permissions of that path'],
  ELOOP: ['found symbolic links in a circle'],
  ENAMETOOLONG: ['found a name that is too long for the file system'],
  EROFS: ['found a read-only file system', 'choose a writable folder with --out'],
  ENOSPC: ['no space left on the disk', 'free some space and repeat the command: it continues where it stopped'],
  EDQUOT: ['disk quota used up', 'free some space and repeat the command: it continues where it stopped'],
  EMFILE: [
    'too many open files',
    'raise the limit of open files (ulimit -n) or use fewer --jobs, then repeat the command',
  ],
  // The loader of modules says so of a file it could not open.
  ERR_MODULE_NOT_FOUND: [
    'too many open files, or a part of the program is missing',
    'raise the limit of open files (ulimit -n), or install the program again',
  ],
  EIO: ['the disk reports an error', 'repeat the command to continue, or choose another --out'],
}

function codeOf(cause: unknown): string | undefined {
  const { code } = (cause ?? {}) as { code?: unknown }
  return typeof code === 'string' && Object.hasOwn(KNOWN, code) ? code : undefined
}

/** "found a folder": an error of the operating system in words; of any other the first line of its message. */
export function reasonOf(cause: unknown): string {
  const code = codeOf(cause)
  if (code !== undefined) return KNOWN[code]![0]
  return (cause instanceof Error ? cause.message : String(cause)).split('\n')[0]!
}

/** What can be done about an error of the operating system, as an option of AugmentError; nothing for others. */
export function hintFor(cause: unknown): { hint?: string } {
  const hint = KNOWN[codeOf(cause) ?? '']?.[1]
  return hint === undefined ? {} : { hint }
}
