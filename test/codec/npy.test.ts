import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'
import { encodeNpy } from '../../src/codec/npy.js'
import { temporaryFolder } from '../helpers/folder.js'
import { needing } from '../helpers/needing.js'
import { pythonWith } from '../helpers/python.js'

const PYTHON = pythonWith('numpy')

test('an .npy file has its data at a multiple of 64 after a header of one line', () => {
  const bytes = Buffer.from(encodeNpy({ data: Float32Array.of(1, 2, 3, 4, 5, 6), width: 3, height: 2 }))
  const start = 10 + bytes.readUInt16LE(8)
  expect(start % 64).toBe(0)
  expect(bytes.subarray(0, 8).toString('latin1')).toBe('\x93NUMPY\x01\x00')
  expect(bytes.toString('latin1', 10, start)).toMatch(
    /^\{'descr': '<f4', 'fortran_order': False, 'shape': \(2, 3\), \} *\n$/,
  )
  expect(bytes.readFloatLE(start + 4 * 4)).toBe(5)
})

needing('Python with numpy', PYTHON !== undefined)('NumPy reads the same values', () => {
  const file = path.join(temporaryFolder(), 'a.npy')
  writeFileSync(file, encodeNpy({ data: Float32Array.of(1, 2, 3, 4, 5, 6.5), width: 3, height: 2 }))
  const script = 'import numpy, sys; a = numpy.load(sys.argv[1]); print(a.tolist(), a.dtype)'
  const printed = execFileSync(PYTHON!, ['-c', script, file], { encoding: 'utf8' })
  expect(printed.trim()).toBe('[[1.0, 2.0, 3.0], [4.0, 5.0, 6.5]] float32')
})
