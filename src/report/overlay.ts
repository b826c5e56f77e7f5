/** Saliency maps as pictures. */
import type { Image } from '../core/image.js'
import { type Plane, resample } from '../core/plane.js'

/** The share of the map's pixels that are drawn below full colour: a few outliers must not leave the rest black. */
const FULL_COLOUR = 0.995

/** Weight of the colours in an overlay; the rest is the picture in grey. */
const OPACITY = 0.65

/** A map in false colours: black for 0, by purple and orange to yellow from its 99.5th percentile on. */
export function heat(map: Plane): Image {
  return coloured(map, brightest(map))
}

/** The colours of `heat`, the map resampled to the picture, over the picture in grey. */
export function overlay(image: Image, map: Plane): Image {
  const { width, height } = image
  const data = coloured(resample(map, width, height), brightest(map)).data
  const picture = image.data
  for (let i = 0; i < data.length; i += 3) {
    const grey = 0.299 * picture[i]! + 0.587 * picture[i + 1]! + 0.114 * picture[i + 2]!
    for (let c = i; c < i + 3; c++) data[c] = Math.round(OPACITY * data[c]! + (1 - OPACITY) * grey)
  }
  return { data, width, height }
}

/** A map of weights in [0, 1] as grey levels: black for 0, white for 1. */
export function grey({ data, width, height }: Plane): Image {
  const pixels = new Uint8Array(data.length * 3)
  for (let i = 0; i < data.length; i++) pixels.fill(Math.round(255 * data[i]!), 3 * i, 3 * i + 3)
  return { data: pixels, width, height }
}

/** The value that gets full colour: the percentile, or the maximum of a map that is 0 nearly everywhere. */
function brightest({ data }: Plane): number {
  const sorted = data.slice().sort()
  return sorted[Math.floor(FULL_COLOUR * (data.length - 1))]! || sorted[data.length - 1]!
}

function coloured({ data, width, height }: Plane, full: number): { data: Uint8Array; width: number; height: number } {
  const pixels = new Uint8Array(data.length * 3)
  for (let i = 0; i < data.length; i++) {
    const level = full > 0 ? Math.round(255 * Math.min(1, data[i]! / full)) : 0
    pixels.set(COLOURS.subarray(3 * level, 3 * level + 3), 3 * i)
  }
  return { data: pixels, width, height }
}

/**
 * 256 sRGB colours whose lightness in OKLab (Ottosson 2020) rises evenly, so that more saliency always looks brighter,
 * also to the colour-blind and in print; the hue turns from purple by red and orange to yellow.
 */
const COLOURS = Uint8Array.from({ length: 256 * 3 }, (_, i) => {
  const t = Math.floor(i / 3) / 255
  const hue = ((175 * t ** 1.4 - 65) * Math.PI) / 180
  const chroma = 0.17 * Math.min(1, 2.5 * t)
  return fromOklab(0.12 + 0.83 * t, chroma * Math.cos(hue), chroma * Math.sin(hue))[i % 3]!
})

/** OKLab to 8-bit sRGB, each channel clamped. */
function fromOklab(lightness: number, a: number, b: number): number[] {
  const l = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3
  const m = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3
  const s = (lightness - 0.0894841775 * a - 1.291485548 * b) ** 3
  return [
    4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s,
    -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s,
    -0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s,
  ].map((linear) => {
    const x = Math.min(1, Math.max(0, linear))
    return Math.round(255 * (x <= 0.0031308 ? 12.92 * x : 1.055 * x ** (1 / 2.4) - 0.055))
  })
}
