import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { augmentCommand } from '../../src/cli/augment.js'
import { flagOf } from '../../src/core/flag.js'
import { describedParameters, type MethodName, methods } from '../../src/mix/index.js'

const README = readFileSync(new URL('../../README.md', import.meta.url), 'utf8')

/** Parameters of methods, which --help-all lists with the methods that take them. */
const parameters = (Object.keys(methods) as MethodName[]).flatMap((name) =>
  Object.keys(describedParameters(name)).map(flagOf),
)

test('the table of options in the README has every option, and no other', async () => {
  const rows = /\| option \| default[\s\S]*?\n\n/.exec(README)![0].split('\n').slice(2)
  const named = rows.flatMap((row) => row.split(/(?<!\\)\|/)[1]?.match(/--[a-z-]+/g) ?? [])
  const options = (await augmentCommand({ parameters: true })).options.map(({ long }) => long!)
  const known = new Set([...parameters, '--help-all'])
  expect(named.filter((flag) => !known.has(flag)).sort()).toEqual(options.filter((flag) => !known.has(flag)).sort())
  expect(parameters).toEqual(expect.arrayContaining(named.filter((flag) => !options.includes(flag))))
})

test('the help of a parameter says what each method takes it for, and the default', async () => {
  const { options } = await augmentCommand({ parameters: true })
  for (const name of Object.keys(methods) as MethodName[]) {
    for (const [key, parameter] of Object.entries(describedParameters(name))) {
      const { description } = options.find(({ long }) => long === flagOf(key))!
      const use = description.split(`${parameter.description} (`)[1]?.split(')')[0]
      expect(use?.split(', '), `${name} ${key}`).toContain(`${name}: ${parameter.default}`)
    }
  }
})
