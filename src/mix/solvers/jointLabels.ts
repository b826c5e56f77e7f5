import { eachPair, type Grid } from './grid.js'
import { type LabelProblem, labelEnergy, swapLabels } from './swapLabels.js'

/**
 * Co-Mixup's labelling problem: every cell of every output is an input, or two inputs in halves. With z in R^inputs the
 * weights in a cell and o_j their mean over output j, the objective is
 *
 *   sum_j sum_cells costs . z  +  sum_j sum_neighbours w |z - z'|^2 / 2
 *   + gamma sum_j sum_i o_ji max(tau, v_ji),   v_j = S sum over j' != j of o_j'
 *
 * v_ji is how much the other outputs have of input i already. The first two terms are submodular in each output, the last,
 * which keeps the outputs from sharing inputs, supermodular.
 */
export interface JointProblem {
  readonly inputs: number
  readonly grid: Grid
  /** `costs[cell * inputs + i]` of cell of any output being input i. */
  readonly costs: Float64Array
  /** S, inputs x inputs, symmetric, non-negative. */
  readonly similarity: Float64Array
  readonly gamma: number
  readonly tau: number
  /** Whether no output may become the same as another. */
  readonly distinct: boolean
}

/** One output: the label a * inputs + b of every cell, half input a, half input b; a = b is input a alone. */
export type Output = Uint16Array

/** o: the share of every input in an output. */
export function sharesOf(inputs: number, output: Output): Float64Array {
  const shares = new Float64Array(inputs)
  for (const label of output) {
    shares[Math.floor(label / inputs)]! += 0.5 / output.length
    shares[label % inputs]! += 0.5 / output.length
  }
  return shares
}

/** z . z' of two labels. */
function inner(inputs: number, label: number, other: number): number {
  const a = Math.floor(label / inputs)
  const b = label % inputs
  const c = Math.floor(other / inputs)
  const d = other % inputs
  return (Number(a === c) + Number(a === d) + Number(b === c) + Number(b === d)) / 4
}

/** |z - z'|^2 / 2 of two labels: 0 for the same, 1 for two inputs, 1/4 for an input and its half. */
function distanceOf(inputs: number, label: number, other: number): number {
  return (inner(inputs, label, label) + inner(inputs, other, other)) / 2 - inner(inputs, label, other)
}

/** An output's part in `sharing`. */
interface Part {
  /** o: the share of every input in the output. */
  readonly shares: Float64Array
  /** S o: how much the output has of every input. */
  readonly similar: Float64Array
}

function partOf({ inputs, similarity }: JointProblem, output: Output): Part {
  const shares = sharesOf(inputs, output)
  const similar = new Float64Array(inputs)
  for (let l = 0; l < inputs; l++) {
    if (shares[l] === 0) continue
    for (let i = 0; i < inputs; i++) similar[i]! += similarity[i * inputs + l]! * shares[l]!
  }
  return { shares, similar }
}

/** How much of every input the outputs have together, but for output j. */
function othersOf({ inputs }: JointProblem, parts: readonly Part[], j: number): Float64Array {
  const sum = new Float64Array(inputs)
  for (let other = 0; other < parts.length; other++) {
    const { similar } = parts[other]!
    if (other !== j) for (let i = 0; i < inputs; i++) sum[i]! += similar[i]!
  }
  return sum
}

/** The last term of the objective. */
function sharing(problem: JointProblem, parts: readonly Part[]): number {
  const { inputs, gamma, tau } = problem
  const all = othersOf(problem, parts, -1)
  let sum = 0
  for (const { shares, similar } of parts) {
    for (let i = 0; i < inputs; i++) {
      if (shares[i]! > 0) sum += shares[i]! * Math.max(tau, all[i]! - similar[i]!)
    }
  }
  return gamma * sum
}

/** The labels output j chooses from: every input, every label it has, the halves of the three inputs it uses most. */
function choicesOf(inputs: number, output: Output, shares: Float64Array): number[] {
  const choices = new Set(output)
  for (let i = 0; i < inputs; i++) choices.add(i * inputs + i)
  const most = Array.from(shares.keys())
    .filter((i) => shares[i]! > 0)
    .sort((a, b) => shares[b]! - shares[a]! || a - b)
    .slice(0, 3)
  for (const a of most) for (const b of most) if (a < b) choices.add(a * inputs + b)
  return [...choices].sort((a, b) => a - b)
}

/** One output's own terms of the objective, all but `sharing`. */
function ownProblem({ inputs, grid, costs }: JointProblem, choices: readonly number[]): LabelProblem {
  const labels = choices.length
  const ownCosts = new Float64Array(grid.columns * grid.rows * labels)
  const distance = new Float64Array(labels * labels)
  choices.forEach((label, l) => {
    const a = Math.floor(label / inputs)
    const b = label % inputs
    for (let cell = 0; cell < grid.columns * grid.rows; cell++) {
      ownCosts[cell * labels + l] = (costs[cell * inputs + a]! + costs[cell * inputs + b]!) / 2
    }
    for (let m = 0; m < labels; m++) distance[l * labels + m] = distanceOf(inputs, label, choices[m]!)
  })
  return { grid, labels, costs: ownCosts, distance }
}

/** The problem with penalty . o on top. */
function penalised(own: LabelProblem, inputs: number, choices: readonly number[], penalty: Float64Array): LabelProblem {
  const cells = own.grid.columns * own.grid.rows
  const more = choices.map((label) => (penalty[Math.floor(label / inputs)]! + penalty[label % inputs]!) / (2 * cells))
  return { ...own, costs: own.costs.map((cost, at) => cost + more[at % own.labels]!) }
}

/**
 * Linear stand-ins for `sharing` in the shares of output j: its slope where the output is now, and what the others have
 * of an input twice over (once for either side) as soon as that is more than tau.
 */
function linearPenalties(problem: JointProblem, parts: readonly Part[], j: number): Float64Array[] {
  const { inputs, similarity, gamma, tau } = problem
  const others = othersOf(problem, parts, j)
  const all = othersOf(problem, parts, -1)
  const slope = others.map((value) => Math.max(tau, value))
  parts.forEach(({ shares, similar }, other) => {
    if (other === j) return
    for (let i = 0; i < inputs; i++) {
      if (shares[i] === 0 || all[i]! - similar[i]! <= tau) continue
      for (let l = 0; l < inputs; l++) slope[l]! += shares[i]! * similarity[i * inputs + l]!
    }
  })
  const threshold = others.map((value) => (value > tau ? 2 * value : 0))
  return [slope, threshold].map((penalty) => penalty.map((value) => gamma * value))
}

function sameLabels(output: Output, other: Output): boolean {
  return output.every((label, cell) => label === other[cell])
}

/** Improves output j with all others held, where `distinct` never to a copy of one; whether it changed. The objective never grows. */
function improve(problem: JointProblem, outputs: Output[], parts: Part[], j: number): boolean {
  const { inputs } = problem
  const choices = choicesOf(inputs, outputs[j]!, parts[j]!.shares)
  const own = ownProblem(problem, choices)
  const start = Uint16Array.from(outputs[j]!, (label) => choices.indexOf(label))
  let least = labelEnergy(own, start) + sharing(problem, parts)
  let changed = false
  for (const penalty of linearPenalties(problem, parts, j)) {
    const labelling = Uint16Array.from(start)
    swapLabels(penalised(own, inputs, choices, penalty), labelling)
    const candidate = Uint16Array.from(labelling, (label) => choices[label]!)
    if (problem.distinct && outputs.some((output, other) => other !== j && sameLabels(output, candidate))) continue
    const candidateParts = parts.with(j, partOf(problem, candidate))
    const value = labelEnergy(own, labelling) + sharing(problem, candidateParts)
    if (value < least - 1e-12) {
      least = value
      outputs[j] = candidate
      parts[j] = candidateParts[j]!
      changed = true
    }
  }
  return changed
}

/** The objective of the problem, as defined above. */
export function jointObjective(problem: JointProblem, outputs: readonly Output[]): number {
  const { inputs, grid, costs } = problem
  let sum = sharing(
    problem,
    outputs.map((output) => partOf(problem, output)),
  )
  for (const output of outputs) {
    output.forEach((label, cell) => {
      sum += (costs[cell * inputs + Math.floor(label / inputs)]! + costs[cell * inputs + (label % inputs)]!) / 2
    })
    eachPair(grid, (p, q, weight) => {
      sum += weight * distanceOf(inputs, output[p]!, output[q]!)
    })
  }
  return sum
}

/**
 * Improves the outputs in place, one after the other, the supermodular term made linear around the others (iterative
 * submodular minimisation, section 4 of the paper), for at most `sweeps` rounds or until none improves. A step is taken
 * only if the objective itself falls, so it never grows. Returns the objective at the start and after every round.
 */
export function minimiseJointly(problem: JointProblem, outputs: Output[], sweeps: number): number[] {
  const parts = outputs.map((output) => partOf(problem, output))
  const objectives = [jointObjective(problem, outputs)]
  for (let sweep = 0; sweep < sweeps; sweep++) {
    let changed = false
    for (let j = 0; j < outputs.length; j++) changed = improve(problem, outputs, parts, j) || changed
    objectives.push(jointObjective(problem, outputs))
    if (!changed) break
  }
  return objectives
}
