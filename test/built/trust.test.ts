import { existsSync, rmSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { randomStream } from '../../src/core/random.js'
import { FASHION, run, spawned, start } from '../helpers/cli.js'
import { temporaryFolder, tree } from '../helpers/folder.js'

const COMMAND = [FASHION, '--count', '300', '--quiet', '--out']

// Ten with maps; the others start in a third of the time.
const KILLS = [
  { method: 'sage', kills: 10 },
  { method: 'mixup', kills: 40 },
]

test.for(KILLS)(
  '$method: $kills kills at random moments lose nothing: every completed tree is that of an uninterrupted run',
  { timeout: 900_000 },
  async ({ method, kills }) => {
    const command = [FASHION, '--method', method, '--count', '300', '--quiet', '--out']
    const folder = temporaryFolder()
    const [whole, killed] = [path.join(folder, 'whole'), path.join(folder, 'killed')]
    const started = performance.now()
    expect(await spawned([...command, whole])).toMatchObject({ code: 0 })
    let duration = performance.now() - started
    const random = randomStream(50, 0)
    for (let kill = 0; kill < kills; ) {
      const began = performance.now()
      const { child, ended } = start([...command, killed])
      const timer = setTimeout(() => child.kill('SIGKILL'), random.uniform() * duration)
      const { code, stderr } = await ended
      clearTimeout(timer)
      if (code === null) kill++
      else {
        expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
        expect(tree(killed)).toEqual(tree(whole))
        rmSync(killed, { recursive: true })
        // On a machine that has grown faster, later moments would hit nothing.
        duration = Math.min(duration, performance.now() - began)
      }
    }
    expect(await run([...command, killed])).toMatchObject({ code: 0 })
    expect(tree(killed)).toEqual(tree(whole))
  },
)

test('threads, batches, shards and an interruption all lead to one tree', async () => {
  const folder = temporaryFolder()
  const args = (out: string) => [FASHION, '--count', '40', '--quiet', '--out', path.join(folder, out)]
  expect(await run(args('whole'))).toMatchObject({ code: 0 })
  const whole = tree(path.join(folder, 'whole'))
  const speeds = [1, 2, 4].flatMap((jobs) => [1, 7, 64].map((batch) => ({ jobs, batch })))
  // Three whole runs, and two of three shards.
  for (const group of [[0], [4], [8], [1, 5, 6], [2, 3, 7]]) {
    const folders: string[] = []
    for (const [k, i] of group.entries()) {
      const { jobs, batch } = speeds[i]!
      const part = path.join(folder, `${i}`)
      const shard = ['--shard', `${k + 1}/${group.length}`]
      const command = [...args(`${i}`), '--jobs', `${jobs}`, '--batch', `${batch}`, ...shard]
      if (i % 3 === 0) await interrupted(command, part)
      expect(await run(command)).toMatchObject({ code: 0, stderr: '' })
      folders.push(part)
    }
    const merged = path.join(folder, `merged-${group}`)
    expect(await run(['merge', ...folders, '--out', merged])).toMatchObject({ code: 0 })
    expect(tree(merged), `speeds ${group}`).toEqual(whole)
  }
}, 900_000)

/** Starts a command and ends it politely once its first picture is there. */
async function interrupted(command: readonly string[], out: string): Promise<void> {
  const { child, ended } = start(command)
  while (!existsSync(path.join(out, 'images')) && child.exitCode === null) await wait(5)
  child.kill('SIGTERM')
  expect([0, 75]).toContain((await ended).code)
}

test('of two writers at once one does the work and the other is told who does', async () => {
  const out = path.join(temporaryFolder(), 'aug')
  const results = await Promise.all([spawned([...COMMAND, out]), spawned([...COMMAND, out])])
  const [winner, loser] = results.sort((a, b) => a.code! - b.code!)
  expect(winner!.code).toBe(0)
  expect(loser).toMatchObject({ code: 6, stderr: expect.stringMatching(/in use by process \d+ on /) })
  expect((await run(['verify', out])).code).toBe(0)
})

test('a second interrupt ends the program at once, and the run is still continued', async () => {
  const folder = temporaryFolder()
  const command = [...COMMAND, path.join(folder, 'aug')]
  const { child, ended } = start(command)
  while (!existsSync(path.join(folder, 'aug/images'))) await wait(5)
  child.kill('SIGINT')
  child.kill('SIGINT')
  // A shell reports both as 130. An abort in native code would be SIGABRT, with a line of its own.
  expect((await ended).stderr).not.toContain('terminate')
  expect([130, 'SIGINT']).toContain(child.exitCode ?? child.signalCode)
  expect(await run(command)).toMatchObject({ code: 0 })
  expect((await run(['verify', path.join(folder, 'aug')])).code).toBe(0)
})
