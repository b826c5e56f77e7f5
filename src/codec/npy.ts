import type { Plane } from '../core/plane.js'

/** Bytes of a plane of that size as encodeNpy writes it. */
export function npyBytes(size: { width: number; height: number }): number {
  return headerOf(size).length + 4 * size.width * size.height
}

/** A plane as a NumPy .npy file, version 1.0: float32 little-endian, C order, shape (height, width). */
export function encodeNpy({ data, width, height }: Plane): Uint8Array {
  return Buffer.concat([headerOf({ width, height }), Buffer.from(data.buffer, data.byteOffset, data.byteLength)])
}

function headerOf({ width, height }: { width: number; height: number }): Buffer {
  const description = `{'descr': '<f4', 'fortran_order': False, 'shape': (${height}, ${width}), }`
  // Magic, version and length take 10 bytes; the data must start at a multiple of 64.
  const length = Math.ceil((10 + description.length + 1) / 64) * 64 - 10
  const header = Buffer.from(`\x93NUMPY\x01\x00\x00\x00${description.padEnd(length - 1)}\n`, 'latin1')
  header.writeUInt16LE(length, 8)
  return header
}
