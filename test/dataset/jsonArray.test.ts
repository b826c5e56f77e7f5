import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ArraySplitter } from '../../src/dataset/jsonArray.js'

/** The elements as JSON.parse reads each on its own, or undefined where that is no array. */
function split(text: string, cuts: readonly number[]): unknown[] | undefined {
  const array = new ArraySplitter()
  const ends = [...cuts.map((cut) => cut % (text.length + 1)).sort((a, b) => a - b), text.length]
  const elements = ends.flatMap((end, i) => array.push(text.slice(i === 0 ? 0 : ends[i - 1], end)))
  try {
    const values = elements.map((element): unknown => JSON.parse(element))
    return array.found === 'array' ? values : undefined
  } catch {
    return undefined
  }
}

const cuts = fc.array(fc.nat(), { maxLength: 8 })

test('any array has the elements that JSON.parse finds in it, in whatever pieces it comes', () => {
  fc.assert(
    fc.property(fc.array(fc.jsonValue()), fc.constantFrom(undefined, 1, '\t'), cuts, (value, space, where) => {
      const text = ` ${JSON.stringify(value, null, space)}\n`
      expect(split(text, where)).toEqual(JSON.parse(text))
    }),
    { numRuns: 1000 },
  )
})

test('any text is an array where JSON.parse says so, and no other', () => {
  const parts = fc.constantFrom('[', ']', '{', '}', ',', ':', '"', '\\', '1', ' ', '\n', '"a"', 'null', '"\\""')
  const text = fc.array(parts, { maxLength: 12 }).map((all) => all.join(''))
  fc.assert(
    fc.property(
      fc.oneof(
        text,
        text.map((inner) => `[${inner}]`),
      ),
      cuts,
      (content, where) => {
        let expected: unknown
        try {
          const value: unknown = JSON.parse(content)
          expected = Array.isArray(value) ? value : undefined
        } catch {
          expected = undefined
        }
        expect(split(content, where)).toEqual(expected)
      },
    ),
    { numRuns: 5000 },
  )
})
