import path from 'node:path'
import { checkModel } from '../classifiers/resolveModel.js'
import { counted } from '../core/counted.js'
import { AugmentError } from '../core/errors.js'
import { flagOf } from '../core/flag.js'
import { filesOf } from '../dataset/source.js'
import { isObject } from '../objects/place.js'
import { REPORT } from '../output/layout.js'
import { openObjectOutput } from '../output/objectFolder.js'
import { type OutputFolder, openOutput } from '../output/outputFolder.js'
import { refuseOwnInputs } from '../output/ownInputs.js'
import { checkPlace } from '../output/place.js'
import type { Identity } from '../output/record.js'
import type { Failure, ProvenanceRow, Row } from '../output/rows.js'
import type { Made } from '../output/sameRun.js'
import { unitOf } from '../output/shardForms.js'
import { cores } from '../threads/cores.js'
import { orderedMap } from '../threads/orderedMap.js'
import type { Adaptation } from './adapted.js'
import { type Config, decisive } from './config.js'
import type { AugmentEvent } from './events.js'
import { type Explainer, startExplainer } from './explainer.js'
import { formatRange, greyRangeOf } from './greyRange.js'
import { type Inputs, planNotices, planRun, readInputs } from './inputs.js'
import { Interrupted } from './interrupted.js'
import { type Resources, startJobs } from './job.js'
import { describeLost } from './lost.js'
import { groupSizeOf, needsSaliency } from './mixer.js'
import { notice, noticesOf } from './notices.js'
import { checkObjectPlace } from './objectPlace.js'
import { heard, opened } from './opened.js'
import type { Plan } from './plan.js'
import { countReadings, describeReadings } from './readings.js'
import { drawPreview, timeOutputs } from './rehearsal.js'
import { mapNotices } from './replay.js'
import { writeReport } from './report.js'
import { type Asked, seenOf } from './seen.js'
import { formatShard, placeOf, placeShard, type Shard, shardRange } from './shard.js'
import { checkSpace } from './space.js'
import { takeStock } from './stock.js'
import { readClassMap } from './target.js'
import { checkGradient, mapTally, tallied } from './uniform.js'
import { usedBy } from './used.js'
import { versions } from './versions.js'
import { whereFrom } from './whereFrom.js'

/** Rows are made durable when so many wait, or so much time has passed: what a killed run loses. */
const FLUSH_ROWS = 256
const FLUSH_MS = 2000
/** So many bytes of pictures wait in memory, where they go into shards. */
const FLUSH_BYTES = 2 ** 26

const STARVED =
  'the limit of address space (ulimit -v, h_vmem) leaves no room for WebAssembly: the same shifts are searched without it, more slowly. ' +
  'NODE_OPTIONS=--disable-wasm-trap-handler needs less room, and so do fewer --jobs'

/** A run as it is asked for, not yet planned. */
export interface AskedRun {
  readonly config: Config
  readonly shard: Shard
  readonly asked: Asked | null
  readonly started: number
  readonly signal: AbortSignal | undefined
}

/** Plans a run and carries it out; see augment. */
export async function* plannedRun(run: AskedRun): AsyncGenerator<AugmentEvent, void> {
  const { config, shard, signal } = run
  await checkBeforehand(config, shard)
  const read = await readInputs(config)
  const inputs = { ...read, out: await placeShard(read.out, shard, config.shard) }
  await refuseOwnInputs(inputs.out, { root: inputs.root, files: filesOf(inputs.sources), what: 'a picture of the run' })
  const plan = planRun(inputs, config)
  // Each of its files of shards then is one of the whole.
  const range = shardRange(plan.length, shard, unitOf(config.layout))
  const { sources, classes } = inputs
  yield { type: 'plan', outputs: range.end - range.start, sources: sources.length, classes: classes.length }
  yield* noticesOf(inputs)
  for (const message of planNotices(plan, inputs, config)) yield notice(message)
  const adaptation = config.adapt ? yield* heard((tell) => adapted(config, inputs, tell, signal)) : null
  const explainer = needsSaliency(config) ? await startExplainer(config, inputs, {}, adaptation?.classifier) : null
  const device = explainer?.estimator.facts.device ?? null
  try {
    if (explainer !== null) {
      yield notice(explainer.message)
      for (const message of otherMaps(inputs, config, explainer)) yield notice(message)
      const warning = await checkGradient(explainer, inputs, config)
      if (warning !== null) yield notice(warning)
    }
    const ready = { ...run, inputs, plan, range, explainer, adaptation, device }
    yield* config.dryRun || config.preview !== undefined ? rehearse(ready) : carryOut(ready)
  } finally {
    await explainer?.estimator.close()
  }
}

/** Finds mistakes that need no look at the pictures, which may take long: the model, the class map, the place of the output. */
async function checkBeforehand(config: Config, shard: Shard): Promise<void> {
  if (needsSaliency(config)) {
    await checkModel(config.model)
    if (config.classMap !== undefined) await readClassMap(config.classMap)
  }
  // A file of pairs may name another place.
  if (config.pairs !== undefined && config.out === undefined) return
  const out = await placeOf(config, shard)
  if (isObject(out)) await checkObjectPlace(out, config)
  else await checkPlace(out)
  for (const name of ['labels', 'pairs', 'classes', 'classMap', 'model'] as const) {
    const { [name]: file = '' } = config
    const [root, files] = [path.dirname(file), [path.basename(file)]]
    await refuseOwnInputs(out, { root, files, what: `the file of ${flagOf(name)}` })
  }
}

/** Fits the classifier of a run; what that takes is only loaded for it. */
async function adapted(...given: Parameters<typeof import('./adapted.js').adapted>): Promise<Adaptation> {
  return (await import('./adapted.js')).adapted(...given)
}

function otherMaps({ replayed }: Inputs, config: Config, explainer: Explainer): string[] {
  if (replayed === null) return []
  const { kind: saliency, device } = explainer.estimator.facts
  return mapNotices(replayed, config, { model: modelOf(explainer), target: explainer.target, saliency, device })
}

/** A model as run.json has it, if there is one: with what its .json, the options and --class-map make of it, wherever they say it. */
function modelOf({ classifier, estimator: { facts }, logits }: Explainer) {
  if (classifier === null) return null
  const { name, sha256 } = classifier
  const { width, height, preprocessing } = facts
  return { name: path.basename(name), sha256, input: { width, height, ...preprocessing }, logits }
}

interface Run extends AskedRun {
  readonly inputs: Inputs
  readonly plan: Plan
  /** The outputs of this shard. */
  readonly range: { readonly start: number; readonly end: number }
  /** Null where the method needs no saliency. */
  readonly explainer: Explainer | null
  /** Null unless the run fits its own classes. */
  readonly adaptation: Adaptation | null
  readonly device: string | null
}

/** Tells what the run would take, and draws its first mixes if asked for; writes nothing else. */
async function* rehearse(run: Run): AsyncGenerator<AugmentEvent, void> {
  const { config, inputs, range, explainer, device, started } = run
  const { missing, bytes, free } = await checkSpace(inputs, config, range.end - range.start)
  yield { type: 'space', bytes, free }
  yield { type: 'start', device, model: explainer?.classifier?.name ?? null, done: 0 }
  const threads = config.jobs ?? cores()
  const resources = {
    estimator: explainer?.estimator ?? null,
    threads,
    range: await greyRangeOf(config, inputs),
    // What changes before the run begins is no change.
    check: () => {},
  }
  const preview = config.preview === undefined ? null : yield* drawPreview({ ...run, resources }, config.preview)
  const time = missing === 0 ? null : await timeOutputs({ ...run, resources }, missing)
  if (time !== null) yield { type: 'time', outputs: missing, ...time }
  const seconds = (performance.now() - started) / 1000
  const nothing = { out: inputs.out, written: 0, skipped: 0, made: 0, seconds, device }
  yield { type: 'done', ...nothing, ...(preview !== null && { preview }) }
}

async function* carryOut(run: Run): AsyncGenerator<AugmentEvent, void> {
  const { config, shard, inputs, plan, range, explainer, adaptation, device, started } = run
  const classifier = explainer?.classifier ?? null
  const model = explainer && modelOf(explainer)
  const stock = await takeStock(inputs, usedBy(plan, range, inputs, config))
  const greyRange = await greyRangeOf(config, inputs)
  const tally = mapTally(inputs.sources)
  const identity: Identity = {
    versions,
    options: {
      ...decisive(config),
      range: formatRange(greyRange),
      target: explainer?.target ?? null,
      saliency: explainer?.estimator.facts.kind ?? null,
    },
    inputs: stock.inputs,
    used: stock.used,
    model: model && { ...model, ...(adaptation && { features: adaptation.features }) },
    device,
    shard: formatShard(shard),
  }
  const how = {
    first: range.start,
    inputs: stock,
    sources: {
      ...stock,
      made(row: ProvenanceRow) {
        stock.made(row)
        tally.recall(row)
      },
    },
    ...(isWhole(config, shard) && { isOurs: (made: Made) => isPlanned(made, plan, inputs) }),
    overwrite: config.overwrite,
    retryFailed: config.retryFailed,
    facts: { ...whereFrom(inputs, config), outputs: range },
  }
  const open = isObject(inputs.out) ? openObjectOutput : openOutput
  const output = yield* opened((notice) => open(inputs.out, inputs.classes, identity, { ...how, notice }))
  try {
    await adaptation?.keep(output)
    yield { type: 'start', device, model: classifier?.name ?? null, done: output.tables.rows }
    const estimator = explainer && tallied(explainer.estimator, tally)
    const threads = config.jobs ?? cores()
    const resources = { estimator, output, threads, range: greyRange, check: stock.check }
    if (config.range === 'dataset') yield notice(`--range dataset: ${formatRange(greyRange)}`)
    const made = output.finished === null ? yield* work(run, resources) : 0
    const planned = range.end - range.start
    const written = output.tables.rows
    const maps = explainer && tally.counts()
    const counts = { planned, written, skipped: planned - written, ...maps }
    if (config.report) await writeReport(inputs, plan, config, { ...resources, counts, record: identity })
    const seconds = (performance.now() - started) / 1000
    if (output.finished === null) {
      const pictures = await countReadings(output.folder)
      // A pair may have labels of its own.
      const lost = counts.skipped > 0 && inputs.pairs === null ? await describeLost(output.folder, inputs) : null
      for (const message of [describeReadings(pictures), lost]) if (message !== null) yield notice(message)
      await output.finish({ counts, pictures, timings: { seconds }, seen: seenOf(run.asked, inputs, stock) })
    }
    const report = config.report ? { report: path.join(inputs.out, REPORT) } : {}
    await explainer?.estimator.close()
    const told = explainer?.estimator.told() ?? null
    if (told !== null) yield notice(told)
    const summary = { out: inputs.out, written, skipped: counts.skipped, made, seconds, device, ...maps, ...report }
    yield { type: 'done', ...summary }
  } finally {
    await output.close()
  }
}

/** Makes what is missing and returns how many outputs that were. */
async function* work(
  run: Run,
  resources: Omit<Resources, 'model'> & { readonly output: OutputFolder },
): AsyncGenerator<AugmentEvent, number> {
  const { range, config, signal, explainer } = run
  const { tables, pictures } = resources.output
  const jobs = startJobs(run.inputs, run.plan, config, { ...resources, model: explainer?.classifier?.sha256 ?? null })
  const outcomes = orderedMap(tables.next, range.end, jobs.window, (index) => jobs.run(index), signal)
  let [next, made] = [tables.next, 0]
  let rows: Row[] = []
  let failures: Failure[] = []
  let [flushed, told] = [performance.now(), false]
  async function flush(): Promise<void> {
    const [made, failed] = [rows, failures]
    // Cleared before they are written, so that none is written twice if that fails half-way.
    ;[rows, failures, flushed] = [[], [], performance.now()]
    await pictures.append(made, failed, next)
  }
  try {
    for await (const outcome of outcomes) {
      next++
      if (jobs.starved && !told) yield notice(STARVED)
      told = jobs.starved
      for (const message of jobs.warnings()) yield notice(message)
      if ('message' in outcome) {
        if (config.strict)
          throw new AugmentError('failed', outcome.message, { hint: 'without --strict it would be skipped' })
        failures.push(outcome)
        yield { type: 'skip', index: outcome.index, message: outcome.message }
      } else {
        rows.push(outcome)
        made++
      }
      const full = rows.length + failures.length >= FLUSH_ROWS || pictures.waiting > FLUSH_BYTES
      if (full || performance.now() - flushed > FLUSH_MS) await flush()
      const done = tables.rows + rows.length
      yield { type: 'progress', done, total: range.end - range.start, skipped: next - range.start - done }
    }
  } finally {
    await outcomes.return(undefined)
    await jobs.close()
    await flush()
  }
  if (signal?.aborted && next < range.end) {
    throw new Interrupted(`interrupted after ${next - range.start} of ${counted(range.end - range.start, 'output')}`)
  }
  return made
}

/** Whether outputs stay the same when the run is made longer or shorter. */
function isWhole(config: Config, { count }: Shard): boolean {
  return count === 1 && groupSizeOf(config) === 1
}

function isPlanned({ index, sources }: Made, plan: Plan, inputs: Inputs): boolean {
  if (index >= plan.length) return false
  const planned = plan.job(index).sources.map((source) => inputs.sources.at(source)!.file)
  return planned.length === sources.length && planned.every((file, i) => file === sources[i])
}
