import { expect, test } from 'vitest'
import { EXPANSIONS } from '../../src/autodiff/expansions/index.js'
import { RULES } from '../../src/autodiff/rules/index.js'
import { operatorOf } from '../../src/onnx/node.js'
import { expectGradient, expectSameOutputs } from '../helpers/gradientCheck.js'
import { RULE_CASES } from './ruleCases/index.js'

test.each(Object.keys(RULE_CASES))('the rule of %s agrees with central differences', async (op) => {
  for (const [i, item] of RULE_CASES[op]!.entries()) await expectGradient(item, `case ${i}`)
})

test.each(Object.keys(RULE_CASES).filter((op) => EXPANSIONS[op]))(
  '%s written out computes what onnxruntime makes of it',
  async (op) => {
    for (const [i, item] of RULE_CASES[op]!.entries()) await expectSameOutputs(item, `case ${i}`)
  },
)

test('every rule and every expansion has cases and every case one of them', () => {
  const operators = new Set([...Object.keys(RULES), ...Object.keys(EXPANSIONS)])
  expect(Object.keys(RULE_CASES).sort()).toEqual([...operators].sort())
  for (const [op, cases] of Object.entries(RULE_CASES)) {
    for (const item of cases) expect(item.nodes.map(operatorOf)).toContain(op)
  }
})
