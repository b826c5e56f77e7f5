import { CsvError, parse } from 'csv-parse/sync'

export interface CsvRecord {
  /** The 1-based line the record ends on. */
  readonly line: number
  readonly cells: readonly string[]
}

/**
 * The records of comma-separated text (RFC 4180), cells trimmed outside quotes, empty lines left out. At a quote that is
 * out of place or not closed it throws CsvSyntaxError, after the records before it.
 */
export function csvRecords(text: string): Iterable<CsvRecord> {
  // Without quotes a record is a line and a cell is what lies between commas: ten times as fast as the general parser.
  return text.includes('"') || /\r(?!\n)/.test(text) ? quotedRecords(text) : plainRecords(text)
}

/** A syntax error at a 1-based line. */
export class CsvSyntaxError extends Error {
  readonly line: number

  constructor(line: number, message: string) {
    super(message)
    this.line = line
  }
}

function* plainRecords(text: string): Iterable<CsvRecord> {
  let line = 0
  for (let start = 0; start < text.length; ) {
    const newline = text.indexOf('\n', start)
    const end = newline < 0 ? text.length : newline
    line++
    const cells = text.slice(start, end).split(',')
    for (let i = 0; i < cells.length; i++) cells[i] = cells[i]!.trim()
    if (cells.length > 1 || cells[0] !== '') yield { line, cells }
    start = end + 1
  }
}

function* quotedRecords(text: string): Iterable<CsvRecord> {
  const records: CsvRecord[] = []
  let failure: CsvError | undefined
  try {
    parse(text, {
      trim: true,
      record_delimiter: ['\r\n', '\n', '\r'],
      relax_column_count: true,
      skip_empty_lines: true,
      on_record: (cells: string[], { lines }) => {
        if (cells.length > 1 || cells[0] !== '') records.push({ line: lines, cells })
        return null
      },
    })
  } catch (cause) {
    if (!(cause instanceof CsvError)) throw cause
    failure = cause
  }
  yield* records
  if (failure) throw new CsvSyntaxError(Number(failure.lines ?? 1), failure.message)
}
