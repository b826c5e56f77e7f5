import type { Classifier } from '../classifiers/resolveModel.js'
import type { Image } from '../core/image.js'
import type { Plane } from '../core/plane.js'
import { dense } from '../core/softLabel.js'
import type { Pictures } from '../train/lessons.js'
import { type Estimator, startEstimator } from './estimator.js'

/** Saliency maps by the network that is being trained (Ma et al. 2022), as it was when the epoch began. */
export interface OwnSaliency {
  /** Takes the network as it is now. */
  refresh(bytes: Uint8Array<ArrayBuffer>): Promise<void>
  map(image: Image, index: number): Promise<Plane>
  close(): Promise<void>
}

/** Maps of the pictures' own labels. */
export function ownSaliency(
  classifier: Omit<Classifier, 'bytes'>,
  pictures: Pick<Pictures, 'label' | 'classes'>,
  jobs: number | undefined,
): OwnSaliency {
  // The gradient's magnitude, blurred as in the paper.
  const options = { kind: 'gradient', loss: 'ce', channelNorm: 'mean' } as const
  const target = (index: number) => Float32Array.from(dense(pictures.label(index), pictures.classes))
  let estimator: Estimator | null = null
  return {
    async refresh(bytes) {
      await estimator?.close()
      estimator = await startEstimator(
        { ...classifier, classes: null, bytes },
        options,
        { device: 'cpu', exact: false, jobs },
        target,
      )
    },
    map: async (image, index) => (await estimator!.estimate(index, image)).saliency,
    close: async () => estimator?.close(),
  }
}
