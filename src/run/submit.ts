/** Sends a run in shards to a cluster: an array job, and the merge that depends on it. */
import { spawn } from 'node:child_process'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { AugmentError } from '../core/errors.js'
import { wordsOf } from '../core/flag.js'
import { isObject } from '../objects/place.js'
import type { ConfigInput } from '../options/inputs.js'
import { type Given, listed } from '../options/option.js'
import { runOptions } from '../options/run.js'
import { checked, misuse, type Problem } from '../options/schema.js'
import { submitOptions } from '../options/submit.js'
import {
  gridEngineSteps,
  kubernetesSteps,
  type Pod,
  SCHEDULERS,
  type Scheduler,
  type Step,
  shellText,
  slurmSteps,
  type Work,
} from './clusterJobs.js'
import { parseConfig } from './config.js'

/** What a run in shards is for a scheduler. */
export interface Submission {
  readonly scheduler: Scheduler
  readonly jobs: readonly Step[]
  /** The same as lines for a shell. */
  readonly script: string
  /** What the commands said, where the jobs were sent. */
  readonly sent?: readonly string[]
}

const HELP = 'sage-augment submit --help-all'

/** Options of a run that mean nothing for the tasks of an array, and why. */
const REFUSED: readonly { readonly name: keyof ConfigInput; readonly problem: string }[] = [
  { name: 'shard', problem: 'found with submit, expected --shards alone: each task takes its own' },
  { name: 'adapt', problem: 'found with submit, expected none: adapt once (sage-augment adapt), then --model' },
  { name: 'dryRun', problem: 'found with submit, expected none: a task has to make its shard' },
  { name: 'preview', problem: 'found with submit, expected none: a task has to make its shard' },
  { name: 'overwrite', problem: 'found with submit, expected none: a task that is put back would start over' },
]

/**
 * The jobs that make `input` in `shards` tasks on `scheduler` (slurm, sge or k8s) and merge them into its `out`. With `yes`
 * they are sent, by sbatch, qsub or kubectl; for Kubernetes that waits for the array. Throws a usage error, before anything is
 * sent, for options that the run or the scheduler does not take, and where the scheduler's command is missing.
 */
export async function submit(
  scheduler: string,
  input: ConfigInput,
  options: Given<typeof submitOptions> & { readonly shards: number },
): Promise<Submission> {
  if (!isScheduler(scheduler)) {
    throw new AugmentError('usage', `submit ${scheduler}: found no such scheduler, expected ${listed(SCHEDULERS)}`)
  }
  const { yes } = checked(submitOptions, options, HELP)
  parseConfig(input)
  const work = workOf(input, options.shards)
  const problems = [...refused(input), ...podProblems(scheduler, work.out, options)]
  if (problems.length > 0) throw misuse(problems, HELP)
  const { image = '', claim = '', mount = submitOptions.mount.fallback } = options
  const jobs = stepsOf(scheduler, work, { image, claim, mount })
  const submission = { scheduler, jobs, script: shellText(jobs) }
  return yes ? { ...submission, sent: await sendAll(jobs) } : submission
}

function isScheduler(word: string): word is Scheduler {
  return SCHEDULERS.some((name) => name === word)
}

function stepsOf(scheduler: Scheduler, work: Work, pod: Pod): Step[] {
  if (scheduler === 'k8s') return kubernetesSteps(work, pod)
  const program = [process.execPath, fileURLToPath(new URL('../../bin/sage-augment.js', import.meta.url))]
  return scheduler === 'slurm' ? slurmSteps(work, program) : gridEngineSteps(work, program)
}

/** Every option that was given becomes an argument, so that no task depends on a configuration file that may change. */
function workOf(input: ConfigInput, shards: number): Work {
  const { images, out: place = runOptions.out.fallback, parameters = {}, ...others } = input
  if (images === undefined && input.pairs === undefined) {
    throw new AugmentError('usage', 'submit: found no pictures, expected <images> or --pairs', {
      hint: 'sage-augment submit slurm ./pets --shards 8',
    })
  }
  if (isObject(place)) {
    throw new AugmentError(
      'usage',
      `--out: found ${place}, expected a folder that all nodes share, which merge needs`,
      {
        hint: 'docs/clusters.md has the line of an array job alone, which may write to an object store',
      },
    )
  }
  const out = plainPath(path.normalize(place).replace(/(?<=.)[/\\]+$/, ''))
  if (out.includes('{shard}')) {
    throw new AugmentError('usage', `--out: found ${place}, expected the folder of the joined run, without {shard}`)
  }
  const flags = wordsOf({ ...others, ...parameters })
  const own = ['--out', `${out}-{shard}`, '--shard', `auto/${shards}`, '--allow-skipped']
  const task = [...(images === undefined ? [] : [plainPath(images)]), ...flags, ...own]
  const broken = task.find((word) => /[\r\n\0]/.test(word))
  if (broken !== undefined) {
    throw new AugmentError('usage', `submit: found a line break in ${JSON.stringify(broken)}, expected none`)
  }
  return { name: nameOf(out), shards, task, out }
}

/** A path that no command takes for an option. */
function plainPath(place: string): string {
  return place.startsWith('-') ? `./${place}` : place
}

/** A name that every scheduler takes: Kubernetes is the strictest, and Grid Engine wants a letter first. */
function nameOf(out: string): string {
  const words = path
    .basename(path.resolve(out))
    .toLowerCase()
    .match(/[a-z0-9]+/g)
  return ['sage', ...(words ?? [])].join('-').slice(0, 40).replace(/-$/, '')
}

function refused(input: ConfigInput): Problem[] {
  return REFUSED.filter(({ name }) => input[name] !== undefined && input[name] !== false)
}

/** What is wrong with the options of a pod, or with their being there. */
function podProblems(scheduler: Scheduler, out: string, options: Given<typeof submitOptions>): Problem[] {
  const { image, claim, mount } = options
  if (scheduler !== 'k8s') {
    return Object.entries({ image, claim, mount })
      .filter(([, value]) => value !== undefined)
      .map(([name]) => ({ name, problem: `only for k8s, found ${scheduler}` }))
  }
  const problems: Problem[] = []
  if (image === undefined)
    problems.push({ name: 'image', problem: 'missing, expected an image that holds sage-augment' })
  if (claim === undefined)
    problems.push({ name: 'claim', problem: 'missing, expected a persistentVolumeClaim that all pods share' })
  const place = mount ?? submitOptions.mount.fallback
  const below = path.posix.relative(place, out)
  if (!path.posix.isAbsolute(out) || below === '' || below.startsWith('..'))
    problems.push({ name: 'out', problem: `expected a folder below ${place}, which outlives the pods, got ${out}` })
  return problems
}

/** Sends one step after the other. Gives what each said that said something. */
async function sendAll(steps: readonly Step[]): Promise<string[]> {
  const said: string[] = []
  let number: string | undefined
  for (const { name, command, input } of steps) {
    if (number === undefined && command.some((word) => word.includes('{job}'))) {
      throw failure(`${command[0]}: found "${said[0]}", expected the number of a job`, said)
    }
    const words = command.map((word) => word.replaceAll('{job}', number ?? ''))
    const { stdout, problem } = await send(words, input)
    if (problem !== null) throw failure(`${words[0]}: ${problem}`, said)
    // sbatch says 7 or 7;cluster, qsub 7.1-8:1.
    if (name === 'array') number = /^(\d+)(?=[.;\s]|$)/m.exec(stdout)?.[1]
    said.push(stdout.trim())
  }
  return said.filter(Boolean)
}

/** `said`: by the steps that were sent before. */
function failure(message: string, said: readonly string[]): AugmentError {
  const lines = 'without --yes the lines are printed'
  if (said.length === 0) return new AugmentError('usage', message, { hint: `nothing was sent; ${lines}` })
  return new AugmentError('failed', message, { hint: `already sent: ${said.filter(Boolean).join(', ')}; ${lines}` })
}

/** Runs a command with this input; `problem` is null where it succeeded. */
function send(
  [file = '', ...args]: readonly string[],
  input = '',
): Promise<{ stdout: string; problem: string | null }> {
  return new Promise((resolve) => {
    const child = spawn(file, args, { stdio: 'pipe' })
    let [stdout, stderr] = ['', '']
    child.stdout.on('data', (chunk) => {
      stdout += chunk
    })
    child.stderr.on('data', (chunk) => {
      stderr += chunk
    })
    child.on('error', (error: NodeJS.ErrnoException) => {
      const problem = error.code === 'ENOENT' ? 'not found in PATH, expected the command of the cluster' : error.message
      resolve({ stdout, problem })
    })
    child.on('close', (code, signal) => {
      const told = stderr.trim().replace(/\s*\n\s*/g, '; ')
      const reason = told.replace(`${file}: `, '') || `ended with ${signal ?? code}`
      resolve({ stdout, problem: code === 0 ? null : reason })
    })
    // A command that ends without reading says why itself.
    child.stdin.on('error', () => {})
    child.stdin.end(input)
  })
}
