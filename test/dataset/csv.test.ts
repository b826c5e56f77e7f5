import { parse } from 'csv-parse/sync'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { type CsvRecord, CsvSyntaxError, csvRecords } from '../../src/dataset/csv.js'

/** Text that looks like CSV: names, numbers, separators, quotes and spaces in any order. */
const csvLike = fc
  .array(fc.constantFrom('a', 'ü', '1.5', ',', ',', '\n', '\r\n', '\r', '"', '""', ' ', '\t', "'"), { maxLength: 40 })
  .map((parts) => parts.join(''))
  .filter((text) => !(text.includes('\r\r\n') && text.includes('"')))

/** Where a text is cut into pieces, as shares of its length. */
const cuts = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 5 })

async function* piecesOf(text: string, shares: readonly number[]): AsyncGenerator<string> {
  const ends = [...shares.map((share) => Math.round(share * text.length)).sort((a, b) => a - b), text.length]
  let start = 0
  for (const end of ends) {
    yield text.slice(start, end)
    start = end
  }
}

/** The records according to csv-parse alone, or undefined for a syntax error. */
function reference(text: string): CsvRecord[] | undefined {
  // It counts CR LF within quotes as two lines; no replacement may make another CR LF of what stands around it.
  const lines = parsed(text.includes('\r\r\n') ? text : text.replaceAll('\r\n', '\n'))
  return parsed(text)?.map(({ cells }, i) => ({ cells, line: lines![i]!.line }))
}

function parsed(text: string): CsvRecord[] | undefined {
  const records: CsvRecord[] = []
  try {
    parse(text, {
      trim: true,
      relax_column_count: true,
      record_delimiter: ['\r\n', '\n', '\r'],
      on_record: (cells: string[], { lines }) => {
        if (cells.length > 1 || cells[0] !== '') records.push({ line: lines, cells })
        return null
      },
    })
    return records
  } catch {
    return undefined
  }
}

async function actual(text: string, shares: readonly number[] = []): Promise<CsvRecord[] | undefined> {
  const records: CsvRecord[] = []
  try {
    for await (const group of csvRecords(piecesOf(text, shares), 'a.csv')) records.push(...group)
    return records
  } catch (error) {
    expect(error).toBeInstanceOf(CsvSyntaxError)
    return undefined
  }
}

test('any text has the records and lines that csv-parse finds in it, in whatever pieces it comes', async () => {
  await fc.assert(
    fc.asyncProperty(csvLike, cuts, async (text, shares) => {
      expect(await actual(text, shares)).toEqual(reference(text))
    }),
    { numRuns: 3000, examples: [[',"" "\r\n"', []]] },
  )
})

test('records know the line they end on, with and without quotes', async () => {
  const lines = async (text: string) => (await actual(text))!.map((record) => record.line)
  expect(await lines('a,b\n\nc,d\r\n  \ne,f')).toEqual([1, 3, 5])
  expect(await lines('a,b\n\n"c\nc",d\ne,f')).toEqual([1, 4, 5])
})

test('a syntax error is at its line of the whole text', async () => {
  const failing = async () => {
    for await (const group of csvRecords(piecesOf('a,b\n"c\nd",e\nf,g\nh,"i\nj', [0.3, 0.7]), 'a.csv')) [...group]
  }
  await expect(failing()).rejects.toMatchObject({ line: 5, message: expect.stringMatching(/^Quote Not Closed/) })
})
