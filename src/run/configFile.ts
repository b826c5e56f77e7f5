import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { AugmentError } from '../core/errors.js'
import { hintFor, reasonOf } from '../core/systemError.js'
import type { ConfigInput } from '../options/inputs.js'
import type { Option, Table } from '../options/option.js'
import { runOptions } from '../options/run.js'
import { configProblems } from './config.js'

/**
 * The options in a JSON file, whose keys are those of ConfigInput (and `$schema`, for editors). Throws a usage error that
 * names every problem at once.
 */
export async function readConfigFile(file: string): Promise<ConfigInput> {
  const { $schema: _, ...options } = await readObject(file)
  const problems = configProblems(options)
  if (problems.length > 0) {
    const lines = problems.map(({ name, problem }) => `${file}: ${name}: ${problem}`)
    throw new AugmentError('usage', lines.join('\n'), { hint: 'sage-augment.schema.json describes the file' })
  }
  const placed = Object.entries(options).map(([name, value]) => [
    name,
    isRelative(name, value) ? path.join(path.dirname(file), value) : value,
  ])
  return Object.fromEntries(placed) as ConfigInput
}

/** Whether the value is a path that does not start at the root. */
function isRelative(name: string, value: unknown): value is string {
  const option: Option | undefined = (runOptions as Table)[name]
  if (option?.type !== 'path' || typeof value !== 'string' || path.isAbsolute(value)) return false
  return option.isPath?.(value) ?? true
}

async function readObject(file: string): Promise<Record<string, unknown>> {
  const expected = 'expected a JSON object of options'
  const text = await readFile(file, 'utf8').catch((cause) => {
    throw new AugmentError('usage', `--config ${file}: ${reasonOf(cause)}, ${expected}`, hintFor(cause))
  })
  let found = 'something else'
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>
  } catch (cause) {
    found = text.trim() === '' ? 'an empty file' : `text that is not JSON (${reasonOf(cause)})`
  }
  throw new AugmentError('usage', `--config ${file}: found ${found}, ${expected}`)
}
