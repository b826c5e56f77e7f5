import type { Row } from '../../src/output/rows.js'

const HASH = '0'.repeat(64)

/** A row of output `index` as a run with SAGE would make it. */
export function rowOf(index: number, label: Float64Array, file = nameOf(index)): Row {
  const sources = ['a.jpg', 'b.jpg'].map((name) => ({ file: name, sha256: HASH }))
  return {
    label,
    made: { index, file_name: file, sha256: HASH, method: 'sage', sources, canvas: [32, 32], lambda: 0.5 },
  }
}

function nameOf(index: number): string {
  return `images/00000/${String(index).padStart(9, '0')}.jpg`
}
