import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { Worker } from 'node:worker_threads'
import { expect, test } from 'vitest'
import { randomStream } from '../../src/core/random.js'
import type { Shift } from '../../src/rearrange/shift.js'
import { REGULAR, weighted } from '../rearrange/saliencyMaps.js'

type Pair = readonly [a: Float32Array, b: Float32Array, width: number, height: number]

const MODULE = pathToFileURL(path.resolve('dist/rearrange/bestShift.js')).href

/** Answers each pair with its best shift. */
const SCRIPT = `
  const { parentPort, workerData } = require('node:worker_threads')
  import(workerData).then(({ bestShift }) => {
    parentPort.on('message', (pair) => parentPort.postMessage(bestShift(...pair)))
    parentPort.postMessage('ready')
  })
`

test('two threads side by side find the same best shifts', async () => {
  const random = randomStream(8, 0)
  const pairs = Array.from({ length: 60 }, (_, i): Pair => {
    const [width, height] = [random.integer(8, 64), random.integer(8, 64)]
    const make = Object.values(REGULAR)[i % Object.keys(REGULAR).length]!
    return [weighted(make(width, height, random), 0.4), weighted(make(width, height, random), 0.6), width, height]
  })
  const { bestShift }: { bestShift: (...pair: Pair) => Shift } = await import(MODULE)
  const worker = new Worker(SCRIPT, { eval: true, workerData: MODULE })
  const answers: Shift[] = []
  const ready = new Promise((resolve) => worker.once('message', resolve))
  const failed = new Promise<never>((_, reject) => worker.once('error', reject))
  await Promise.race([ready, failed])
  const finished = new Promise<void>((resolve) => {
    worker.on('message', (shift: Shift) => {
      if (answers.push(shift) === pairs.length) resolve()
    })
  })
  for (const pair of pairs) worker.postMessage(pair)
  const shifts = pairs.map((pair) => bestShift(...pair))
  await Promise.race([finished, failed])
  await worker.terminate()
  expect(answers).toEqual(shifts)
})
