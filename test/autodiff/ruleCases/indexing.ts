import type { Attributes } from '../../../src/onnx/node.js'
import { DataType } from '../../../src/onnx/tensor.js'
import { float, one, type RuleCase } from './ruleCase.js'

/** Of [1, 2, 4, 5], to the given sizes, or where there are `scales` by these. */
const resize = (
  attributes: Attributes,
  sizes: readonly number[],
  scales?: readonly number[],
  { opset = 17, dims = [1, 2, 4, 5] }: { opset?: number; dims?: readonly number[] } = {},
): RuleCase => {
  const given = scales
    ? { weights: { 2: { dims: [scales.length], values: scales, dtype: DataType.FLOAT } } }
    : { integers: { 3: sizes } }
  return one('Resize', [dims], attributes, { ...given, opset })
}

const COORDINATES = ['half_pixel', 'half_pixel_symmetric', 'pytorch_half_pixel', 'align_corners', 'asymmetric']

/** The forms of Resize of opset 19, in one mode: coordinates, sizes or scales, named axes, antialias. */
const resizes = (mode: string): RuleCase[] =>
  COORDINATES.flatMap((coordinates) => {
    const attributes = { mode, coordinate_transformation_mode: coordinates }
    const newest = { opset: 19 }
    const isDifferentiable = mode !== 'nearest'
    return [
      resize(attributes, [], [1, 1, 1.7, 0.6], newest),
      resize(attributes, [1, 2, 1, 9], undefined, newest),
      resize({ ...attributes, axes: [-1, 2] }, [7, 3], undefined, newest),
      ...(isDifferentiable ? [resize({ ...attributes, antialias: 1 }, [], [1, 1, 0.6, 1.8], newest)] : []),
      ...(isDifferentiable ? [] : ['round_prefer_ceil', 'floor', 'ceil']).map((nearest) =>
        resize({ ...attributes, nearest_mode: nearest }, [], [1, 1, 1.5, 0.5], newest),
      ),
    ]
  })

export const INDEXING: Record<string, readonly RuleCase[]> = {
  Gather: [
    one('Gather', [[4, 3]], {}, { integers: { 1: [0, 2, 2, -1] } }),
    one('Gather', [[2, 4, 3]], { axis: 1 }, { integers: { 1: 2 } }),
    one('Gather', [[2, 4, 3]], { axis: -2 }, { integers: { 1: [-1] } }),
    one(
      'Gather',
      [[2, 4, 3]],
      { axis: 2 },
      { weights: { 1: { dims: [2, 2], values: [0, 1, 1, 2], dtype: DataType.INT64 } } },
    ),
    one('Gather', [[2, 4]], { axis: 1 }, { weights: { 1: { dims: [1, 1], values: [3], dtype: DataType.INT64 } } }),
  ],
  GatherElements: [
    one(
      'GatherElements',
      [[3, 4]],
      { axis: 1 },
      { weights: { 1: { dims: [2, 3], values: [0, 0, 3, -1, 1, 1], dtype: DataType.INT64 } } },
    ),
    one(
      'GatherElements',
      [[3, 4]],
      {},
      { weights: { 1: { dims: [2, 3], values: [0, 0, 2, -1, 1, 1], dtype: DataType.INT64 } } },
    ),
  ],
  GatherND: [
    one(
      'GatherND',
      [[3, 4, 2]],
      {},
      { weights: { 1: { dims: [3, 2], values: [0, 1, 2, 3, 0, 1], dtype: DataType.INT64 } } },
    ),
    one(
      'GatherND',
      [[2, 3, 4, 2]],
      { batch_dims: 1 },
      { weights: { 1: { dims: [2, 3, 2], values: [0, 1, 2, 3, 0, 1, -1, 0, 1, -2, 1, 2], dtype: DataType.INT64 } } },
    ),
    one(
      'GatherND',
      [[2, 3, 4]],
      { batch_dims: 2 },
      { weights: { 1: { dims: [2, 3, 1], values: [3, 0, 1, 1, 2, -1], dtype: DataType.INT64 } } },
    ),
    one(
      'GatherND',
      [[2, 5, 3]],
      { batch_dims: 1 },
      { weights: { 1: { dims: [2, 2, 2, 1], values: [4, 0, 4, 1, -5, 2, 2, 2], dtype: DataType.INT64 } } },
    ),
  ],
  ScatterElements: [
    one(
      'ScatterElements',
      [[3, 4], undefined, [2, 2]],
      {},
      { weights: { 1: { dims: [2, 2], values: [0, 2, 1, 1], dtype: DataType.INT64 } } },
    ),
    one(
      'ScatterElements',
      [[3, 4], undefined, [2, 2]],
      { axis: 1 },
      { weights: { 1: { dims: [2, 2], values: [0, 3, 1, 2], dtype: DataType.INT64 } } },
    ),
    one(
      'ScatterElements',
      [[3, 4], undefined, [2, 2]],
      { axis: 0, reduction: 'add' },
      { weights: { 1: { dims: [2, 2], values: [0, 2, 0, 2], dtype: DataType.INT64 } } },
    ),
  ],
  ScatterND: [
    one(
      'ScatterND',
      [[4, 3], undefined, [2, 3]],
      {},
      { weights: { 1: { dims: [2, 1], values: [3, 1], dtype: DataType.INT64 } } },
    ),
    one(
      'ScatterND',
      [[4, 3], undefined, [2, 3]],
      { reduction: 'add' },
      { weights: { 1: { dims: [2, 1], values: [1, 1], dtype: DataType.INT64 } } },
    ),
  ],
  TopK: [
    one('TopK', [[2, 3, 4]], {}, { integers: { 1: [2] }, outputs: 2 }),
    one('TopK', [[3, 5]], {}, { integers: { 1: [2] }, outputs: 2 }),
    one('TopK', [[5, 3]], { axis: 0, largest: 0 }, { integers: { 1: [3] }, outputs: 2 }),
  ],
  Resize: [
    resize({ mode: 'nearest', coordinate_transformation_mode: 'asymmetric', nearest_mode: 'floor' }, [], [1, 1, 2, 3]),
    resize({ mode: 'nearest' }, [1, 2, 7, 3]),
    resize({ mode: 'nearest' }, [1, 4, 4, 3]),
    resize({ mode: 'linear' }, [1, 2, 8, 10]),
    resize({ mode: 'linear', coordinate_transformation_mode: 'align_corners' }, [1, 2, 7, 5]),
    resize({ mode: 'linear', coordinate_transformation_mode: 'pytorch_half_pixel' }, [], [1, 1, 1.5, 0.6]),
    resize({ mode: 'cubic' }, [1, 2, 9, 11]),
    resize({ mode: 'cubic', cubic_coeff_a: float(-0.5), exclude_outside: 1 }, [1, 2, 9, 11]),
    ...['nearest', 'linear', 'cubic'].flatMap(resizes),
    resize({ mode: 'linear', antialias: 1, exclude_outside: 1 }, [1, 2, 3, 2], undefined, { opset: 18 }),
    // Factors that leave every size; then one that leaves a size, beside one that does not, with antialias.
    resize({ mode: 'linear' }, [], [1, 1, 1.2, 1.1]),
    resize({ mode: 'linear', antialias: 1 }, [], [1, 1, 1.2, 2], { opset: 18 }),
    resize({ mode: 'linear', axes: [1], keep_aspect_ratio_policy: 'stretch' }, [], [1.5], { opset: 18, dims: [3, 5] }),
    resize({ mode: 'linear' }, [], [1, 1.5, 2, 1]),
    resize({ mode: 'linear' }, [], [1, 1, 1.5, 2, 0.7], { dims: [1, 2, 3, 4, 5] }),
  ],
}
