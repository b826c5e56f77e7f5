/**
 * The minimum of a sum of terms over binary variables x_0 ... x_{n-1}, each term a non-negative cost of one variable
 * being 0, of it being 1, or of one being 0 while another is 1: the minimum cut of a network in which the variables at 0
 * stay with the source. Solved by blocking flows on shortest paths (Dinic 1970). A unit of flow on a path shows that at
 * least one unit of cost must be paid on it; when no path is left, what is paid equals what flowed.
 */
export class MinCut {
  /** Capacity from the source if positive, to the sink if negative: only their difference matters to the minimiser. */
  private readonly terminal: Float64Array
  private readonly first: Int32Array
  private readonly next: number[] = []
  private readonly to: number[] = []
  /** Residual capacity of every arc; arc a and its reverse a ^ 1 stand together. */
  private readonly residual: number[] = []

  constructor(variables: number) {
    this.terminal = new Float64Array(variables)
    this.first = new Int32Array(variables).fill(-1)
  }

  /** Adds `whenOne` x_i + const; negative costs are fine here. */
  addCost(i: number, whenOne: number): void {
    this.terminal[i]! += whenOne
  }

  /** Adds the cost `forward` of (x_i, x_j) = (0, 1) and `backward` of (1, 0), both non-negative. */
  addPair(i: number, j: number, forward: number, backward: number): void {
    this.addArc(i, j, forward)
    this.addArc(j, i, backward)
  }

  private addArc(from: number, to: number, capacity: number): void {
    this.next.push(this.first[from]!)
    this.first[from] = this.next.length - 1
    this.to.push(to)
    this.residual.push(capacity)
  }

  /** Of all minimisers the one with the most ones: x_i = 0 only where every minimiser has it so. */
  solve(): Uint8Array {
    const flow = new BlockingFlow(this.terminal, this.first, this.next, this.to, Float64Array.from(this.residual))
    while (flow.findLevels()) flow.push()
    return flow.sinkSide()
  }
}

/** The state of Dinic's algorithm; the terminals' residual capacities live in `terminal`, positive source, negative sink. */
class BlockingFlow {
  private readonly level: Int32Array
  private readonly current: Int32Array
  private readonly queue: Int32Array
  private readonly path: Int32Array

  constructor(
    private readonly terminal: Float64Array,
    private readonly first: Int32Array,
    private readonly next: readonly number[],
    private readonly to: readonly number[],
    private readonly residual: Float64Array,
  ) {
    this.level = new Int32Array(first.length)
    this.current = new Int32Array(first.length)
    this.queue = new Int32Array(first.length)
    this.path = new Int32Array(first.length)
  }

  /** Labels every node with its distance from the source in free arcs, -1 if out of reach; whether the sink is in reach. */
  findLevels(): boolean {
    const { terminal, first, next, to, residual, level, queue } = this
    level.fill(-1)
    let tail = 0
    for (let node = 0; node < first.length; node++) {
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
  push(): void {
    this.current.set(this.first)
    for (let node = 0; node < this.first.length; node++) {
      while (this.level[node] === 0 && this.terminal[node]! > 0 && this.augment(node));
    }
  }

  /** One path from `source` to a node with capacity to the sink; false when there is none, and `source` is exhausted. */
  private augment(source: number): boolean {
    const { terminal, next, to, residual, level, current, path } = this
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

  /** 1 for the nodes that the last search from the source did not reach, which is the minimum cut. */
  sinkSide(): Uint8Array {
    const side = new Uint8Array(this.level.length)
    for (let node = 0; node < side.length; node++) side[node] = this.level[node]! < 0 ? 1 : 0
    return side
  }
}
