/** The kinds of maps that a classifier makes, by the names that users give. */
export const MODEL_KINDS = ['cam', 'gradcam', 'layercam', 'gradient'] as const

/** How a saliency map is made; `spectral` needs no classifier. */
export const SALIENCY_KINDS = [...MODEL_KINDS, 'spectral'] as const

export type ModelKind = (typeof MODEL_KINDS)[number]

export type SaliencyKind = (typeof SALIENCY_KINDS)[number]
