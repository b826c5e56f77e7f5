/** How a saliency map is made, by the names that users give. */
export const SALIENCY_KINDS = ['cam', 'gradcam', 'layercam', 'gradient'] as const

export type SaliencyKind = (typeof SALIENCY_KINDS)[number]
