/** Checks of options against their tables. */
import { z } from 'zod'
import { AugmentError } from '../core/errors.js'
import { flagOf } from '../core/flag.js'
import { didYouMean } from '../core/nearest.js'
import { SIZE } from '../core/size.js'
import { type Checked, helpOf, listed, type NumberKind, type Option, type Table, type TextKind } from './option.js'

/** What is wrong with one option: "expected ..., got ...". */
export interface Problem {
  readonly name: string
  readonly problem: string
}

/** The schema of an object of options, none of which is required. */
export function schemaOf(table: Table): z.ZodObject {
  return z.strictObject(Object.fromEntries(Object.entries(table).map(([name, option]) => [name, described(option)])))
}

/** With what it does, which editors show in a configuration file. */
function described(option: Option): z.ZodType {
  return fieldOf(option).describe(helpOf(option))
}

function fieldOf(option: Option): z.ZodType {
  const schema = valueSchema(option)
  if (option.type === 'flag') return schema.default(false)
  if ('default' in option && option.default !== undefined) return schema.default(option.default)
  return schema.optional()
}

function valueSchema(option: Option): z.ZodType {
  switch (option.type) {
    case 'flag':
      return z.boolean('expected true or false')
    case 'number':
    case 'integer':
      return numberSchema(option)
    case 'channels':
      return channelsSchema(option.isPositive ?? false)
    case 'choice':
      return choiceSchema(option.choices)
    case 'list':
      return listSchema(option.choices)
    case 'size':
      return z.string().regex(SIZE, 'expected <width>x<height> in pixels, for example 224x224')
    case 'path':
      return z.string().min(1, option.isPath ? 'expected a name or a file' : 'expected a path')
    case 'text':
      return textSchema(option)
  }
}

function numberSchema({ type, low, high, accepts, expected }: Omit<NumberKind, 'default'>): z.ZodType {
  const range = `expected a ${type === 'integer' ? 'whole ' : ''}number between ${low} and ${high}`
  const schema = (type === 'integer' ? z.int(range) : z.number(range)).min(low, range).max(high, range)
  return accepts === undefined ? schema : schema.refine(accepts, `expected ${expected}`)
}

function textSchema({ pattern, accepts, expected }: TextKind): z.ZodType {
  const message = `expected ${expected ?? 'a name'}`
  const schema = pattern === undefined ? z.string().min(1, message) : z.string().regex(pattern, message)
  return accepts === undefined ? schema : schema.refine(accepts, message)
}

function channelsSchema(isPositive: boolean): z.ZodType {
  const expected = `expected ${isPositive ? 'numbers above 0' : 'numbers'}`
  const number = isPositive ? z.number(expected).positive(expected) : z.number(expected)
  return z.array(number).refine(({ length }) => length === 1 || length === 3, 'expected 1 or 3 numbers')
}

function choiceSchema(choices: readonly string[]): z.ZodType {
  return z.enum(choices, { error: ({ input }) => `expected ${listed(choices)}${didYouMean(input, choices)}` })
}

function listSchema(choices: readonly string[]): z.ZodType {
  return z.array(z.enum(choices, `expected some of ${choices.join(', ')}`)).min(1, 'expected at least one')
}

/** Everything that is wrong with the options, each on its own. */
export function problemsOf(schema: z.ZodObject, input: Readonly<Record<string, unknown>>): Problem[] {
  const issues = schema.safeParse(input).error?.issues ?? []
  const problems = issues.flatMap((issue): Problem[] => {
    if (issue.code === 'unrecognized_keys') {
      const known = Object.keys(schema.shape)
      return issue.keys.map((name) => ({ name, problem: `unknown option${didYouMean(name, known)}` }))
    }
    const name = String(issue.path[0])
    const [expected, question] = issue.message.replace(/^Invalid input: /, '').split('; ')
    const given = `got ${JSON.stringify(input[name])}`
    return [{ name, problem: [`${expected}, ${given}`, question].filter(Boolean).join('; ') }]
  })
  // The elements of a list may all be wrong alike.
  return problems.filter(
    (one, i) => problems.findIndex(({ name, problem }) => name === one.name && problem === one.problem) === i,
  )
}

/** A usage error that names every problem by its flag; `help` is the command that tells more. */
export function misuse(problems: readonly Problem[], help = 'sage-augment --help-all'): AugmentError {
  const lines = problems.map(({ name, problem }) => `${flagOf(name)}: ${problem}`)
  return new AugmentError('usage', lines.join('\n'), { hint: `${help} lists the options and their ranges` })
}

/** The options with their defaults. Throws a usage error that names every option out of range at once. */
export function checked<T extends Table>(table: T, given: object, help?: string): Checked<T> {
  const schema = schemaOf(table)
  const problems = problemsOf(schema, given as Record<string, unknown>)
  if (problems.length > 0) throw misuse(problems, help)
  return schema.parse(given) as Checked<T>
}
