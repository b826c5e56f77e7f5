import { type ChildProcess, spawn } from 'node:child_process'
import path from 'node:path'

export const ROOT = path.resolve(import.meta.dirname, '../..')
export const FASHION = path.join(ROOT, 'fixtures/fashion-mnist')

export interface Finished {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Starts the built program (of the installation in `folder`); `ended` resolves when it is gone. */
export function start(
  args: readonly string[],
  env: NodeJS.ProcessEnv = {},
  folder = ROOT,
): { child: ChildProcess; ended: Promise<Finished> } {
  const child = spawn(process.execPath, [path.join(folder, 'bin/sage-augment.js'), ...args], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let [stdout, stderr] = ['', '']
  child.stdout.on('data', (chunk) => {
    stdout += chunk
  })
  child.stderr.on('data', (chunk) => {
    stderr += chunk
  })
  const ended = new Promise<Finished>((resolve) => {
    child.on('close', (code, signal) => resolve({ code: signal === null ? code : null, stdout, stderr }))
  })
  return { child, ended }
}

/** Runs the built program to its end. */
export function run(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Finished> {
  return start(args, env).ended
}
