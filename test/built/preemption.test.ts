import { cpSync, existsSync, readdirSync, readFileSync, truncateSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { writeModel } from '../../src/onnx/model.js'
import { makeNode } from '../../src/onnx/node.js'
import { FASHION, ROOT, run, start } from '../helpers/cli.js'
import { temporaryFolder } from '../helpers/folder.js'
import { modelOf } from '../helpers/onnx.js'

const rows = (file: string) => readFileSync(file, 'utf8').trim().split('\n')

const posix = test.skipIf(process.platform === 'win32')

posix.for(['SIGTERM', 'SIGUSR1', 'SIGUSR2', 'SIGXCPU'] as const)(
  '%s, even twice, ends a run with 75 and keeps what is finished',
  async (signal) => {
    const folder = temporaryFolder()
    const out = path.join(folder, 'a')
    const { child, ended } = start([FASHION, '--method', 'mixup', '--count', '3000', '--out', out])
    while (!existsSync(path.join(folder, 'a/images/00000/000000020.jpg'))) await wait(5)
    child.kill(signal)
    child.kill(signal)
    expect(await ended).toMatchObject({ code: 75, stderr: expect.stringContaining('repeat the command to continue') })
    const kept = rows(path.join(folder, 'a/provenance.jsonl')).length
    expect(kept).toBeGreaterThan(20)
    expect(kept).toBeLessThan(3000)
    expect(readdirSync(path.join(folder, 'a/.sage'))).toEqual(['inputs.tsv'])
  },
)

/** A classifier of 128 x 128 pictures that takes about half a tera-operation for each. */
function slow(): Uint8Array {
  const side = { pads: [1, 1, 1, 1], kernel_shape: [3, 3] }
  const layers = Array.from({ length: 400 }, (_, i) => makeNode('Conv', [`v${i}`, 'w'], [`v${i + 1}`], side))
  const weights = {
    first: { dims: [64, 3, 3, 3], values: Array(64 * 27).fill(0.1) },
    w: { dims: [64, 64, 3, 3], values: Array(64 * 64 * 9).fill(1 / 576) },
  }
  const nodes = [
    makeNode('Conv', ['x', 'first'], ['v0'], side),
    ...layers,
    makeNode('GlobalAveragePool', ['v400'], ['y']),
  ]
  return writeModel(modelOf({ nodes, inputs: { x: ['N', 3, 128, 128] }, outputs: ['y'], weights }))
}

posix(
  'a run whose model computes for minutes ends soon after SIGTERM',
  async () => {
    const folder = temporaryFolder({ 'slow.onnx': slow() })
    const photos = path.join(ROOT, 'fixtures/photos')
    const { child, ended } = start([
      photos,
      '--model',
      path.join(folder, 'slow.onnx'),
      '--out',
      path.join(folder, 'aug'),
    ])
    let said = ''
    child.stderr!.on('data', (text) => {
      said += text
    })
    // The inputs are read, so that the model is what the run is at.
    while (!said.includes('pictures')) await wait(5)
    const began = performance.now()
    child.kill('SIGTERM')
    await ended
    expect([null, 75]).toContain(child.exitCode)
    // Four seconds of grace, and what a busy machine adds.
    expect(performance.now() - began).toBeLessThan(8000)
  },
  60_000,
)

test('--allow-skipped makes a success of skipped pictures', async () => {
  const folder = temporaryFolder()
  const photos = path.join(folder, 'photos')
  cpSync(path.join(ROOT, 'fixtures/photos'), photos, { recursive: true })
  truncateSync(path.join(photos, 'rocket.jpg'), 100)
  const command = [photos, '--method', 'mixup', '--size', '32x32', '--out', path.join(folder, 'aug')]
  expect(await run(command)).toMatchObject({ code: 3 })
  expect(await run([...command, '--allow-skipped'])).toMatchObject({ code: 0 })
  expect(rows(path.join(folder, 'aug/failures.jsonl')).length).toBeGreaterThan(0)
})
