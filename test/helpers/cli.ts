import { type ChildProcess, spawn } from 'node:child_process'
import path from 'node:path'
import { Writable } from 'node:stream'
import { pathToFileURL } from 'node:url'

export const ROOT = path.resolve(import.meta.dirname, '../..')
export const FASHION = path.join(ROOT, 'fixtures/fashion-mnist')

export interface Finished {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

/** Starts the built program (of the installation in `folder`) as a process; `ended` resolves when it is gone. */
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

/** Runs the built program as a process, to its end: for what a process decides, such as its environment and its limits. */
export function spawned(args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Finished> {
  return start(args, env).ended
}

let turn: Promise<unknown> = Promise.resolve()

/**
 * Runs the built program (of the installation in `folder`) in this process, to its end: half the time of a process of its own.
 * One runs at a time; `env` is for variables that the program itself reads.
 */
export function run(args: readonly string[], env: NodeJS.ProcessEnv = {}, folder = ROOT): Promise<Finished> {
  const ended = turn.then(() => runHere(args, env, folder))
  turn = ended.catch(() => undefined)
  return ended
}

async function runHere(args: readonly string[], env: NodeJS.ProcessEnv, folder: string): Promise<Finished> {
  const { main } = (await import(
    pathToFileURL(path.join(folder, 'dist/cli/main.js')).href
  )) as typeof import('../../src/cli/main.js')
  const written = { stdout: '', stderr: '' }
  const restore = (['stdout', 'stderr'] as const).map((name) => {
    const own = Object.getOwnPropertyDescriptor(process, name)!
    const write = (chunk: Buffer, _: string, done: () => void) => {
      written[name] += chunk
      done()
    }
    Object.defineProperty(process, name, { configurable: true, value: new Writable({ write }) })
    return () => Object.defineProperty(process, name, own)
  })
  const before = { exitCode: process.exitCode, env: process.env }
  process.exitCode = undefined
  process.env = { ...process.env, ...env }
  try {
    await main([process.execPath, 'sage-augment', ...args])
    return { code: Number(process.exitCode ?? 0), ...written }
  } finally {
    for (const put of restore) put()
    Object.assign(process, before)
  }
}
