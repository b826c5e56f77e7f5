/** Throws RangeError unless both maps have width x height values. */
export function checkSizes(a: Float32Array, b: Float32Array, width: number, height: number): void {
  if (!Number.isInteger(width) || !Number.isInteger(height) || width < 1 || height < 1) {
    throw new RangeError(`map: expected a width and height of at least 1, got ${width} x ${height}`)
  }
  for (const map of [a, b]) {
    if (map.length !== width * height) {
      throw new RangeError(`map: expected ${width} x ${height} values, got ${map.length}`)
    }
  }
}

/** Throws RangeError unless both maps have width x height values, all finite and none negative. */
export function checkMaps(a: Float32Array, b: Float32Array, width: number, height: number): void {
  checkSizes(a, b, width, height)
  for (const map of [a, b]) {
    for (let i = 0; i < map.length; i++) {
      // Written so that NaN fails too.
      if (!(map[i]! >= 0 && map[i]! < Number.POSITIVE_INFINITY)) {
        throw new RangeError(
          `map: expected finite values of at least 0, got ${map[i]} at (${i % width}, ${Math.floor(i / width)})`,
        )
      }
    }
  }
}
