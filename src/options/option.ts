/**
 * What an option is. Each is defined once, in a table of this folder; the command line, --help, configuration files, the
 * library's types, completion and docs/options.md are made from the tables.
 */
import { flagOf } from '../core/flag.js'

/** Headings of --help-all, in their order. */
export const GROUPS = [
  'Options',
  'What is made',
  'The method',
  'The saliency maps',
  'The classifier',
  'The run',
] as const

interface Common {
  /** What it does, in a few words: --help shows it. */
  readonly help: string
  /** Further sentences for docs/options.md and editors, in Markdown. */
  readonly more?: string
  /** 'Options' if absent. */
  readonly group?: (typeof GROUPS)[number]
  /** Stands for the value, as `dir` in `--out <dir>`. */
  readonly value?: string
  /** The commands that take an option of a run. */
  readonly commands?: readonly string[]
  /** Only --help-all shows it; or the commands of which that is so. */
  readonly rare?: true | readonly string[]
  readonly required?: true
  /** What happens without it, in words, where `default` and `fallback` do not say it. */
  readonly otherwise?: string
  /** False where a run may be continued with another value, or what it names is compared by content. */
  readonly compared?: false
  /** Not an option of the command line but its first argument. */
  readonly isArgument?: true
}

/** A value put in for a missing one while the options are checked. */
interface Default<T> {
  readonly default?: T
}

/** A value that the caller puts in later, where nothing else (a pairs file) says it. */
interface Fallback<T> {
  readonly fallback?: T
}

export interface NumberKind extends Default<number>, Fallback<number> {
  readonly type: 'number' | 'integer'
  /** The range, with both ends. */
  readonly low: number
  readonly high: number
  /** A condition within the range, and its words. */
  readonly accepts?: (value: number) => boolean
  readonly expected?: string
}

export interface TextKind extends Default<string> {
  readonly type: 'text'
  readonly pattern?: RegExp
  readonly accepts?: (value: string) => boolean
  readonly expected?: string
}

interface PathKind extends Default<string>, Fallback<string> {
  readonly type: 'path'
  /** Which values are paths, where others are names. */
  readonly isPath?: (value: string) => boolean
}

/** One number for a grey input, three for a coloured one. */
interface ChannelsKind {
  readonly type: 'channels'
  readonly isPositive?: true
}

/** `224x128`: width and height in pixels. */
interface SizeKind {
  readonly type: 'size'
}

/** On or off, off by default. */
interface FlagKind {
  readonly type: 'flag'
}

interface ChoiceKind extends Default<string> {
  readonly type: 'choice'
  readonly choices: readonly string[]
}

/** Some of the choices: an array, on the command line with commas between them. */
interface ListKind {
  readonly type: 'list'
  readonly choices: readonly string[]
}

type Kind = NumberKind | TextKind | PathKind | ChannelsKind | SizeKind | FlagKind | ChoiceKind | ListKind

export type Option = Common & Kind

/** Options by name, as in configuration files: `blurSigma` is --blur-sigma. */
export type Table = Readonly<Record<string, Option>>

type ValueOf<O> = O extends { choices: readonly (infer Choice)[]; type: infer Type }
  ? Type extends 'list'
    ? readonly Choice[]
    : Choice
  : O extends { type: 'flag' }
    ? boolean
    : O extends { type: 'number' | 'integer' }
      ? number
      : O extends { type: 'channels' }
        ? number[]
        : string

/** What may be given for the options of a table. */
export type Given<T> = { -readonly [Name in keyof T]?: ValueOf<T[Name]> | undefined }

type Settled<O> = O extends { type: 'flag' } | { default: unknown } | { required: true } ? true : false

/** The checked options of a table, defaults put in. */
export type Checked<T> = {
  [Name in keyof T as Settled<T[Name]> extends true ? Name : never]: ValueOf<T[Name]>
} & { [Name in keyof T as Settled<T[Name]> extends true ? never : Name]?: ValueOf<T[Name]> | undefined }

/** The flag and what stands for its value: `--out <dir>`. */
export function termOf(name: string, option: Option): string {
  return option.type === 'flag' ? flagOf(name) : `${flagOf(name)} <${placeholderOf(option)}>`
}

function placeholderOf(option: Option): string {
  if (option.value !== undefined) return option.value
  if (option.type === 'size') return 'WxH'
  if (option.type === 'list') return 'names'
  if (option.type === 'channels') return 'r,g,b'
  if (option.type === 'number' || option.type === 'integer') return 'n'
  return option.type === 'path' ? 'file' : 'name'
}

/** What is done without the option: a value, words, or nothing to say. */
export function defaultOf(option: Option): string | undefined {
  const value = 'default' in option ? option.default : 'fallback' in option ? option.fallback : undefined
  return value === undefined ? option.otherwise : String(value)
}

/** `1 to 100`, `any, same-class or different-class`; nothing where the type says all. */
export function rangeOf(option: Option): string | undefined {
  if ('choices' in option) return listed(option.choices)
  if (option.type !== 'number' && option.type !== 'integer') return undefined
  // A limit that is never reached is not worth a word.
  return option.high > 100_000 ? undefined : `${option.low} to ${option.high}`
}

/** `a, b or c`. */
export function listed(names: readonly string[]): string {
  return names.length < 2 ? names.join() : `${names.slice(0, -1).join(', ')} or ${names.at(-1)}`
}

/** Choices that the short help has room for. */
const FEW = 5

/** One line about the option with its range and default, as --help-all prints it; a long list is cut in the short help. */
export function helpOf(option: Option, { isBrief = false } = {}): string {
  const isLong = isBrief && 'choices' in option && option.choices.length > FEW
  const range = isLong ? `${option.choices.slice(0, 3).join(', ')}, ...` : rangeOf(option)
  const usual = defaultOf(option)
  const facts = [range, ...(usual === undefined ? [] : [`default: ${usual}`])].filter(Boolean)
  return `${option.help}${facts.length === 0 ? '' : ` (${facts.join('; ')})`}`
}
