import { z } from 'zod'
import { defaultParameters, type MethodName } from '../mix/index.js'
import { commands } from '../options/commands.js'
import type { ConfigInput } from '../options/inputs.js'
import type { Checked, Table } from '../options/option.js'
import { parametersOf } from '../options/parameters.js'
import { fractionOf, runOptions } from '../options/run.js'
import { misuse, type Problem, problemsOf, schemaOf } from '../options/schema.js'

/** Parameters of the method; those not given take its paper's defaults. */
type Parameters = Record<string, number | string>

/** Every option of a run, checked; the command line, configuration files and the library share it. */
export type Config = Checked<typeof runOptions> & { parameters: Parameters }

const configSchema = schemaOf(runOptions).extend({
  parameters: z.record(z.string(), z.union([z.number(), z.string()])).default({}),
})

/** Everything that is wrong with the options on their own, by name; parameters of a method are checked by parseConfig. */
export function configProblems(input: Readonly<Record<string, unknown>>): Problem[] {
  return problemsOf(configSchema, input)
}

/** The commands whose options are those of a run. */
type RunCommand = 'augment' | 'saliency' | 'compare'

/**
 * The checked options. Throws a usage error that names at once every option that is out of range or that `command` does not
 * take.
 */
export function parseConfig(input: ConfigInput, command: RunCommand = 'augment'): Config {
  const problems = [...strangers(input, command), ...configProblems(input as Record<string, unknown>)]
  if (problems.length > 0) throw misuse(problems)
  const config = configSchema.parse(input) as Config
  const wrong = Object.entries(config.parameters).flatMap(([name, value]) => checkParameter(config.method, name, value))
  if (wrong.length > 0) throw misuse(wrong)
  return { ...config, parameters: { ...defaultParameters(config.method), ...config.parameters } }
}

/** The options of a run that a command does not take; those that no command knows are found later. */
function strangers({ images: _, parameters, ...input }: ConfigInput, command: RunCommand): Problem[] {
  if (command === 'augment') return []
  const taken: Table = commands[command].run
  const others = Object.entries(input).filter(([name]) => name in runOptions && !(name in taken))
  return [...others, ...Object.entries(parameters ?? {})]
    .filter(([, value]) => value !== undefined)
    .map(([name]) => ({ name, problem: `${command} has no such option` }))
}

/** What is wrong with a parameter of a method, if anything. */
function checkParameter(method: MethodName, name: string, value: number | string): Problem[] {
  const parameter = parametersOf(method)[name]
  if (parameter === undefined) return [{ name, problem: `--method ${method} has no such parameter` }]
  return problemsOf(schemaOf({ [name]: parameter }), { [name]: value })
}

/** The JSON schema of a configuration file. */
export function configJsonSchema() {
  const schema = z.toJSONSchema(configSchema.extend({ $schema: z.string().optional() }), { io: 'input' })
  return { title: 'Options of sage-augment', ...schema }
}

/** The options that decide the output, as run.json records them and a resumed run compares them. */
export function decisive(config: Config): Record<string, unknown> {
  const table: Table = runOptions
  return Object.fromEntries(Object.entries(config).filter(([name]) => table[name]?.compared !== false))
}

/** The shift option as the method takes it. */
export function shiftOf(config: Config): 'exact' | 'none' | { sample: number } {
  if (config.shift === 'exact' || config.shift === 'none') return config.shift
  return { sample: fractionOf(config.shift) }
}
