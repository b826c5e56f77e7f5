import { type ChildProcess, fork, spawn, spawnSync } from 'node:child_process'
import { cpSync, readdirSync } from 'node:fs'
import path from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { ROOT } from '../helpers/cli.js'
import { temporaryFolder } from '../helpers/folder.js'

const CONTENDER = path.join(ROOT, 'test/helpers/contender.js')
const ROUNDS = 15

interface Answer {
  readonly taken: boolean
  readonly code?: string
  readonly message?: string
}

const children: ChildProcess[] = []
afterAll(() => {
  for (const child of children) child.kill('SIGKILL')
})

function contender(): ChildProcess {
  const child = fork(CONTENDER)
  children.push(child)
  return child
}

function ask(child: ChildProcess, message: object): Promise<Answer> {
  return new Promise((resolve, reject) => {
    child.once('message', (answer) => resolve(answer as Answer))
    child.once('exit', () => reject(new Error('the contender ended')))
    child.send(message)
  })
}

function killed(child: ChildProcess): Promise<unknown> {
  const gone = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGKILL')
  return gone
}

/** Five processes that try for the same lock in the same millisecond, again and again; every lock is made by `make`. */
async function compete(make: (place: string) => void): Promise<void> {
  const folder = temporaryFolder()
  const five = Array.from({ length: 5 }, contender)
  for (let round = 0; round < ROUNDS; round++) {
    const place = path.join(folder, `${round}`)
    make(place)
    const at = Date.now() + 20
    const answers = await Promise.all(five.map((child) => ask(child, { place, at })))
    expect(answers.filter(({ taken }) => taken)).toHaveLength(1)
    expect(answers.filter(({ code }) => code === 'conflict')).toHaveLength(4)
    await Promise.all(five.map((child) => ask(child, { release: true })))
  }
  expect(readdirSync(folder)).toEqual([])
}

test('of five processes that start at once exactly one has a fresh lock', () => compete(() => {}))

test('of five processes that find a stale lock at once exactly one takes it over', async () => {
  const stale = path.join(temporaryFolder(), 'stale')
  const child = contender()
  expect(await ask(child, { place: stale })).toEqual({ taken: true })
  await killed(child)
  await compete((place) => cpSync(stale, place, { recursive: true }))
})

const namespaces = spawnSync('unshare', ['-pf', 'true']).status === 0

test.skipIf(!namespaces)('a process in another namespace of process ids is seen to live, and to be dead', async () => {
  const place = path.join(temporaryFolder(), 'lock')
  const child = spawn('unshare', ['-pf', '--kill-child', process.execPath, CONTENDER], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  children.push(child)
  expect(await ask(child, { place, pace: { beat: 20, silence: 60_000 } })).toEqual({ taken: true })
  const other = contender()
  expect(await ask(other, { place })).toMatchObject({
    code: 'conflict',
    message: expect.stringMatching(/in use by process \d+ on/),
  })
  await killed(child)
  expect(await ask(other, { place, pace: { beat: 1000, silence: 300 } })).toEqual({ taken: true })
})
