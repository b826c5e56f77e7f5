/** TIFFs of a given layout, made sample by sample: what sharp cannot write. */

export interface TiffLayout {
  readonly width: number
  readonly height: number
  readonly bits: 8 | 16
  /** 0 white is zero, 1 black is zero, 2 RGB, 5 CMYK. */
  readonly photometric: number
  /** Values of ExtraSamples; undefined leaves the tag out. */
  readonly extraSamples?: readonly number[]
  readonly planar?: boolean
  readonly rowsPerStrip?: number
  readonly bigEndian?: boolean
  readonly big?: boolean
  readonly compression?: number
}

/** The file of a picture whose band `b` of pixel i is `bands[b][i]`. */
export function encodeTiff(bands: readonly ArrayLike<number>[], layout: TiffLayout): Buffer {
  const { width, height, bits, photometric, extraSamples, planar = false, bigEndian = false, big = false } = layout
  const rows = layout.rowsPerStrip ?? height
  const number = numberWriter(bigEndian)
  const planes = planar ? bands.map((band) => [band]) : [bands]
  const strips = planes.flatMap((plane) =>
    Array.from({ length: Math.ceil(height / rows) }, (_, strip) => {
      const pixels = Array.from(
        { length: Math.min(rows, height - strip * rows) * width },
        (_, i) => strip * rows * width + i,
      )
      return Buffer.concat(pixels.flatMap((i) => plane.map((band) => number(band[i]!, bits / 8))))
    }),
  )
  const header = big ? 16 : 8
  const offsets = strips.map((_, i) => header + strips.slice(0, i).reduce((sum, strip) => sum + strip.length, 0))
  const tags: [tag: number, values: readonly number[]][] = [
    [256, [width]],
    [257, [height]],
    [258, bands.map(() => bits)],
    [259, [layout.compression ?? 1]],
    [262, [photometric]],
    [273, offsets],
    [277, [bands.length]],
    [278, [rows]],
    [279, strips.map((strip) => strip.length)],
    [284, [planar ? 2 : 1]],
    ...(extraSamples === undefined ? [] : [[338, extraSamples] as [number, readonly number[]]]),
  ]
  const data = Buffer.concat(strips)
  const start = header + data.length
  const [wide, room, entrySize] = big ? [8, 8, 20] : [4, 4, 12]
  const count = big ? 8 : 2
  let free = start + count + tags.length * entrySize + wide
  const overflow: Buffer[] = []
  const entries = tags.map(([tag, values]) => {
    const bytes = Buffer.concat(values.map((value) => number(value, 4)))
    const inline = bytes.length <= room
    const place = inline ? Buffer.concat([bytes, Buffer.alloc(room - bytes.length)]) : number(free, wide)
    if (!inline) overflow.push(bytes)
    if (!inline) free += bytes.length
    return Buffer.concat([number(tag, 2), number(4, 2), number(values.length, wide), place])
  })
  const magic = big ? [number(43, 2), number(8, 2), number(0, 2), number(start, 8)] : [number(42, 2), number(start, 4)]
  return Buffer.concat([
    Buffer.from(bigEndian ? 'MM' : 'II'),
    ...magic,
    data,
    number(tags.length, count),
    ...entries,
    number(0, wide),
    ...overflow,
  ])
}

function numberWriter(bigEndian: boolean): (value: number, size: number) => Buffer {
  return (value, size) => {
    const bytes = Buffer.alloc(size)
    if (size === 8) bytes[bigEndian ? 'writeBigUInt64BE' : 'writeBigUInt64LE'](BigInt(value))
    else bytes[bigEndian ? 'writeUIntBE' : 'writeUIntLE'](value, 0, size)
    return bytes
  }
}
