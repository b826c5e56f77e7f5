/**
 * The minimum of a sum of terms over binary variables x_0 ... x_{n-1}, each term a non-negative cost of one variable
 * being 0, of it being 1, or of one being 0 while another is 1: the minimum cut of a network in which the variables at 0
 * stay with the source. Solved by blocking flows on shortest paths (Dinic 1970). A unit of flow on a path shows that at
 * least one unit of cost must be paid on it; when no path is left, what is paid equals what flowed.
 */
export class MinCut {
  /** Residual capacity from the source if positive, to the sink if negative: only the difference matters to the minimiser. */
  private readonly terminal: Float64Array
  /** The arcs of a node: first, the one after that, ..., -1. Arc a and its reverse a ^ 1 stand together. */
  private readonly first: Int32Array
  private readonly next: Int32Array
  private readonly to: Int32Array
  private readonly residual: Float64Array
  private arcs = 0
  /** Distance of a node from the source in free arcs, -1 if out of reach. */
  private readonly level: Int32Array
  /** The first arc of a node that may still lead on in this phase. */
  private readonly current: Int32Array
  /** The nodes in the order of their levels, then the arcs of a path. */
  private readonly queue: Int32Array

  /** Room for problems of at most so many variables and pairs; the first is begun with all of the variables. */
  constructor(
    private variables: number,
    pairs: number,
  ) {
    this.terminal = new Float64Array(variables)
    this.first = new Int32Array(variables).fill(-1)
    this.next = new Int32Array(2 * pairs)
    this.to = new Int32Array(2 * pairs)
    this.residual = new Float64Array(2 * pairs)
    this.level = new Int32Array(variables)
    this.current = new Int32Array(variables)
    this.queue = new Int32Array(variables)
  }

  /** Begins another problem, in the same memory. */
  clear(variables: number): void {
    this.variables = variables
    this.terminal.fill(0, 0, variables)
    this.first.fill(-1, 0, variables)
    this.arcs = 0
  }

  /** Adds `whenOne` x_i + const; negative costs are fine here. */
  addCost(i: number, whenOne: number): void {
    this.terminal[i]! += whenOne
  }

  /** Adds the cost `forward` of (x_i, x_j) = (0, 1) and `backward` of (1, 0), both non-negative. */
  addPair(i: number, j: number, forward: number, backward: number): void {
    const arc = this.arcs
    this.arcs += 2
    this.to[arc] = j
    this.residual[arc] = forward
    this.next[arc] = this.first[i]!
    this.first[i] = arc
    this.to[arc + 1] = i
    this.residual[arc + 1] = backward
    this.next[arc + 1] = this.first[j]!
    this.first[j] = arc + 1
  }

  /** Writes the x of least cost; of all minimisers the one with the most ones: x_i = 0 only where every one has it so. */
  solve(x: Uint8Array): void {
    while (this.findLevels()) this.push()
    for (let i = 0; i < this.variables; i++) x[i] = this.level[i]! < 0 ? 1 : 0
  }

  /** Measures the levels; whether the sink is in reach. */
  private findLevels(): boolean {
    const { terminal, first, next, to, residual, level, queue } = this
    level.fill(-1)
    let tail = 0
    for (let node = 0; node < this.variables; node++) {
      if (terminal[node]! > 0) {
        level[node] = 0
        queue[tail++] = node
      }
    }
    let reached = false
    for (let head = 0; head < tail; head++) {
      const node = queue[head]!
      if (terminal[node]! < 0) reached = true
      for (let arc = first[node]!; arc >= 0; arc = next[arc]!) {
        const other = to[arc]!
        if (residual[arc]! > 0 && level[other]! < 0) {
          level[other] = level[node]! + 1
          queue[tail++] = other
        }
      }
    }
    return reached
  }

  /** Sends flow along paths of increasing level until none is left. */
  private push(): void {
    this.current.set(this.first)
    for (let node = 0; node < this.variables; node++) {
      while (this.level[node] === 0 && this.terminal[node]! > 0 && this.augment(node));
    }
  }

  /** One path from `source` to a node with capacity to the sink; false when there is none, and `source` is exhausted. */
  private augment(source: number): boolean {
    const { terminal, next, to, residual, level, current, queue: path } = this
    let length = 0
    let node = source
    while (terminal[node]! >= 0) {
      const arc = current[node]!
      if (arc < 0) {
        // A dead end: no path goes through this node again in this phase.
        level[node] = -1
        if (length === 0) return false
        node = to[path[--length]! ^ 1]!
        current[node] = next[current[node]!]!
      } else if (residual[arc]! > 0 && level[to[arc]!] === level[node]! + 1) {
        path[length++] = arc
        node = to[arc]!
      } else {
        current[node] = next[arc]!
      }
    }
    let amount = Math.min(terminal[source]!, -terminal[node]!)
    for (let i = 0; i < length; i++) amount = Math.min(amount, residual[path[i]!]!)
    for (let i = 0; i < length; i++) {
      residual[path[i]!]! -= amount
      residual[path[i]! ^ 1]! += amount
    }
    terminal[source]! -= amount
    terminal[node]! += amount
    return true
  }
}
