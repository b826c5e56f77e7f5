import { AugmentError } from '../core/errors.js'
import { flagOf } from '../core/flag.js'
import { type Command, commands, optionsOf, takesParameters } from '../options/commands.js'
import { helpOf, listed, type Option, type Table } from '../options/option.js'
import type { Invocation } from './invocation.js'
import { methodParameters } from './parameters.js'

/** What a shell needs to know of one command. */
interface Words {
  /** Null for the main job. */
  readonly command: string | null
  readonly about: string
  /** Commands below it. */
  readonly below: readonly string[]
  readonly options: readonly {
    readonly flag: string
    readonly about: string
    /** The values it takes; none for a switch, null for anything, which is completed as a file. */
    readonly values: readonly string[] | null
  }[]
}

const SHELLS = { bash, zsh, fish }

/** `sage-augment completion <shell>`: a script for the shell, made from the tables of commands and options. */
export async function completionCommand({ words: [shell = ''], report }: Invocation<'completion'>): Promise<void> {
  if (!isShell(shell)) {
    throw new AugmentError('usage', `completion ${shell}: found no such shell, expected ${listed(Object.keys(SHELLS))}`)
  }
  const script = SHELLS[shell](allWords())
  report.result({ shell, script }, script.trimEnd())
}

function isShell(word: string): word is keyof typeof SHELLS {
  return word in SHELLS
}

function allWords(): Words[] {
  const top = Object.entries(commands as Readonly<Record<string, Command>>).filter(([name]) => !name.includes(' '))
  return top.map(([name, command]) => {
    const below = Object.entries(commands).filter(([other]) => other.startsWith(`${name} `))
    const isMain = name === 'augment'
    const options: Table = Object.assign(
      {},
      ...[command, ...below.map(([, other]) => other)].map(optionsOf),
      takesParameters(command) && methodParameters,
    )
    return {
      command: isMain ? null : name,
      about: command.about,
      below: isMain
        ? top.map(([other]) => other).filter((other) => other !== name)
        : below.map(([other]) => other.split(' ')[1]!),
      options: [
        ...Object.entries(options)
          .filter(([, { isArgument }]) => !isArgument)
          .map(([key, option]) => ({ flag: flagOf(key), about: helpOf(option), values: valuesOf(option) })),
        { flag: '--help', about: 'show the usual options', values: [] },
      ],
    }
  })
}

function valuesOf(option: Option): readonly string[] | null {
  if (option.type === 'flag') return []
  return 'choices' in option ? option.choices : null
}

function bash(all: readonly Words[]): string {
  const commands = all.flatMap(({ command }) => command ?? [])
  const values = all.flatMap(({ command, options }) =>
    options
      .filter((option) => option.values === null || option.values.length > 0)
      .map(({ flag, values }) => `    "${command ?? ''} ${flag}") words="${values?.join(' ') ?? ''}" ;;`),
  )
  const flags = all.map(({ command, below, options }) => {
    return `      ${command ?? '""'}) words="${[...below, ...options.map(({ flag }) => flag)].join(' ')}" ;;`
  })
  return `_sage_augment() {
  local cur="\${COMP_WORDS[COMP_CWORD]}" prev="\${COMP_WORDS[COMP_CWORD - 1]}" command="" words=""
  case "\${COMP_WORDS[1]}" in ${commands.join('|')}) [ "$COMP_CWORD" -gt 1 ] && command="\${COMP_WORDS[1]}" ;; esac
  case "$command $prev" in
${values.join('\n')}
    *) case "$command" in
${flags.join('\n')}
    esac ;;
  esac
  COMPREPLY=($(compgen -W "$words" -- "$cur"))
}
complete -o default -F _sage_augment sage-augment
`
}

/** A text between single quotes of a POSIX shell. */
const quoted = (text: string) => `'${text.replaceAll("'", "'\\''")}'`

function zsh(all: readonly Words[]): string {
  const described = (about: string) => about.replace(/[[\]:]/g, '\\$&')
  const commands = all.flatMap(({ command, about }) =>
    command === null ? [] : quoted(`${command}:${described(about)}`),
  )
  const blocks = all.map(({ command, options }) => {
    const specs = options.map(({ flag, about, values }) => {
      const value = values === null ? ':value:_files' : values.length > 0 ? `:value:(${values.join(' ')})` : ''
      return quoted(`${flag}[${described(about)}]${value}`)
    })
    return `    ${command ?? '*'}) _arguments ${specs.join(' ')} '*:file:_files' ;;`
  })
  return `#compdef sage-augment
_sage_augment() {
  local -a commands=(${commands.join(' ')})
  if (( CURRENT == 2 )) && [[ $PREFIX != -* ]]; then
    _describe command commands
    _files
    return
  fi
  case $words[2] in
${[...blocks.slice(1), ...blocks.slice(0, 1)].join('\n')}
  esac
}
compdef _sage_augment sage-augment
`
}

function fish(all: readonly Words[]): string {
  const commands = all.flatMap(({ command }) => command ?? []).join(' ')
  const lines = all.flatMap(({ command, about, options }) => {
    const where =
      command === null ? `not __fish_seen_subcommand_from ${commands}` : `__fish_seen_subcommand_from ${command}`
    const own =
      command === null ? [] : [`complete -c sage-augment -n __fish_use_subcommand -a ${command} -d ${quoted(about)}`]
    const flags = options.map(({ flag, about, values }) => {
      const value = values === null ? ' -r' : values.length > 0 ? ` -x -a ${quoted(values.join(' '))}` : ''
      return `complete -c sage-augment -n ${quoted(where)} -l ${flag.slice(2)}${value} -d ${quoted(about)}`
    })
    return [...own, ...flags]
  })
  return `${lines.join('\n')}\n`
}
