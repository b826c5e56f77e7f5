import { execFileSync } from 'node:child_process'
import { symlinkSync } from 'node:fs'
import path from 'node:path'
import { ROOT } from './cli.js'

export interface Packed {
  /** The package as npm would unpack it, with this checkout's dependencies. */
  readonly folder: string
  readonly files: readonly string[]
  /** Of the tarball. */
  readonly bytes: number
}

/** Packs the built package and unpacks it in `folder`. */
export function packed(folder: string): Packed {
  const args = ['pack', '--json', '--ignore-scripts', '--pack-destination', folder]
  const [{ filename, size, files }] = JSON.parse(
    execFileSync('npm', args, { cwd: ROOT, encoding: 'utf8', stdio: 'pipe' }),
  )
  execFileSync('tar', ['xzf', path.join(folder, filename), '-C', folder])
  symlinkSync(path.join(ROOT, 'node_modules'), path.join(folder, 'package/node_modules'))
  return { folder: path.join(folder, 'package'), files: files.map((file: { path: string }) => file.path), bytes: size }
}
