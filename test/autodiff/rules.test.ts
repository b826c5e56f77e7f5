import { expect, test } from 'vitest'
import { RULES } from '../../src/autodiff/rules/index.js'
import { expectGradient } from '../helpers/gradientCheck.js'
import { RULE_CASES } from './ruleCases/index.js'

test.each(Object.keys(RULE_CASES))('the rule of %s agrees with central differences', async (op) => {
  for (const [i, item] of RULE_CASES[op]!.entries()) await expectGradient(item, `case ${i}`)
})

test('every rule has cases and every case a rule', () => {
  expect(Object.keys(RULE_CASES).sort()).toEqual(Object.keys(RULES).sort())
  for (const [op, cases] of Object.entries(RULE_CASES)) {
    for (const item of cases) expect(item.nodes.map((node) => node.opType)).toContain(op)
  }
})
