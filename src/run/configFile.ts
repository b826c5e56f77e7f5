import { readFile } from 'node:fs/promises'
import path from 'node:path'
import { AugmentError } from '../core/errors.js'
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
  let found: string
  try {
    const value: unknown = JSON.parse(await readFile(file, 'utf8'))
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>
    found = 'found something else'
  } catch (error) {
    found = (error as Error).message
  }
  throw new AugmentError('usage', `--config ${file}: ${found}, expected a JSON object of options`)
}
