/** Training against PyTorch: fixtures/training/make.py ran the same network, pictures, masks and schedule there. */
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import type { Tensor } from '../../src/saliency/session.js'
import { findBlocks } from '../../src/train/blockSize.js'
import { stepRunner } from '../../src/train/stepRunner.js'
import { type TrainingModel, type TrainingOptions, trainingModel } from '../../src/train/trainingModel.js'
import { float32, runModel } from '../helpers/onnx.js'

const folder = fileURLToPath(new URL('../../fixtures/training/', import.meta.url))
const network = new Uint8Array(readFileSync(`${folder}small.onnx`))
const torch: Record<string, { losses: number[]; after: number[] }> = JSON.parse(
  readFileSync(`${folder}losses.json`, 'utf8'),
)
const [BATCH, SIZE, CLASSES, STEPS] = [6, 8, 5, 50]

const wave = (count: number, frequency: number, shift: number) =>
  Array.from({ length: count }, (_, i) => Math.sin(frequency * i + shift))

function softmax(values: readonly number[]): number[] {
  const exp = values.map(Math.exp)
  const sum = exp.reduce((a, b) => a + b)
  return exp.map((value) => value / sum)
}

function batch(step: number): { pictures: Tensor; target: Tensor; mask: Tensor } {
  const logits = wave(BATCH * CLASSES, 1.3, 0.1 * step).map((value) => 2 * value)
  const rows = Array.from({ length: BATCH }, (_, i) => softmax(logits.slice(i * CLASSES, (i + 1) * CLASSES)))
  const mask = Array.from({ length: BATCH * 8 }, (_, i) => ((0.37 * i + 0.11 * step) % 1 < 0.25 ? 0 : 1 / 0.75))
  return {
    pictures: float32([BATCH, 3, SIZE, SIZE], wave(BATCH * 3 * SIZE * SIZE, 0.37, step)),
    target: float32([BATCH, CLASSES], rows.flat()),
    mask: float32([BATCH, 8], mask),
  }
}

const rateOf = (step: number) =>
  step < 5 ? (0.1 * (step + 1)) / 5 : 0.05 * (1 + Math.cos((Math.PI * (step - 5)) / (STEPS - 5)))

/** Steps of a run. */
const TOGETHER = 5

/** The losses of all steps, and the values carried out of the last one by the classifier's names. */
async function train(model: TrainingModel, scale: number) {
  const runner = stepRunner(model, 1)
  const losses: number[] = []
  for (let first = 0; first < STEPS; first += TOGETHER) {
    const steps = Array.from({ length: TOGETHER }, (_, i) => first + i)
    const stacked = (tensors: readonly Tensor[]) =>
      float32(
        [TOGETHER, ...tensors[0]!.dims],
        tensors.flatMap(({ data }) => [...(data as Float32Array)]),
      )
    const masks = model.masks.map(({ input }) => [input, stacked(steps.map((step) => batch(step).mask))] as const)
    const ran = await runner.run(BATCH, {
      [model.input]: stacked(steps.map((step) => batch(step % 3).pictures)),
      target: stacked(steps.map((step) => batch(step % 3).target)),
      rate: stacked(steps.map((step) => float32([], [rateOf(step) * scale]))),
      ...Object.fromEntries(masks),
    })
    ran.keep()
    losses.push(...ran.losses)
  }
  const values = runner.values()
  await runner.release()
  const trained = model.carried.filter(({ kind }) => kind !== 'state')
  return { losses, trained: new Map(trained.map((c) => [c.name, values.get(c.input)!])) }
}

const CASES: [string, TrainingOptions, number][] = [
  ['sgd', { labelSmoothing: 0.1, weightDecay: 5e-3 }, 1],
  ['nesterov', { loss: 'bce', clip: 0.5, optimizer: { name: 'sgd', momentum: 0.8, nesterov: true } }, 1],
  ['adamw', { weightDecay: 0.05, optimizer: { name: 'adamw' } }, 0.1],
  ['muon', { optimizer: { name: 'muon', momentum: 0.6, iterations: 3, normalized: true } }, 0.1],
]

const { block } = await findBlocks()
const FORMS = CASES.flatMap(([name, options, scale]) => [
  [name, 'standard', options, scale] as const,
  ...(block === null ? [] : [[name, 'blocked', options, scale] as const]),
])

test.each(FORMS)(
  '50 steps of %s, %s, lose as in PyTorch, and end in the same classifier',
  async (name, form, options, scale) => {
    const model = await trainingModel(network, 'small.onnx', options)
    expect(model.masks).toEqual([{ input: 'mask/0', ratio: 0.25, dims: [null, 8] }])
    const own = form === 'standard' ? { ...model, sequence: () => model.sequence(null) } : model
    const { losses, trained } = await train(own, scale)
    const { losses: expected, after } = torch[name]!
    const errors = losses.map((loss, i) => Math.abs(loss - expected[i]!))
    expect(Math.max(...errors)).toBeLessThan(1e-5)
    expect(Math.min(...expected)).toBeLessThan(0.95 * expected[0]!)
    const { logits } = await runModel(model.classifier(trained), { input: batch(0).pictures })
    const found = Array.from(logits!.data as Float32Array)
    expect(Math.max(...found.map((value, i) => Math.abs(value - after[i]!)))).toBeLessThan(1e-4)
  },
)
