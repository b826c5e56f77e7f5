import { type Random, shuffle } from '../core/random.js'

export type Pairing = 'any' | 'different-class' | 'same-class'

/** One epoch: output i mixes `partners[i]` into `samples[i]`; every source is a sample once. */
export interface Epoch {
  readonly samples: Int32Array
  readonly partners: Int32Array
}

/**
 * Pairs n sources for one epoch, `classes[i]` being the class of source i. The sources are shuffled into a ring and each
 * takes the next one on it (of the right class) as its partner, so nobody is paired with itself, everybody is sample once
 * and, where the classes allow, partner once; and since the partner of one output is the sample of the next, a run needs
 * each picture only for a moment. The caller has made sure that every source has a possible partner.
 */
export function pairEpoch(classes: Int32Array, pairing: Pairing, random: Random): Epoch {
  const samples = shuffle(
    random,
    Int32Array.from(classes, (_, i) => i),
  )
  if (pairing === 'different-class') separate(samples, classes)
  const partners = pairing === 'same-class' ? nextOfClass(samples, classes) : rotated(samples)
  if (pairing === 'different-class') replaceSameClass(samples, partners, classes, random)
  return { samples, partners }
}

function rotated(ring: Int32Array): Int32Array {
  return Int32Array.from(ring, (_, i) => ring[(i + 1) % ring.length]!)
}

function nextOfClass(ring: Int32Array, classes: Int32Array): Int32Array {
  const partners = new Int32Array(ring.length)
  const next = new Map<number, number>()
  // The second pass only fills in the last of each class, whose next is the first of its class.
  for (const _pass of [1, 2]) {
    for (let i = ring.length - 1; i >= 0; i--) {
      const source = ring[i]!
      const label = classes[source]!
      partners[i] = next.get(label) ?? source
      next.set(label, source)
    }
  }
  return partners
}

/** Reorders the ring so that neighbours differ in class, as far as a single forward pass can. */
function separate(ring: Int32Array, classes: Int32Array): void {
  // Everything between i + 1 and `other` has the class of i, hence `other` never moves back and the pass is linear.
  let other = 0
  for (let i = 0; i + 1 < ring.length; i++) {
    const label = classes[ring[i]!]!
    if (classes[ring[i + 1]!] !== label) continue
    other = Math.max(other, i + 2)
    while (other < ring.length && classes[ring[other]!] === label) other++
    if (other === ring.length) return
    const kept = ring[i + 1]!
    ring[i + 1] = ring[other]!
    ring[other] = kept
  }
}

/** Where one class is too frequent for a ring of unlike neighbours, its members borrow a random partner of another. */
function replaceSameClass(samples: Int32Array, partners: Int32Array, classes: Int32Array, random: Random): void {
  const unlike = new Map<number, Int32Array>()
  for (let i = 0; i < samples.length; i++) {
    const label = classes[samples[i]!]!
    if (classes[partners[i]!] !== label) continue
    const others = unlike.get(label) ?? samples.filter((source) => classes[source] !== label)
    unlike.set(label, others)
    partners[i] = others[random.integer(0, others.length - 1)]!
  }
}
