import { expect, test } from 'vitest'
import type { ConfigInput } from '../../src/options/inputs.js'
import { parseConfig, shiftOf } from '../../src/run/config.js'

test('defaults are those of the interface', () => {
  expect(parseConfig({})).toMatchObject({
    model: 'auto',
    device: 'auto',
    exact: false,
    method: 'sage',
    parameters: { mixupAlpha: 1, upperLambda: 0.6 },
    epochs: 1,
    pairing: 'any',
    seed: 0,
    saliency: 'auto',
    loss: 'ce',
    target: 'auto',
    channelNorm: 'mean',
    shift: 'exact',
    format: 'jpeg',
    quality: 95,
    labelsFormat: 'csv',
    layout: 'flat',
    includeOriginals: false,
    writeMasks: false,
    maxPixels: 268_402_689,
    strict: false,
    overwrite: false,
    retryFailed: false,
    dryRun: false,
    report: false,
  })
})

test('every option out of range is named at once, with what was found and expected', () => {
  const wrong = { blurSigma: -1, blurKernel: 4, shift: 'sample:2', size: '3', loss: 'x', quality: 1.5, count: 0 }
  expect(() => parseConfig(wrong as unknown as ConfigInput)).toThrow(
    [
      '--count: expected a whole number between 1 and 999999999, got 0',
      '--size: expected <width>x<height> in pixels, for example 224x224, got "3"',
      '--quality: expected a whole number between 1 and 100, got 1.5',
      '--shift: expected exact, none or sample:<fraction above 0, at most 1>, got "sample:2"',
      '--blur-sigma: expected a number between 0 and 1000, got -1',
      '--blur-kernel: expected an odd number, or 0 for no blur, got 4',
      '--loss: expected ce, bce or logit, got "x"',
    ].join('\n'),
  )
})

test('an option that only another command takes is refused by name', () => {
  const wrong = { images: 'a', adapt: true, layot: 'flat', method: 'mixup', parameters: { mixupAlpha: 1 }, count: 0 }
  expect(() => parseConfig(wrong as unknown as ConfigInput, 'saliency')).toThrow(
    [
      '--adapt: saliency has no such option',
      '--method: saliency has no such option',
      '--count: saliency has no such option',
      '--mixup-alpha: saliency has no such option',
      '--count: expected a whole number between 1 and 999999999, got 0',
      '--layot: unknown option; did you mean layout?',
    ].join('\n'),
  )
  expect(() => parseConfig({ pairs: 'pairs.json' }, 'compare')).toThrow('--pairs: compare has no such option')
  const fine = { images: 'a', count: 2, pairing: 'same-class', pairs: undefined, parameters: {} } as const
  expect(parseConfig(fine, 'compare')).toMatchObject({ count: 2 })
})

test('a shift is exact, none, or a fraction', () => {
  expect(['exact', 'none', 'sample:0.01'].map((shift) => shiftOf(parseConfig({ shift })))).toEqual([
    'exact',
    'none',
    { sample: 0.01 },
  ])
})

test('parameters are those of the method, in its range', () => {
  expect(parseConfig({ method: 'cutmix' }).parameters).toEqual({ mixupAlpha: 1 })
  const wrong = { method: 'puzzlemix', parameters: { beta: -1, upperLambda: 0.5, blocks: 2.5 } } as const
  expect(() => parseConfig(wrong)).toThrow(
    [
      '--beta: expected a number between 0 and 1000, got -1',
      '--upper-lambda: --method puzzlemix has no such parameter',
      '--blocks: expected a whole number between 0 and 32, got 2.5',
    ].join('\n'),
  )
})
