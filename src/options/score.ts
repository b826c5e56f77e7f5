/** Options of `saliency --score`. */
import type { Table } from './option.js'

export const scoreOptions = {
  score: {
    type: 'flag',
    help: 'measure the kinds of maps, draw nothing',
    more: "Pointing: four pictures stand in a 2 x 2 grid; the score is the share of the map in the cell of its class (.25 by chance). With `judge`, also the area under the judge's probability of the class while pixels are added, and while they are removed, the most salient first. At most 200 pictures are used.",
  },
  judge: {
    type: 'path',
    value: 'name',
    isPath: (text: string) => text.endsWith('.onnx'),
    help: 'another classifier that judges, for --score',
  },
} as const satisfies Table
