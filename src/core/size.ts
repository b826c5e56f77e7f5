/** Sizes as users write them: `224x128`, width first, in pixels. */

export const SIZE = /^[1-9]\d{0,4}x[1-9]\d{0,4}$/

/** `224x128` -> [224, 128]; the text has the form of SIZE. */
export function parseSize(text: string): [width: number, height: number] {
  return text.split('x').map(Number) as [number, number]
}
