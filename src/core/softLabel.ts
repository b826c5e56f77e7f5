/** A distribution over the K classes of a dataset: K weights, each in [0, 1], that sum to 1. */
export type SoftLabel = Float64Array

/** The one-hot label of class `index` of `classes`. */
export function oneHot(index: number, classes: number): SoftLabel {
  const label = new Float64Array(classes)
  label[index] = 1
  return label
}

/** The class of the largest weight; the first of equal ones. */
export function heaviest(label: ArrayLike<number>): number {
  let best = 0
  for (let k = 1; k < label.length; k++) if (label[k]! > label[best]!) best = k
  return best
}

/** sum_i weights[i] labels[i]; the weights must sum to 1 for the result to be a label. */
export function mixLabels(labels: readonly SoftLabel[], weights: readonly number[]): SoftLabel {
  const mixed = new Float64Array(labels[0]!.length)
  labels.forEach((label, i) => {
    for (let k = 0; k < mixed.length; k++) mixed[k]! += weights[i]! * label[k]!
  })
  return mixed
}
