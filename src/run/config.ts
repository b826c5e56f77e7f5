import { z } from 'zod'
import { DEFAULT_MAX_PIXELS } from '../codec/codec.js'
import { AugmentError } from '../core/errors.js'
import { flagOf } from '../core/flag.js'
import { didYouMean } from '../core/nearest.js'
import { defaultParameters, describedParameters, type MethodName, methods } from '../mix/index.js'
import { LABELS_FORMATS, LAYOUTS } from '../output/forms.js'

/** A number in [low, high], said in full when it is not. */
function number(low: number, high: number) {
  const expected = `expected a number between ${low} and ${high}`
  return z.number(expected).min(low, expected).max(high, expected)
}

function integer(low: number, high: number) {
  const expected = `expected a whole number between ${low} and ${high}`
  return z.int(expected).min(low, expected).max(high, expected)
}

/** One number for a grey input, three for a coloured one. */
function perChannel(number: z.ZodNumber) {
  return z
    .array(number)
    .refine(({ length }) => length === 1 || length === 3, 'expected 1 or 3 numbers')
    .optional()
}

function choice<const T extends readonly string[]>(...names: T) {
  const expected = `expected ${names.slice(0, -1).join(', ')} or ${names.at(-1)}`
  return z.enum(names, { error: ({ input }) => `${expected}${didYouMean(input, names)}` })
}

/** `0.25` of the shifts, as --shift sample:0.25 spells it. */
const shift = z
  .string()
  .refine(
    (text) => text === 'exact' || text === 'none' || (fractionOf(text) > 0 && fractionOf(text) <= 1),
    'expected exact, none or sample:<fraction above 0, at most 1>',
  )

function fractionOf(text: string): number {
  return text.startsWith('sample:') ? Number(text.slice('sample:'.length)) : Number.NaN
}

const place = z.string().min(1, 'expected a path')

const size = z.string().regex(/^[1-9]\d{0,4}x[1-9]\d{0,4}$/, 'expected <width>x<height> in pixels, for example 224x224')

const methodNames = Object.keys(methods) as [MethodName, ...MethodName[]]

/** Every option of a run with its range and default; the command line, config files and the library share it. */
const configSchema = z.strictObject({
  images: place.optional(),
  out: place.optional(),
  labels: place.optional(),
  classes: place.optional(),
  pairs: place.optional(),
  model: z.string().min(1, 'expected a name or a file').default('auto'),
  output: z.string().optional(),
  mean: perChannel(z.number()),
  std: perChannel(z.number().positive()),
  inputLayout: choice('nchw', 'nhwc').optional(),
  colorOrder: choice('rgb', 'bgr').optional(),
  inputSize: size.optional(),
  classMap: place.optional(),
  device: choice('auto', 'cuda', 'webgpu', 'cpu').default('auto'),
  exact: z.boolean().default(false),
  method: choice(...methodNames).default('sage'),
  /** Parameters of the method; those not given take its paper's defaults. */
  parameters: z.record(z.string(), z.union([z.number(), z.string()])).default({}),
  count: integer(1, 999_999_999).optional(),
  epochs: integer(1, 1_000_000).default(1),
  pairing: choice('any', 'different-class', 'same-class').default('any'),
  seed: integer(0, Number.MAX_SAFE_INTEGER).default(0),
  blurSigma: number(0, 10).default(1),
  blurKernel: integer(0, 31)
    .refine((kernel) => kernel === 0 || kernel % 2 === 1, 'expected an odd number, or 0 for no blur')
    .default(5),
  loss: choice('ce', 'bce').default('ce'),
  target: choice('auto', 'label', 'predicted').default('auto'),
  channelNorm: choice('mean', 'l2').default('mean'),
  shift: shift.default('exact'),
  size: size.optional(),
  format: choice('jpeg', 'png').default('jpeg'),
  quality: integer(1, 100).default(95),
  labelsFormat: choice(...LABELS_FORMATS).default('csv'),
  layout: choice(...LAYOUTS).default('flat'),
  includeOriginals: z.boolean().default(false),
  writeMasks: z.boolean().default(false),
  maxPixels: integer(1, 2 ** 40).default(DEFAULT_MAX_PIXELS),
  shard: z
    .string()
    .regex(/^(\d+\/\d+|auto(\/\d+)?)$/, 'expected <i>/<n>, auto or auto/<n>')
    .optional(),
  jobs: integer(1, 1024).optional(),
  batch: integer(1, 4096).optional(),
  strict: z.boolean().default(false),
  overwrite: z.boolean().default(false),
  retryFailed: z.boolean().default(false),
  dryRun: z.boolean().default(false),
  report: z.boolean().default(false),
})

export type Config = z.infer<typeof configSchema>
export type ConfigInput = z.input<typeof configSchema>

/** Options that say where things are or how fast to go; what is in the inputs and the model is compared by content. */
const NOT_COMPARED: readonly (keyof Config)[] = [
  ...(['out', 'images', 'labels', 'pairs', 'classes', 'model', 'device', 'shard'] as const),
  ...(['jobs', 'batch', 'strict', 'overwrite', 'retryFailed', 'dryRun', 'report', 'maxPixels'] as const),
]

/** What is wrong with one option: "expected ..., got ...". */
interface OptionProblem {
  readonly name: string
  readonly problem: string
}

/** Everything that is wrong with the options on their own, by name; parameters of a method are checked by parseConfig. */
export function configProblems(input: Readonly<Record<string, unknown>>): OptionProblem[] {
  const issues = configSchema.safeParse(input).error?.issues ?? []
  return issues.flatMap((issue): OptionProblem[] => {
    if (issue.code === 'unrecognized_keys') {
      const known = Object.keys(configSchema.shape)
      return issue.keys.map((name) => ({ name, problem: `unknown option${didYouMean(name, known)}` }))
    }
    const name = String(issue.path[0])
    const [expected, question] = issue.message.replace(/^Invalid input: /, '').split('; ')
    const given = `got ${JSON.stringify(input[name])}`
    return [{ name, problem: [`${expected}, ${given}`, question].filter(Boolean).join('; ') }]
  })
}

/** The checked options; throws a usage error that names every option out of range at once. */
export function parseConfig(input: ConfigInput): Config {
  const problems = configProblems(input)
  if (problems.length > 0) throw misuse(problems.map(({ name, problem }) => `${flagOf(name)}: ${problem}`))
  const config = configSchema.parse(input)
  const lines = Object.entries(config.parameters).flatMap(([name, value]) => checkParameter(config.method, name, value))
  if (lines.length > 0) throw misuse(lines)
  return { ...config, parameters: { ...defaultParameters(config.method), ...config.parameters } }
}

/** The JSON schema of a configuration file. */
export function configJsonSchema() {
  const schema = z.toJSONSchema(configSchema.extend({ $schema: z.string().optional() }), { io: 'input' })
  return { title: 'Options of sage-augment', ...schema }
}

function misuse(lines: readonly string[]): AugmentError {
  return new AugmentError('usage', lines.join('\n'), { hint: 'sage-augment --help lists the options and their ranges' })
}

/** What is wrong with a parameter of a method, if anything. */
function checkParameter(method: MethodName, name: string, value: number | string): string[] {
  const parameter = describedParameters(method)[name]
  if (parameter === undefined) return [`${flagOf(name)}: --method ${method} has no such parameter`]
  const schema =
    'choices' in parameter
      ? z.enum(parameter.choices, `expected ${parameter.choices.join(' or ')}`)
      : (parameter.whole ? integer : number)(parameter.low, parameter.high)
  const { error } = schema.safeParse(value)
  return error === undefined ? [] : [`${flagOf(name)}: ${error.issues[0]!.message}, got ${JSON.stringify(value)}`]
}

/** The options that decide the output, as run.json records them and a resumed run compares them. */
export function decisive(config: Config): Record<string, unknown> {
  return Object.fromEntries(Object.entries(config).filter(([name]) => !NOT_COMPARED.includes(name as keyof Config)))
}

/** `224x128` -> [224, 128]. */
export function parseSize(text: string): [width: number, height: number] {
  return text.split('x').map(Number) as [number, number]
}

/** The shift option as the method takes it. */
export function shiftOf(config: Config): 'exact' | 'none' | { sample: number } {
  if (config.shift === 'exact' || config.shift === 'none') return config.shift
  return { sample: fractionOf(config.shift) }
}
