import { parse } from 'csv-parse/sync'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { CsvSyntaxError, csvRecords } from '../../src/dataset/csv.js'

/** Text that looks like CSV: names, numbers, separators, quotes and spaces in any order. */
const csvLike = fc
  .array(fc.constantFrom('a', 'ü', '1.5', ',', ',', '\n', '\r\n', '\r', '"', '""', ' ', '\t', "'"), { maxLength: 40 })
  .map((parts) => parts.join(''))

/** The records according to csv-parse alone, or undefined for a syntax error. */
function reference(text: string): string[][] | undefined {
  try {
    const records = parse(text, { trim: true, relax_column_count: true, record_delimiter: ['\r\n', '\n', '\r'] })
    return records.filter((cells) => cells.length > 1 || cells[0] !== '')
  } catch {
    return undefined
  }
}

function actual(text: string): string[][] | undefined {
  try {
    return Array.from(csvRecords(text), (record) => [...record.cells])
  } catch (error) {
    expect(error).toBeInstanceOf(CsvSyntaxError)
    return undefined
  }
}

test('any text has the records that csv-parse finds in it', () => {
  fc.assert(
    fc.property(csvLike, (text) => {
      expect(actual(text)).toEqual(reference(text))
    }),
    { numRuns: 3000 },
  )
})

test('records know the line they end on, with and without quotes', () => {
  const lines = (text: string) => Array.from(csvRecords(text), (record) => record.line)
  expect(lines('a,b\n\nc,d\r\n  \ne,f')).toEqual([1, 3, 5])
  expect(lines('a,b\n\n"c\nc",d\ne,f')).toEqual([1, 4, 5])
})
