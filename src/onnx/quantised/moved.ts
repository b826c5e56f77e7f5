/** Operators that give back some of their integers, or the largest, unchanged; of Concat all inputs are data, else the first. */
export const MOVED: ReadonlySet<string> = new Set([
  'Concat',
  'DepthToSpace',
  'Expand',
  'Flatten',
  'Gather',
  'Identity',
  'MaxPool',
  'Reshape',
  'Slice',
  'SpaceToDepth',
  'Split',
  'Squeeze',
  'Tile',
  'Transpose',
  'Unsqueeze',
])
