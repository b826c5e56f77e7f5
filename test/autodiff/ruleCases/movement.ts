import { one, type RuleCase } from './ruleCase.js'

const slice = (starts: number[], ends: number[], axes?: number[], steps?: number[]): RuleCase =>
  one(
    'Slice',
    [[3, 5, 7]],
    {},
    { integers: { 1: starts, 2: ends, ...(axes && { 3: axes }), ...(steps && { 4: steps }) } },
  )

const pad = (mode: string, pads: number[], sizes = [2, 4, 5]): RuleCase =>
  one('Pad', [sizes], { mode }, { integers: { 1: pads } })

export const MOVEMENT: Record<string, readonly RuleCase[]> = {
  Flatten: [
    one('Flatten', [[2, 3, 4]]),
    one('Flatten', [[2, 3, 4]], { axis: 0 }),
    one('Flatten', [[2, 3, 4]], { axis: -1 }),
  ],
  Reshape: [
    one('Reshape', [[2, 3, 4]], {}, { integers: { 1: [0, -1] } }),
    one('Reshape', [[2, 6]], {}, { integers: { 1: [3, 2, 2] } }),
    one('Reshape', [[0, 3]], { allowzero: 1 }, { integers: { 1: [3, 0] } }),
  ],
  Squeeze: [one('Squeeze', [[2, 1, 3, 1]]), one('Squeeze', [[2, 1, 3, 1]], {}, { integers: { 1: [-1] } })],
  Unsqueeze: [one('Unsqueeze', [[2, 3]], {}, { integers: { 1: [0, -1] } })],
  Transpose: [one('Transpose', [[2, 3, 4]]), one('Transpose', [[2, 3, 4]], { perm: [1, 2, 0] })],
  Concat: [
    one(
      'Concat',
      [
        [2, 3],
        [2, 1],
        [2, 2],
      ],
      { axis: 1 },
    ),
    one(
      'Concat',
      [
        [2, 3],
        [1, 3],
      ],
      { axis: -2 },
    ),
    one(
      'Concat',
      [
        [2, 0],
        [2, 2],
      ],
      { axis: 1 },
    ),
  ],
  Split: [
    one('Split', [[2, 6]], { axis: 1 }, { integers: { 1: [1, 3, 2] }, outputs: 3 }),
    one('Split', [[4, 3]], {}, { outputs: 2 }),
    one('Split', [[5, 3]], { num_outputs: 2 }, { outputs: 2, opset: 18 }),
  ],
  Slice: [
    slice([1, 0], [3, 2], [1, 0]),
    slice([0, 1, -3], [2, 100, -1]),
    slice([0], [6], [2], [2]),
    slice([1], [7], [-1], [3]),
    slice([-1], [-100], [1], [-1]),
    slice([5, 100], [0, -100], [2, 1], [-2, -3]),
    slice([2], [2], [1]),
  ],
  Pad: [
    pad('constant', [0, 1, 2, 1, 0, 3]),
    pad('constant', [0, -1, 1, 0, 2, -2]),
    pad('reflect', [0, 2, 1, 0, 3, 4]),
    pad('edge', [0, 2, 1, 1, 0, 4]),
    pad('edge', [0, -1, 1, 0, 2, -1]),
    one('Pad', [[2, 4, 5]], { mode: 'wrap' }, { integers: { 1: [0, 2, 1, 0, 3, 4] }, opset: 19 }),
    one('Pad', [[2, 4]], {}, { integers: { 1: [1, 2], 3: [-1] }, opset: 18 }),
    one('Pad', [[2, 4], undefined, []], {}, { integers: { 1: [1, -1, 0, 2] } }),
  ],
  Expand: [
    one('Expand', [[3, 1]], {}, { integers: { 1: [2, 1, 4] } }),
    one('Expand', [[2, 3]], {}, { integers: { 1: [1] } }),
  ],
  Tile: [
    one('Tile', [[2, 3]], {}, { integers: { 1: [2, 1] } }),
    one('Tile', [[2, 3, 1]], {}, { integers: { 1: [1, 3, 2] } }),
  ],
  DepthToSpace: [
    one('DepthToSpace', [[2, 8, 2, 3]], { blocksize: 2 }),
    one('DepthToSpace', [[2, 8, 2, 3]], { blocksize: 2, mode: 'CRD' }),
  ],
  SpaceToDepth: [one('SpaceToDepth', [[2, 3, 4, 6]], { blocksize: 2 })],
  Trilu: [one('Trilu', [[2, 3, 4]]), one('Trilu', [[3, 4]], { upper: 0 }, { integers: { 1: 1 } })],
}
