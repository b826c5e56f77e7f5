import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

const require = createRequire(import.meta.url)

/** Version in the package.json nearest to `file`, from its folder upwards. */
function versionAbove(file: string): string {
  let folder = path.dirname(file)
  while (!existsSync(path.join(folder, 'package.json'))) folder = path.dirname(folder)
  return (JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8')) as { version: string }).version
}

/** What made a run, by version. */
export const versions = {
  tool: versionAbove(fileURLToPath(import.meta.url)),
  node: process.versions.node,
  sharp: versionAbove(require.resolve('sharp')),
  onnxruntime: versionAbove(require.resolve('onnxruntime-node')),
}
