/** Options of `submit`, besides those of the run that it submits. */
import type { Table } from './option.js'
import { runOptions } from './run.js'

/** The folder of a run whose shards are made apart. */
export const joinedOut = {
  ...runOptions.out,
  help: 'folder for the joined run',
  more: 'The shards lie beside it, as `aug-1-of-8`.',
} as const

export const submitOptions = {
  shards: { type: 'integer', low: 1, high: 100_000, required: true, help: 'number of tasks' },
  yes: {
    type: 'flag',
    help: 'send the jobs, by sbatch, qsub or kubectl',
    more: 'Without it they are printed, as lines for a shell. For Kubernetes it waits until the array is complete.',
  },
  image: { type: 'text', expected: 'the name of an image', help: 'container image with sage-augment, for k8s' },
  claim: { type: 'text', help: 'persistentVolumeClaim of all pods, for k8s' },
  mount: { type: 'path', value: 'dir', fallback: '/data', help: 'where the pods see the claim, for k8s' },
} as const satisfies Table
