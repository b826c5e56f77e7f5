import { expect, test } from 'vitest'
import { randomStream } from '../../src/core/random.js'
import { METHOD_NAMES } from '../../src/mix/names.js'
import { armOf, armsOf, CLEAN, optionsOf } from '../../src/trial/arms.js'
import { candidates } from '../../src/trial/candidates.js'
import { holdOut } from '../../src/trial/holdOuts.js'
import { cannotWin, rounds, searchTable, timetable } from '../../src/trial/schedule.js'

test('hold-outs keep the shares of the classes, and hold every picture out once in a deal', () => {
  const classes = Int32Array.from({ length: 103 }, (_, i) => (i < 60 ? 0 : i < 90 ? 1 : 2))
  const held = new Int32Array(103)
  for (let repetition = 0; repetition < 5; repetition++) {
    const { lessons, exam } = holdOut(classes, 0.2, 7, repetition)
    expect([...lessons, ...exam].sort((a, b) => a - b)).toEqual([...classes.keys()])
    expect([20, 21]).toContain(exam.length)
    for (const [k, all] of [60, 30, 13].entries()) {
      const own = exam.filter((i) => classes[i] === k).length
      expect(Math.abs(own - all / 5)).toBeLessThan(1)
    }
    for (const i of exam) held[i]!++
  }
  expect(held.every((times) => times === 1)).toBe(true)
  expect(holdOut(classes, 0.2, 7, 5).exam).not.toEqual(holdOut(classes, 0.2, 7, 0).exam)
  expect(holdOut(classes, 0.2, 7, 0)).toEqual(holdOut(classes, 0.2, 7, 0))
})

test('clean and the controls are always among the arms, and come first', () => {
  expect(armsOf(['cutmix']).map(({ name }) => name)).toEqual(['clean', 'mixup', 'sage, untrained net', 'cutmix'])
  const all = armsOf(METHOD_NAMES, [{ method: 'sage', parameters: { upperLambda: 0.9 } }])
  expect(all).toHaveLength(1 + METHOD_NAMES.length + 2)
  expect(all.at(-1)!.name).toBe('sage, upper-lambda 0.9')
  expect(all.filter(({ isControl }) => isControl).map(({ name }) => name)).toEqual([
    'clean',
    'mixup',
    'sage, untrained net',
  ])
  // Saliency-free methods need no maps.
  expect(all.filter(({ maps }) => maps === null).map(({ name }) => name)).toEqual([
    'clean',
    'mixup',
    'cutmix',
    'smoothmix',
  ])
})

test('an arm is made again by options of augment, where it can be', () => {
  const arm = armOf({
    method: 'sage',
    parameters: { upperLambda: 0.9 },
    share: 0.75,
    saliency: 'layercam',
    grid: '8x8',
  })
  expect(optionsOf(arm, 40)!.join(' ')).toBe(
    '--method sage --upper-lambda 0.9 --saliency layercam --grid 8x8 --epochs 3 --include-originals',
  )
  expect(optionsOf(armOf({ method: 'mixup', share: 1 }), 40)!.join(' ')).toBe('--method mixup --epochs 40')
  expect(optionsOf(armOf({ method: 'sage', model: 'adapted' }), 1)).toContain('--adapt')
  expect(optionsOf(armOf({ method: 'sage', model: 'untrained' }), 1)).toBeNull()
  expect(optionsOf(CLEAN, 1)).toBeNull()
})

test('a plan fits the time: two repetitions, then fewer arms', () => {
  const costs = Array.from({ length: 9 }, () => ({ once: 1, step: 0.1 }))
  const range = { least: 100, most: 400 }
  const time = (seconds: number) => timetable(costs, seconds, 2, range)
  // A run of 400 steps takes 41 s, nine of them on two threads 184.5 s.
  expect(time(184.5 * 7)).toEqual({ steps: 400, repetitions: 7, arms: 9 })
  const two = time(300)
  expect(two.repetitions).toBe(2)
  expect((2 * 9 * (1 + 0.1 * two.steps)) / 2).toBeLessThanOrEqual(300)
  expect((2 * 9 * (1 + 0.1 * (two.steps + 1))) / 2).toBeGreaterThan(300)
  // 100 steps take 11 s, so that two repetitions of all arms take 99 s.
  expect(time(100)).toMatchObject({ repetitions: 2, arms: 9 })
  expect(time(60)).toMatchObject({ steps: 110, repetitions: 2, arms: 5 })
  expect(time(1)).toEqual({ steps: 100, repetitions: 1, arms: 3 })
})

test('an arm is given up once it is three standard errors behind, and not for small numbers', () => {
  const right = (share: number, n: number) => Uint8Array.from({ length: n }, (_, i) => Number(i % 100 < 100 * share))
  const pairs = (n: number, r: number) =>
    Array.from({ length: r }, () => ({ ours: right(0.4, n), theirs: right(0.5, n) }))
  const design = { kind: 'holdOuts', share: 0.2 } as const
  // A tenth of 200 pictures apart: sqrt(1.25 x .09 / 200) = .024, three of which are .071; behind by .1.
  expect(cannotWin(pairs(200, 1), design)).toBe(true)
  expect(
    cannotWin(
      pairs(50, 1).map((pair) => ({ ...pair, ours: right(0.45, 50) })),
      design,
    ),
  ).toBe(false)
  expect(
    cannotWin(
      pairs(100, 1).map(({ ours, theirs }) => ({ ours: theirs, theirs: ours })),
      design,
    ),
  ).toBe(false)
})

test('successive halving ends with one or two', () => {
  expect(rounds(18)).toEqual([
    { candidates: 18, repetitions: 1 },
    { candidates: 6, repetitions: 2 },
    { candidates: 2, repetitions: 4 },
  ])
})

test('a search fits its time: the most steps, else fewer candidates', () => {
  const range = { least: 100, most: 400 }
  const table = (seconds: number) => searchTable({ once: 1, step: 0.1 }, seconds, 2, range, 18)
  // 18 + 6 + 2 x 2 runs, clean in four repetitions, and 25 that confirm: 57 runs.
  expect(table((57 * (1 + 0.1 * 250)) / 2)).toEqual({ steps: 250, candidates: 18 })
  expect(table(1e6)).toEqual({ steps: 400, candidates: 18 })
  const few = table(200)
  expect(few.candidates).toBeLessThan(18)
  expect(few.steps).toBeGreaterThanOrEqual(100)
  expect(table(1)).toEqual({ steps: 100, candidates: 3 })
})

test('candidates differ, have the defaults among them, and come from the seed', () => {
  const found = candidates(60, randomStream(1, 2))
  expect(found).toEqual(candidates(60, randomStream(1, 2)))
  expect(found.slice(0, 2)).toEqual([{ method: 'sage' }, { method: 'mixup' }])
  expect(new Set(found.map((input) => armOf(input).name)).size).toBe(60)
  const kinds = new Set(found.map(({ saliency, model, grid }) => JSON.stringify([saliency, model, grid])))
  expect(kinds.size).toBe(7)
})
