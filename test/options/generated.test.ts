import path from 'node:path'
import { expect, expectTypeOf, test } from 'vitest'
import type { mapOptions } from '../../src/options/commands.js'
import type { ConfigInput, MapOptions } from '../../src/options/inputs.js'
import type { Given } from '../../src/options/option.js'
import type { runOptions } from '../../src/options/run.js'
import { configJsonSchema } from '../../src/run/config.js'
import { inputTypes } from './inputTypes.js'
import { optionsPage } from './optionsPage.js'

const ROOT = path.resolve(import.meta.dirname, '../..')

/** Every text that is made from the tables and kept in a file. */
const TEXTS: Readonly<Record<string, () => string>> = {
  'sage-augment.schema.json': () => `${JSON.stringify(configJsonSchema(), null, 2)}\n`,
  'src/options/inputs.ts': inputTypes,
  'docs/options.md': optionsPage,
}

test.each(Object.keys(TEXTS))('%s is what the tables of options make (npm run generate)', async (file) => {
  await expect(TEXTS[file]!()).toMatchFileSnapshot(path.join(ROOT, file))
})

test('the types of the library are those of the tables', () => {
  type Parameters = { parameters?: Record<string, number | string> | undefined }
  type Both<A, B> = { [Name in keyof (A & B)]: (A & B)[Name] }
  expectTypeOf<ConfigInput>().toEqualTypeOf<Both<Given<typeof runOptions>, Parameters>>()
  expectTypeOf<MapOptions>().toEqualTypeOf<Given<typeof mapOptions>>()
})
