import { expect, test } from 'vitest'
import { smallNet } from '../../src/train/smallNet.js'
import { type Batch, startTrainer } from '../../src/train/trainer.js'

const settings = {
  name: 'small',
  input: { preprocessing: { mean: [0.5, 0.5, 0.5], std: [0.25, 0.25, 0.25], layout: 'nchw' } },
  options: { optimizer: { name: 'adamw' }, initial: 'random' },
  threads: 1,
  seed: 1,
} as const

test('the weights of the small student, as counted in PyTorch', async () => {
  // The squares: sum(p.numel() for p in net(10, side).parameters()) of test/evidence/agreement.py.
  for (const [width, height, count] of [
    [28, 28, 105_226],
    [32, 32, 114_186],
    // Means over 2 x 2 leave as many cells as 32 x 32 has.
    [64, 64, 114_186],
    [16, 32, 103_946],
  ] as const) {
    const trainer = await startTrainer(smallNet(width, height, 10), settings)
    expect(trainer.grid.weights).toBe(count)
    await trainer.release()
  }
})

test('the small student learns where something is', async () => {
  const side = 16
  const batch: Batch = {
    count: 8,
    pixels: Uint8Array.from({ length: 8 * 3 * side * side }, (_, i) => {
      const [picture, x] = [Math.floor(i / (3 * side * side)), Math.floor(i / 3) % side]
      return (picture % 2 === 0) === x < side / 2 ? 160 + ((i * 7) % 60) : 40 + ((i * 11) % 60)
    }),
    target: Float32Array.from({ length: 16 }, (_, i) => Number(i % 2 === (i >> 1) % 2)),
  }
  const trainer = await startTrainer(smallNet(side, side, 2), settings)
  for (let step = 0; step < 10; step++) await trainer.steps([batch], [0.003], step)
  const { loss, hits } = await trainer.evaluate(batch)
  expect(hits).toBe(8)
  expect(loss).toBeLessThan(0.05)
  await trainer.release()
})
