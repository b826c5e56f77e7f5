import { AugmentError } from '../core/errors.js'
import type { Config } from './config.js'
import { needsSaliency } from './mixer.js'

/** Throws a usage error that names every option that `adapt` does not go with. */
export function refuseAdapt(config: Config): void {
  if (!config.adapt) return
  const wrong: string[] = []
  if (!needsSaliency(config)) wrong.push(`--method ${config.method}: needs no classifier, expected no --adapt`)
  if (config.saliency === 'spectral') wrong.push('--saliency spectral: needs no classifier, expected no --adapt')
  if (config.target === 'predicted') wrong.push('--target predicted: --adapt fits the labels, expected label or auto')
  if (config.classMap !== undefined) wrong.push('--class-map: --adapt fits your own classes, expected one of the two')
  if (config.pairs !== undefined) wrong.push('--pairs: --adapt fits a labelled folder, expected one of the two')
  if (config.shard !== undefined) wrong.push('--shard: shards must share one classifier, expected no --adapt')
  if (wrong.length === 0) return
  const apart = config.pairs !== undefined || config.shard !== undefined
  const hint = 'sage-augment adapt <images> --out mine.onnx once, then --model mine.onnx'
  throw new AugmentError('usage', wrong.join('\n'), apart ? { hint } : {})
}
