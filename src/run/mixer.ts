import { methods } from '../mix/index.js'
import type { GroupMethod, Method } from '../mix/method.js'
import { Pool } from '../threads/pool.js'
import { type Config, shiftOf } from './config.js'
import { type MixReply, type MixRequest, mixRequested } from './mixRequest.js'
import type { Job, Plan } from './plan.js'
import type { View, Views } from './views.js'

/** A mixed picture and the sources that have a share in it, in the order of its weights. */
export interface MixedJob extends MixReply {
  readonly shares: readonly { readonly source: number; readonly view: View }[]
  readonly canvas: readonly [width: number, height: number]
}

export interface Mixer {
  mix(job: Job): Promise<MixedJob>
  /** Whether a thread searches slowly for want of memory. */
  readonly starved: boolean
  close(): Promise<void>
}

/** Whether the run's method needs saliency maps, and so a model. */
export function needsSaliency(config: Config): boolean {
  const method = methods[config.method] as Method<unknown>
  return method.needsSaliency(mixParameters(config))
}

/** How many consecutive outputs the run's method mixes at once. */
export function groupSizeOf(config: Config): number {
  const method = methods[config.method]
  return 'mixGroup' in method ? (method as GroupMethod<unknown>).groupSize(mixParameters(config)) : 1
}

/** The outputs that are mixed together with output `index`, in groups of `size` consecutive ones of a pass. */
export function groupOf(plan: Plan, index: number, size: number): [first: number, end: number] {
  const { start, end } = plan.pass(index)
  const first = index - ((index - start) % size)
  return [first, Math.min(first + size, end)]
}

/** The parameters of the run's method, as it takes them. */
export function mixParameters(config: Config): Record<string, unknown> {
  if (config.method !== 'sage') return config.parameters
  const { shiftStep } = config
  return { ...config.parameters, shift: shiftOf(config), ...(shiftStep !== undefined && { shiftStep }) }
}

/** Methods that only blend: on a small canvas that takes less than to ask a thread for it. */
const QUICK: ReadonlySet<Config['method']> = new Set(['mixup', 'cutmix', 'smoothmix'])
const QUICK_PIXELS = 10_000

/** Mixing threads, which get one job at a time, or for methods of groups (Co-Mixup) one group of consecutive jobs. */
export function startMixer(
  plan: Plan,
  config: Config,
  threads: number,
  pictures: Pick<Views, 'canvasOf' | 'view'>,
): Mixer {
  let pool: Pool<MixRequest, MixReply[]> | undefined
  const inThread = (request: MixRequest) => {
    pool ??= new Pool(new URL('./mixWorker.js', import.meta.url), threads, null)
    return pool.call(request)
  }
  const method = methods[config.method]
  const group = 'mixGroup' in method ? (method as GroupMethod<unknown>) : null
  const parameters = mixParameters(config)

  let starved = false

  async function run(sources: readonly number[], index: number, more: Record<string, unknown>) {
    const canvas = await pictures.canvasOf(sources[0]!)
    const views = await Promise.all(sources.map((source) => pictures.view(source, ...canvas)))
    const request: MixRequest = {
      method: config.method,
      parameters: { ...parameters, ...more },
      sources: views.map(({ image, saliency }) => ({ image, saliency })),
      seed: config.seed,
      index,
      masks: config.writeMasks,
    }
    const isQuick = QUICK.has(config.method) && canvas[0] * canvas[1] <= QUICK_PIXELS
    const replies = isQuick ? mixRequested(request) : await inThread(request)
    starved ||= replies.some((reply) => reply.starved)
    return replies.map((reply): MixedJob => {
      const places = reply.sources ?? sources.map((_, place) => place)
      return { ...reply, canvas, shares: places.map((place) => ({ source: sources[place]!, view: views[place]! })) }
    })
  }

  /** Results of the groups under way, each kept until all its jobs have taken theirs. */
  const groups = new Map<number, { result: Promise<MixedJob[]>; left: number }>()

  async function fromGroup(job: Job, size: number): Promise<MixedJob> {
    const [first, end] = groupOf(plan, job.index, size)
    const members = Array.from({ length: end - first }, (_, i) => plan.job(first + i).sources)
    // A last job alone is mixed with its partner.
    const sources = members.length === 1 ? members[0]! : members.map(([sample]) => sample!)
    const group = groups.get(first) ?? { result: run(sources, first, {}), left: end - first }
    groups.set(first, group)
    if (--group.left === 0) groups.delete(first)
    return (await group.result)[job.index - first]!
  }

  return {
    async mix(job) {
      if (group !== null) return fromGroup(job, group.groupSize(parameters))
      const { alpha, shift } = job.pair ?? {}
      const fixed = { ...(alpha !== undefined && { alpha }), ...(shift !== undefined && { shift }) }
      const [mixed] = await run(job.sources, job.pair?.stream ?? job.index, config.method === 'sage' ? { fixed } : {})
      return mixed!
    },
    get starved() {
      return starved
    },
    close: async () => pool?.close(),
  }
}
