import { expect, test } from 'vitest'
import { randomStream } from '../../../src/core/random.js'
import { uniformGrid } from '../../../src/mix/solvers/grid.js'
import {
  type JointProblem,
  jointObjective,
  minimiseJointly,
  type Output,
  sharesOf,
} from '../../../src/mix/solvers/jointLabels.js'
import { tuples } from './enumerate.js'

const random = randomStream(11, 0)

function randomProblem(inputs: number, columns: number, rows: number): JointProblem {
  const similarity = new Float64Array(inputs * inputs)
  for (let i = 0; i < inputs; i++) {
    similarity[i * inputs + i] = 0.9
    for (let l = 0; l < i; l++) similarity[i * inputs + l] = similarity[l * inputs + i] = 0.1 * random.uniform()
  }
  const costs = Float64Array.from({ length: columns * rows * inputs }, () => -random.uniform() / (columns * rows))
  return {
    inputs,
    grid: uniformGrid(columns, rows, 0.3 * random.uniform()),
    costs,
    similarity,
    gamma: 2 * random.uniform(),
    tau: random.uniform(),
    distinct: false,
  }
}

/** The objective from dense weights z[output][cell][input], term by term as it is written. */
function definition(problem: JointProblem, outputs: readonly Output[]): number {
  const { inputs, grid, costs, similarity, gamma, tau } = problem
  const cells = grid.columns * grid.rows
  const z = outputs.map((output) =>
    Array.from(output, (label) => {
      const weights = new Array<number>(inputs).fill(0)
      weights[Math.floor(label / inputs)]! += 0.5
      weights[label % inputs]! += 0.5
      return weights
    }),
  )
  const o = z.map((all) => Array.from({ length: inputs }, (_, i) => all.reduce((sum, w) => sum + w[i]!, 0) / cells))
  let value = 0
  z.forEach((all, j) => {
    all.forEach((w, p) => {
      for (let i = 0; i < inputs; i++) value += costs[p * inputs + i]! * w[i]!
      for (let q = p + 1; q < cells; q++) {
        const apart =
          Math.abs((p % grid.columns) - (q % grid.columns)) +
          Math.floor(q / grid.columns) -
          Math.floor(p / grid.columns)
        if (apart === 1) value += (grid.right[p]! * w.reduce((sum, wi, i) => sum + (wi - all[q]![i]!) ** 2, 0)) / 2
      }
    })
    for (let i = 0; i < inputs; i++) {
      let others = 0
      for (let k = 0; k < outputs.length; k++) {
        if (k !== j) for (let l = 0; l < inputs; l++) others += similarity[i * inputs + l]! * o[k]![l]!
      }
      value += gamma * o[j]![i]! * Math.max(tau, others)
    }
  })
  return value
}

/** Any labels, in the form the solver takes: the lower input first. */
function randomOutputs(inputs: number, outputs: number, cells: number): Output[] {
  return Array.from({ length: outputs }, () =>
    Uint16Array.from({ length: cells }, () => {
      const [a, b] = [random.integer(0, inputs - 1), random.integer(0, inputs - 1)]
      return Math.min(a, b) * inputs + Math.max(a, b)
    }),
  )
}

test('the joint objective is the definition', () => {
  for (let instance = 0; instance < 50; instance++) {
    const inputs = 2 + (instance % 4)
    const problem = randomProblem(inputs, 3, 2)
    const outputs = randomOutputs(inputs, 1 + (instance % 3), 6)
    expect(jointObjective(problem, outputs)).toBeCloseTo(definition(problem, outputs), 10)
  }
})

test('the joint objective never grows from round to round, and ends where it says', () => {
  for (let instance = 0; instance < 30; instance++) {
    const problem = randomProblem(6, 3, 4)
    const outputs = randomOutputs(6, 5, 12)
    const before = definition(problem, outputs)
    const objectives = minimiseJointly(problem, outputs, 10)
    expect(objectives[0]).toBeCloseTo(before, 10)
    expect(objectives.at(-1)).toBeCloseTo(definition(problem, outputs), 10)
    for (let i = 1; i < objectives.length; i++) expect(objectives[i]!).toBeLessThanOrEqual(objectives[i - 1]! + 1e-12)
    expect(objectives.at(-1)!).toBeLessThan(before - 0.05)
  }
})

test('outputs that need not differ are each the best there is', () => {
  // Without sharing costs and seams every cell takes its cheapest input.
  const problem = { ...randomProblem(4, 3, 3), grid: uniformGrid(3, 3, 0), gamma: 0 }
  const outputs = randomOutputs(4, 3, 9)
  minimiseJointly(problem, outputs, 10)
  for (const output of outputs) {
    output.forEach((label, cell) => {
      const costs = [...problem.costs.subarray(cell * 4, cell * 4 + 4)]
      expect(label).toBe(costs.indexOf(Math.min(...costs)) * 5)
    })
  }
})

test('of what lies between a random start and the best of two outputs, little is left', () => {
  let left = 0
  let range = 0
  for (let instance = 0; instance < 40; instance++) {
    const problem = randomProblem(2, 2, 2)
    const codes = [0, 1, 3]
    let least = Number.POSITIVE_INFINITY
    for (const labels of tuples(8, 3)) {
      const both = Uint16Array.from(labels, (label) => codes[label]!)
      least = Math.min(least, jointObjective(problem, [both.subarray(0, 4), both.subarray(4)]))
    }
    const objectives = minimiseJointly(problem, randomOutputs(2, 2, 4), 10)
    expect(objectives.at(-1)!).toBeGreaterThanOrEqual(least - 1e-9)
    left += objectives.at(-1)! - least
    range += objectives[0]! - least
  }
  expect(left).toBeLessThan(0.1 * range)
})

test('distinct outputs stay distinct where all would be the same, and still improve', () => {
  for (let instance = 0; instance < 20; instance++) {
    const problem = { ...randomProblem(4, 3, 3), grid: uniformGrid(3, 3, 0), gamma: 0, distinct: true }
    const outputs = randomOutputs(4, 3, 9)
    const objectives = minimiseJointly(problem, outputs, 10)
    expect(new Set(outputs.map((output) => output.join())).size).toBe(3)
    for (let i = 1; i < objectives.length; i++) expect(objectives[i]!).toBeLessThanOrEqual(objectives[i - 1]! + 1e-12)
    expect(objectives.at(-1)!).toBeLessThan(objectives[0]!)
  }
})

test('the shares of an output sum to 1, a half counting for both its inputs', () => {
  expect([...sharesOf(3, Uint16Array.of(0, 1, 8, 5))]).toEqual([0.375, 0.25, 0.375])
})
