import { setTimeout as wait } from 'node:timers/promises'
import { afterEach, expect, test } from 'vitest'
import { putObject } from '../../src/objects/writing.js'
import { takeObjectLock } from '../../src/output/objectLock.js'
import { ownerText } from '../../src/output/owner.js'
import { objectStore } from '../helpers/objectStore.js'

const PLACE = 's3://bucket/aug/.sage/lock'
const PACE = { beat: 50, silence: 1000, look: 50 }
const FAR = { pid: 1, host: 'elsewhere', space: 'another boot', started: '5' }

const before = { ...process.env }
afterEach(() => {
  process.env = { ...before }
})

test('an owner on another machine keeps its lock while it gives signs of life, and loses it when it is silent', async () => {
  const store = await objectStore()
  Object.assign(process.env, store.env)
  const said: string[] = []
  const take = () => takeObjectLock(PLACE, (text) => said.push(text), PACE)

  await putObject(PLACE, ownerText(FAR, 0))
  const taking = take().catch((error: unknown) => error)
  await wait(200)
  await putObject(PLACE, ownerText(FAR, 1))
  expect(await taking).toMatchObject({ code: 'conflict', message: `${PLACE}: in use by process 1 on elsewhere` })

  const lock = await take()
  expect(said.at(-1)).toBe(`${PLACE}: took over the lock of process 1 on elsewhere, which no longer runs`)
  await lock.check()
  // The owner that was only asleep finds out.
  await putObject(PLACE, ownerText(FAR, 2))
  await expect(lock.check()).rejects.toMatchObject({ code: 'conflict' })
  await lock.release()
  expect(Object.keys(await store.tree('aug'))).toEqual(['.sage/lock'])
}, 60_000)

test('a lock that is held shows signs of life, and is gone when it is given up', async () => {
  const store = await objectStore()
  Object.assign(process.env, store.env)
  const lock = await takeObjectLock(PLACE, () => {}, PACE)
  const text = async () => (await store.tree('aug'))['.sage/lock']
  const first = await text()
  await expect.poll(text, { timeout: 20_000 }).not.toBe(first)
  await lock.check()
  await lock.release()
  expect(await store.tree('aug')).toEqual({})
}, 60_000)
