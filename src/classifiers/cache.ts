import os from 'node:os'
import path from 'node:path'
import type { ZooModel } from './registry.js'

/** The machine, as far as it decides where caches lie. */
interface Home {
  readonly platform: NodeJS.Platform
  readonly env: Readonly<Record<string, string | undefined>>
  readonly home: string
}

function here(): Home {
  return { platform: process.platform, env: process.env, home: os.homedir() }
}

/** The user's cache folder of this program: XDG_CACHE_HOME if set, else the platform's usual place. */
export function cacheFolder({ platform, env, home }: Home = here()): string {
  const { XDG_CACHE_HOME: xdg, LOCALAPPDATA: local } = env
  // Relative ones must be ignored (XDG Base Directory Specification).
  if (xdg !== undefined && path.isAbsolute(xdg)) return path.join(xdg, 'sage-augment')
  if (platform === 'darwin') return path.join(home, 'Library', 'Caches', 'sage-augment')
  if (platform === 'win32') return path.join(local ?? path.join(home, 'AppData', 'Local'), 'sage-augment', 'Cache')
  return path.join(home, '.cache', 'sage-augment')
}

/** Where a model of the zoo lies once it is pulled. */
export function cachedFile({ path: file }: ZooModel): string {
  return path.join(cacheFolder(), 'models', path.posix.basename(file))
}
