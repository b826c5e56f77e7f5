/** An 8-bit sRGB picture, row-major and interleaved: channel c of pixel (x, y) is `data[(y * width + x) * 3 + c]`. */
export interface Image {
  readonly data: Uint8Array
  readonly width: number
  readonly height: number
}

/** Throws RangeError unless `data` has exactly width x height x 3 bytes. */
export function checkImage({ data, width, height }: Image): void {
  if (data.length !== width * height * 3) {
    throw new RangeError(`image: expected ${width} x ${height} x 3 bytes, got ${data.length}`)
  }
}
