/** A distribution over the K classes of a dataset: K weights, each in [0, 1], that sum to 1, unless a picture may show several. */
export type SoftLabel = Float64Array

/** A label as a source holds it: the index of its only class, a distribution over several, or (multi-label) a weight for each. */
export type Label = number | SparseLabel

/** A distribution over `size` classes by its weights other than 0, so that memory does not grow with the number of classes. */
export interface SparseLabel {
  readonly size: number
  /** Class indices, rising. */
  readonly classes: Uint16Array | Uint32Array
  /** One for each class index. */
  readonly weights: Float64Array
}

/** A label of `size` classes from `count` entries, entry i being `weights[i]` of class `classes[i]`; zeros are dropped. */
export function sparseLabel(
  size: number,
  classes: ArrayLike<number>,
  weights: ArrayLike<number>,
  count = weights.length,
): SparseLabel {
  const kept = new (size <= 2 ** 16 ? Uint16Array : Uint32Array)(count)
  const values = new Float64Array(count)
  for (let i = 0; i < count; i++) {
    kept[i] = classes[i]!
    values[i] = weights[i]!
  }
  return { size, classes: kept, weights: values }
}

/** The same label as K weights. */
export function dense(label: Label, classes: number): SoftLabel {
  const weights = new Float64Array(classes)
  if (typeof label === 'number') weights[label] = 1
  else for (let i = 0; i < label.classes.length; i++) weights[label.classes[i]!] = label.weights[i]!
  return weights
}

/** The name of the heaviest class; '' where no class has any weight, as in a picture that shows none of several. */
export function heaviestName(label: ArrayLike<number>, names: readonly string[]): string {
  const k = heaviest(label)
  return label[k]! > 0 ? names[k]! : ''
}

/** The class of the largest weight; the first of equal ones. */
export function heaviest(label: ArrayLike<number>): number {
  let best = 0
  for (let k = 1; k < label.length; k++) if (label[k]! > label[best]!) best = k
  return best
}

/** The class of a label's largest weight; the first of equal ones. */
export function mainClass(label: Label): number {
  return typeof label === 'number' ? label : label.classes[heaviest(label.weights)]!
}

/**
 * sum_i weights[i] labels[i] over K classes, for weights that sum to 1: of distributions a distribution, of labels of several
 * classes the expected share of each, for binary cross-entropy.
 */
export function mixLabels(labels: readonly Label[], weights: readonly number[], classes: number): SoftLabel {
  const mixed = new Float64Array(classes)
  labels.forEach((label, i) => {
    if (typeof label === 'number') mixed[label]! += weights[i]!
    else for (let j = 0; j < label.classes.length; j++) mixed[label.classes[j]!]! += weights[i]! * label.weights[j]!
  })
  // Shares of one class may add up to the least bit more than 1.
  return mixed.map((weight) => Math.min(1, weight))
}
