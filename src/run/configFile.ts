import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { AugmentError } from '../core/errors.js'
import { hintFor, reasonOf } from '../core/systemError.js'
import { type ConfigInput, configProblems } from './config.js'

/** Options that are paths, which a configuration file gives relative to its own folder. */
const PATHS = ['images', 'out', 'labels', 'classes', 'pairs', 'classMap'] as const

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
  const config = options as ConfigInput
  const placed = (name: string) => path.join(path.dirname(file), name)
  for (const name of PATHS) {
    if (config[name] !== undefined) config[name] = path.isAbsolute(config[name]) ? config[name] : placed(config[name])
  }
  if (config.model?.endsWith('.onnx') && !path.isAbsolute(config.model)) config.model = placed(config.model)
  return config
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
