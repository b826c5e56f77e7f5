import type { GraphBuilder, Value } from '../autodiff/builder.js'
import { DataType } from '../onnx/tensor.js'
import type { PictureInput } from './pictureInput.js'

/** Luma weights of ITU-R 601 in 1/65536: integers, so that the float32 sum is exact, and a grey pixel keeps its value. */
const LUMA = [19595, 38470, 7471]

/** pixels [N, H, W, 3] uint8 -> what the classifier sees, as float32. */
export function normalisedPixels(g: GraphBuilder, { channels, preprocessing }: PictureInput): Value {
  const { mean, std, scale, layout, colorOrder } = preprocessing
  const float = (values: readonly number[], dims?: readonly number[]) => g.constant(DataType.FLOAT, values, dims)
  let x = g.cast('pixels', DataType.FLOAT)
  if (channels === 1) x = g.mul(g.emit('MatMul', [x, float(LUMA, [3, 1])]), 1 / 65536)
  else if (colorOrder === 'bgr') x = g.emit('Gather', [x, g.integers([2, 1, 0])], { axis: 3 })
  x = g.div(g.sub(g.mul(x, scale), float(mean)), float(std))
  return layout === 'nchw' ? g.transpose(x, [0, 3, 1, 2]) : x
}
