import fc from 'fast-check'
import { expect, test } from 'vitest'
import { FileNames } from '../../src/dataset/fileNames.js'

test('the names that a set of them has, asked for in any order', () => {
  const name = fc.stringMatching(/^[ab/.\u{ff00}\u{1f600}]{0,3}$/u)
  fc.assert(
    fc.property(fc.array(name), fc.array(name), (given, asked) => {
      const set = new Set(given)
      const names = FileNames.of([...set].sort())
      expect([...names]).toEqual([...set].sort())
      expect(names.size).toBe(set.size)
      for (const one of [...given, ...names, ...asked]) expect(names.has(one)).toBe(set.has(one))
    }),
  )
})
