import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { takeLock } from '../../src/output/lock.js'
import { temporaryFolder } from '../helpers/folder.js'

const ELSEWHERE = { pid: 7, host: 'elsewhere.example', space: 'another boot', started: '1' }

/** A lock as another process would have taken it. */
function plant(owner: object): { place: string; file: string } {
  const place = path.join(temporaryFolder(), 'lock')
  const file = path.join(place, 'its-own-name')
  mkdirSync(place)
  writeFileSync(file, `${JSON.stringify(owner)}\n0\n`)
  return { place, file }
}

/** The lock of this process, as it stands in its file. */
async function own(): Promise<Record<string, unknown>> {
  const place = path.join(temporaryFolder(), 'lock')
  const lock = await takeLock(place, () => {})
  const text = readFileSync(path.join(place, readdirSync(place)[0]!), 'utf8')
  await lock.release()
  return JSON.parse(text.split('\n')[0]!)
}

test('a lock leaves nothing behind', async () => {
  const folder = temporaryFolder()
  const lock = await takeLock(path.join(folder, 'lock'), () => {})
  expect(readdirSync(folder)).toEqual(['lock'])
  await lock.check()
  await lock.release()
  expect(readdirSync(folder)).toEqual([])
})

test('an owner on another machine that gives signs of life is not disturbed', async () => {
  const { place, file } = plant(ELSEWHERE)
  const handle = openSync(file, 'r+')
  let beats = 0
  const beating = setInterval(() => writeSync(handle, `${JSON.stringify(ELSEWHERE)}\n${++beats}\n`, 0), 5)
  onTestFinished(() => {
    clearInterval(beating)
    closeSync(handle)
  })
  await expect(takeLock(place, () => {})).rejects.toMatchObject({
    code: 'conflict',
    message: `${place}: in use by process 7 on elsewhere.example`,
  })
  expect(existsSync(file)).toBe(true)
})

test('an owner on another machine that is silent for long is taken for dead', async () => {
  const { place, file } = plant(ELSEWHERE)
  const notices: string[] = []
  const lock = await takeLock(place, (text) => notices.push(text), { beat: 1000, silence: 900 })
  expect(notices).toEqual([
    expect.stringContaining(
      'in use by process 7 on elsewhere.example, which cannot be seen from here; waiting up to 1 s for a sign',
    ),
    `${place}: took over the lock of process 7 on elsewhere.example, which no longer runs`,
  ])
  expect(existsSync(file)).toBe(false)
  await lock.release()
})

test('nobody waits for an owner that was silent for long already, by the clock of the file system', async () => {
  const { place, file } = plant(ELSEWHERE)
  const hourAgo = new Date(Date.now() - 3_600_000)
  utimesSync(file, hourAgo, hourAgo)
  const notices: string[] = []
  await (await takeLock(place, (text) => notices.push(text))).release()
  expect(notices).toHaveLength(1)
})

test('a clock that was set back does not make a lock last for ever', async () => {
  const { place, file } = plant(ELSEWHERE)
  const tomorrow = new Date(Date.now() + 86_400_000)
  utimesSync(file, tomorrow, tomorrow)
  await (await takeLock(place, () => {}, { beat: 1000, silence: 100 })).release()
})

test('an owner that slept while another took its lock over finds out before it writes', async () => {
  const place = path.join(temporaryFolder(), 'lock')
  const sleeper = await takeLock(place, () => {})
  rmSync(path.join(place, readdirSync(place)[0]!))
  const other = await takeLock(place, () => {})
  await expect(sleeper.check()).rejects.toMatchObject({
    code: 'conflict',
    message: expect.stringContaining('found the lock of another process, expected our own'),
  })
  await sleeper.release()
  await other.check()
  await other.release()
})

test('the lock of a process that is gone is taken over at once and said so', async () => {
  const self = await own()
  // Larger than any process id that Linux gives.
  const dead: Record<string, unknown>[] = [{ ...self, pid: 2 ** 22 + 1 }]
  if (self.started !== null) dead.push({ ...self, started: 'another time' })
  for (const owner of dead) {
    const { place } = plant(owner)
    const notices: string[] = []
    await (await takeLock(place, (text) => notices.push(text))).release()
    expect(notices).toEqual([
      `${place}: took over the lock of process ${owner.pid} on ${os.hostname()}, which no longer runs`,
    ])
  }
})

test('what a process that died on the way to its lock has left is swept away, what a living one prepares is not', async () => {
  const self = await own()
  const folder = temporaryFolder()
  const [dead, living, silent, bare] = ['0', '1', '2', '3'].map(
    (digit) => `lock.${digit.repeat(8)}-0000-0000-0000-000000000000`,
  ) as [string, string, string, string]
  const plant = (name: string, text: string) => writeFileSync(path.join(folder, name, name.slice('lock.'.length)), text)
  for (const name of [dead, living, silent, bare]) mkdirSync(path.join(folder, name))
  plant(dead, `${JSON.stringify({ ...self, pid: 2 ** 22 + 1 })}\n0\n`)
  plant(living, `${JSON.stringify(self)}\n0\n`)
  // It was killed before it had written who it is.
  plant(silent, '')
  await (await takeLock(path.join(folder, 'lock'), () => {})).release()
  expect(readdirSync(folder)).toEqual([living])
})

test('a process that waits goes on where what it prepares is swept away', async () => {
  const { place, file } = plant(ELSEWHERE)
  const folder = path.dirname(place)
  let swept = 0
  const sweeping = setInterval(() => {
    for (const name of readdirSync(folder).filter((name) => name.startsWith('lock.'))) {
      rmSync(path.join(folder, name), { recursive: true, force: true })
      swept++
    }
    if (swept === 3) clearInterval(sweeping)
    if (swept === 3) rmSync(file)
  }, 20)
  onTestFinished(() => clearInterval(sweeping))
  await (await takeLock(place, () => {}, { beat: 1000, silence: 20_000 })).release()
  expect(swept).toBe(3)
  expect(readdirSync(folder)).toEqual([])
})
