/** The text of docs/options.md. */

import { flagOf } from '../../src/core/flag.js'
import { METHOD_NAMES } from '../../src/mix/names.js'
import { type Command, commands, optionsOf } from '../../src/options/commands.js'
import { defaultOf, GROUPS, type Option, rangeOf, type Table, termOf } from '../../src/options/option.js'
import { parametersOf, parameterUses } from '../../src/options/parameters.js'

const HEAD = `# Options

Made from the tables in \`src/options\` by \`npm run generate\`; \`sage-augment --help-all\` prints the same.

A configuration file (\`--config\`) and the library take the options of a run by their names in camel case: \`--blur-sigma\` is
\`blurSigma\`. Parameters of the method stand in \`"parameters": {}\`. Paths in a file are relative to it. What the command line
says wins. \`"$schema": "./node_modules/sage-augment/sage-augment.schema.json"\` makes editors complete and check the file.
`

export function optionsPage(): string {
  const run = commands.augment.run
  const main = GROUPS.map((group) => section(`### ${group}`, pick(optionsOf(commands.augment), group)))
  const others = Object.entries(commands).filter(([name]) => name !== 'augment')
  return [
    HEAD,
    '## augment\n',
    ...['```text\nsage-augment [images] [options]\nsage-augment augment [images] [options]\n```\n', ...main],
    '### Parameters of the method\n',
    parametersTable(),
    ...others.flatMap(([name, command]) => aboutCommand(name, command, run)),
  ].join('\n')
}

/** The options of a group, the argument left out. */
function pick(table: Table, group: string): Table {
  const entries = Object.entries(table).filter(([, option]) => (option.group ?? 'Options') === group)
  return Object.fromEntries(entries.filter(([, option]) => !option.isArgument))
}

function section(heading: string, table: Table): string {
  return `${heading}\n\n${optionTable(table)}`
}

function optionTable(table: Table): string {
  const rows = Object.entries(table).map(([name, option]) => {
    const range = rangeOf(option)?.replace(' or ', ', ')
    return row(
      `\`${termOf(name, option)}\``,
      range,
      usual(option),
      [sentence(option.help), option.more].filter(Boolean).join(' '),
    )
  })
  return ['| option | values | default | |', '|---|---|---|---|', ...rows, ''].join('\n')
}

function usual(option: Option): string | undefined {
  if (option.required) return 'required'
  return option.type === 'flag' ? 'off' : defaultOf(option)
}

function row(...cells: readonly (string | undefined)[]): string {
  return `| ${cells.map((cell) => (cell ?? '').replaceAll('|', '\\|')).join(' | ')} |`.replace(/ +\|/g, ' |')
}

/** A text of --help as a sentence; Markdown takes < for a tag. */
function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`.replaceAll('<', '\\<')
}

function parametersTable(): string {
  const rows = [...parameterUses].flatMap(([name, uses]) =>
    [...uses].map(([description, takers]) => {
      const methods = METHOD_NAMES.filter((method) => takers.some((taker) => taker.startsWith(`${method}: `)))
      const ranges = new Set(methods.map((method) => rangeOf(parametersOf(method)[name]!)))
      return row(`\`${flagOf(name)} <value>\``, [...ranges].join('; '), takers.join(', '), sentence(description))
    }),
  )
  return ['| option | values | default | |', '|---|---|---|---|', ...rows, ''].join('\n')
}

function aboutCommand(name: string, command: Command, run: Table): string[] {
  const same = Object.keys(command.run ?? {}).filter((option) => command.run![option] === run[option])
  const others = Object.fromEntries(Object.entries(command.run ?? {}).filter(([option]) => !same.includes(option)))
  const table = { ...others, ...command.own }
  const usage = ['sage-augment', name, ...(command.arguments ?? []), '[options]'].join(' ')
  const shared =
    same.length === 0 ? [] : [`Takes from augment: ${same.map((option) => `\`${flagOf(option)}\``).join(', ')}.\n`]
  return [
    `## ${name}\n`,
    `${[sentence(command.about), command.note].filter(Boolean).join(' ')}\n`,
    `\`\`\`text\n${usage}\n\`\`\`\n`,
    ...(Object.keys(table).length === 0 ? [] : [optionTable(table)]),
    ...shared,
  ]
}
