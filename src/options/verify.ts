/** Options of `verify`. */
import type { Table } from './option.js'
import { runOptions } from './run.js'

export const verifyOptions = {
  shard: {
    type: 'text',
    value: 'i/n',
    pattern: runOptions.shard.pattern,
    expected: runOptions.shard.expected,
    help: 'look at the pictures of part i of n alone',
    more: 'Tables and names of files are checked whole in each; all parts together check every picture. `auto` and `auto/<n>` as in a run.',
  },
  repair: {
    type: 'flag',
    help: "keep the undamaged rows; the run's command then makes the rest",
    more: "Cuts the tables of a damaged run, finished or not, after the last row before the first damage. Undamaged rows after it are used again when the run's command is repeated.",
  },
} as const satisfies Table
