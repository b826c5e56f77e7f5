/** What a mix was made of, as people see it: small pictures and labels in words. */
import type { Image } from '../core/image.js'
import { dense, type Label, type SoftLabel } from '../core/softLabel.js'
import { grey, overlay } from '../report/overlay.js'
import { shrink } from '../report/thumbnail.js'
import type { MixedJob } from './mixer.js'
import type { View } from './views.js'

/** Lighter classes are left out. */
const LEAST_WEIGHT = 0.005

/** The first two sources, their maps, the mask and the mix, in the order in which they are shown; null for what is not there. */
export async function smallPictures({ shares: [sample, partner], mask }: MixedJob, mix: Image) {
  const picture = async (view: View | undefined) => (view === undefined ? null : shrink(view.image))
  const [a, b] = await Promise.all([picture(sample?.view), picture(partner?.view)])
  const map = (image: Image | null, view: View | undefined) =>
    image && view?.saliency ? overlay(image, view.saliency) : null
  return {
    sample: a,
    partner: b,
    sampleSaliency: map(a, sample?.view),
    partnerSaliency: map(b, partner?.view),
    mask: await shrink(grey(mask!)),
    mix: await shrink(mix),
  }
}

/** The classes of a label, the heaviest first. */
export function weightsOf(label: SoftLabel): { readonly label: number; readonly weight: number }[] {
  return Array.from(label, (weight, i) => ({ label: i, weight }))
    .filter(({ weight }) => weight >= LEAST_WEIGHT)
    .sort((a, b) => b.weight - a.weight || a.label - b.label)
}

/** The heaviest class of a label, with its weight where that is not all. */
export function labelInWords(label: Label, classes: readonly string[]): string {
  if (typeof label === 'number') return classes[label]!
  const [first] = weightsOf(dense(label, classes.length))
  return first === undefined ? 'many classes' : `${classes[first.label]} ${first.weight.toFixed(2)}`
}
