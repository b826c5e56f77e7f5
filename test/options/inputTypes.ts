/** The text of src/options/inputs.ts: the types of options as the library takes them. */
import { mapOptions } from '../../src/options/commands.js'
import { defaultOf, type Option, rangeOf, type Table } from '../../src/options/option.js'
import { runOptions } from '../../src/options/run.js'

const HEAD = `/** The options as the library takes them. Made from the tables of this folder: npm run generate */
`

export function inputTypes(): string {
  const parameters = `  /** Parameters of the method; the defaults are those of its paper. */
  parameters?: Record<string, number | string> | undefined
`
  return [
    HEAD,
    `/** The options of a run. */\nexport interface ConfigInput {\n${fields(runOptions)}${parameters}}\n`,
    `/** What \`saliency\` draws beside the maps that mixing uses. */\nexport interface MapOptions {\n${fields(mapOptions)}}\n`,
  ].join('\n')
}

function fields(table: Table): string {
  return Object.entries(table)
    .map(([name, option]) => `  /** ${description(option)} */\n  ${name}?: ${typeOf(option)} | undefined\n`)
    .join('')
}

/** Help, further sentences, range and default. */
function description(option: Option): string {
  const usual = defaultOf(option)
  const range = 'choices' in option ? undefined : rangeOf(option)
  const facts = [range, usual && `default: ${usual}`].filter(Boolean).join('; ')
  return [`${sentence(option.help)}.`, option.more, facts && `${sentence(facts)}.`].filter(Boolean).join(' ')
}

const sentence = (text: string) => text.charAt(0).toUpperCase() + text.slice(1)

function typeOf(option: Option): string {
  switch (option.type) {
    case 'flag':
      return 'boolean'
    case 'number':
    case 'integer':
      return 'number'
    case 'channels':
      return 'number[]'
    case 'choice':
      return union(option.choices)
    case 'list':
      return `readonly (${union(option.choices)})[]`
    default:
      return 'string'
  }
}

const union = (choices: readonly string[]) => choices.map((choice) => `'${choice}'`).join(' | ')
