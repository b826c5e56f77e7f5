import { z } from 'zod'
import { type Entry, jsonLabel, jsonLines, parseJson } from './json.js'
import type { Problems } from './problems.js'
import { FILE_KEYS, LABEL_KEYS, type Row, type Table } from './table.js'

const EXAMPLE = '{"file_name": "a.jpg", "label": "cat"}'

const jsonRow = z.record(z.string(), z.unknown())

/** A manifest in JSON lines, or in JSON as an array of rows. A `soft_label` wins over a label. */
export function parseJsonTable(text: string, lines: boolean, name: string, problems: Problems): Table {
  const placeOf = (position: number) => (lines ? `${name}:${position}` : `${name}[${position}]`)
  const rows: Row[] = []
  for (const { position, value } of lines ? jsonLines(text, name, problems) : jsonArray(text, name, problems)) {
    const row = parseRow(value, position, (problem) => problems.add(placeOf(position), problem))
    if (row) rows.push(row)
  }
  return { rows, placeOf }
}

function jsonArray(text: string, name: string, problems: Problems): Entry[] {
  const parsed = parseJson(text, name, problems)
  if (!parsed) return []
  if (Array.isArray(parsed.value)) return parsed.value.map((value, position) => ({ position, value }))
  problems.add(name, `expected an array of rows like ${EXAMPLE}`)
  return []
}

function parseRow(value: unknown, position: number, fail: (problem: string) => void): Row | undefined {
  const row = jsonRow.safeParse(value)
  if (!row.success) {
    fail(`expected a row like ${EXAMPLE}`)
    return undefined
  }
  const file = firstOf(row.data, FILE_KEYS)
  const label = jsonLabel.safeParse(firstOf(row.data, ['soft_label', ...LABEL_KEYS]))
  if (typeof file !== 'string') fail(`found no file name, expected the key ${FILE_KEYS.join(' or ')}`)
  if (!label.success) fail(`found no label, expected the key ${LABEL_KEYS.join(' or ')} with a class, or soft_label`)
  return typeof file === 'string' && label.success ? { position, file, label: label.data } : undefined
}

function firstOf(row: Readonly<Record<string, unknown>>, keys: readonly string[]): unknown {
  const key = keys.find((candidate) => Object.hasOwn(row, candidate))
  return key === undefined ? undefined : row[key]
}
