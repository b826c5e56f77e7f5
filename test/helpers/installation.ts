import { cpSync, mkdirSync, readdirSync, symlinkSync } from 'node:fs'
import path from 'node:path'
import { type Finished, ROOT, start } from './cli.js'
import { temporaryFolder } from './folder.js'

export interface Installation {
  readonly runtime: string
  /** Where onnxruntime-node looks for its provider libraries. */
  readonly providers: string
  /** Runs the program to its end. */
  program(args: readonly string[], env?: NodeJS.ProcessEnv): Promise<Finished>
}

/** An installation with an onnxruntime-node of its own, which may be damaged. */
export function installation(): Installation {
  const folder = temporaryFolder()
  for (const name of ['package.json', 'bin', 'dist']) {
    cpSync(path.join(ROOT, name), path.join(folder, name), { recursive: true })
  }
  mkdirSync(path.join(folder, 'node_modules'))
  for (const name of [
    'models',
    ...readdirSync(path.join(ROOT, 'node_modules')).map((name) => `node_modules/${name}`),
  ]) {
    if (name !== 'node_modules/onnxruntime-node') symlinkSync(path.join(ROOT, name), path.join(folder, name))
  }
  const runtime = path.join(folder, 'node_modules/onnxruntime-node')
  const original = path.join(ROOT, 'node_modules/onnxruntime-node')
  const place = path.join('bin/napi-v6', process.platform, process.arch)
  for (const name of ['package.json', 'dist', place]) {
    cpSync(path.join(original, name), path.join(runtime, name), { recursive: true, dereference: true })
  }
  return {
    runtime,
    providers: path.join(runtime, place),
    program: (args, env) => start(args, env, folder).ended,
  }
}
