/** The jobs of a run in shards, as schedulers take them: docs/clusters.md has these lines, test/external/clusters.sh runs them. */
import { quoted } from '../core/quoted.js'

export const SCHEDULERS = ['slurm', 'sge', 'k8s'] as const
export type Scheduler = (typeof SCHEDULERS)[number]

/** One command line that is sent, after the one before it has succeeded. */
export interface Step {
  readonly name: 'array' | 'wait' | 'merge'
  /** Its words. `{job}` stands for the number that the array job got. */
  readonly command: readonly string[]
  /** What the command reads from its standard input: a shell script, or a manifest of Kubernetes as JSON. */
  readonly input?: string
}

/** What is done, as words of command lines without the program itself. */
export interface Work {
  /** A name of lower-case letters, digits and hyphens. */
  readonly name: string
  readonly shards: number
  /** Arguments of every task. */
  readonly task: readonly string[]
  /** Folder for the joined run; its shards are `<out>-1-of-8` and so on. */
  readonly out: string
}

export interface Pod {
  readonly image: string
  readonly claim: string
  readonly mount: string
}

/** `program`: the words that start this program. */
export function slurmSteps({ name, shards, task, out }: Work, program: readonly string[]): Step[] {
  const script = (line: string) => `#!/bin/sh\nexec ${line}\n`
  const array = ['sbatch', '--parsable', '--requeue', `--job-name=${name}`, `--array=1-${shards}`]
  const merge = ['sbatch', '--parsable', `--job-name=${name}-merge`, '--dependency=afterok:{job}']
  return [
    { name: 'array', command: array, input: script(shellLine([...program, ...task])) },
    { name: 'merge', command: merge, input: script(mergeLine(program, out, shards)) },
  ]
}

/** A task that was told to stop ends with 75; 99 makes Grid Engine put it back, so the shell has to outlive the signal. */
export function gridEngineSteps({ name, shards, task, out }: Work, program: readonly string[]): Step[] {
  const common = ['qsub', '-terse', '-S', '/bin/sh', '-cwd']
  const array = [...common, '-N', name, '-r', 'y', '-notify', '-t', `1-${shards}`]
  const merge = [...common, '-N', `${name}-merge`, '-hold_jid', '{job}']
  const run = shellLine([...program, ...task])
  const script = `trap : USR1 USR2\n${run}\ncode=$?; [ $code = 75 ] && exit 99; exit $code\n`
  return [
    { name: 'array', command: array, input: script },
    { name: 'merge', command: merge, input: `exec ${mergeLine(program, out, shards)}\n` },
  ]
}

/** Kubernetes has no order between Jobs: `kubectl wait` stands between them. */
export function kubernetesSteps({ name, shards, task, out }: Work, pod: Pod): Step[] {
  const folders = Array.from({ length: shards }, (_, index) => `${out}-${index + 1}-of-${shards}`)
  const array = job(name, pod, task, 'FailIndex', {
    completionMode: 'Indexed',
    completions: shards,
    parallelism: shards,
    backoffLimitPerIndex: 5,
  })
  const merge = job(`${name}-merge`, pod, ['merge', ...folders, '--out', out], 'FailJob', { backoffLimit: 5 })
  const apply = ['kubectl', 'apply', '-f', '-']
  const asInput = (manifest: object) => `${JSON.stringify(manifest, null, 2)}\n`
  return [
    { name: 'array', command: apply, input: asInput(array) },
    // Below 0: a week.
    { name: 'wait', command: ['kubectl', 'wait', '--for=condition=complete', '--timeout=-1s', `job/${name}`] },
    { name: 'merge', command: apply, input: asInput(merge) },
  ]
}

/** A Job of batch/v1, which a drained node does not count against; `action` follows what trying again cannot mend. */
function job(name: string, { image, claim, mount }: Pod, args: readonly string[], action: string, spec: object) {
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name },
    spec: {
      ...spec,
      podFailurePolicy: {
        rules: [
          { action: 'Ignore', onPodConditions: [{ type: 'DisruptionTarget' }] },
          { action, onExitCodes: { operator: 'In', values: [2, 4, 5, 6] } },
        ],
      },
      template: {
        spec: {
          restartPolicy: 'Never',
          containers: [
            {
              name: 'sage',
              image,
              command: ['node', 'node_modules/sage-augment/bin/sage-augment.js'],
              // Kubernetes puts variables in for $(NAME).
              args: args.map((word) => word.replaceAll('$(', '$$$$(')),
              volumeMounts: [{ name: 'data', mountPath: mount }],
            },
          ],
          volumes: [{ name: 'data', persistentVolumeClaim: { claimName: claim } }],
        },
      },
    },
  }
}

function mergeLine(program: readonly string[], out: string, shards: number): string {
  return `${shellLine([...program, 'merge'])} ${quoted(`${out}-`)}*-of-${shards} --out ${quoted(out)}`
}

function shellLine(words: readonly string[]): string {
  return words.map(quoted).join(' ')
}

/** The steps as lines for a shell of the kind of sh; the input of each stands below it. */
export function shellText(steps: readonly Step[]): string {
  const last = steps.length - 1
  const isNumbered = steps.some(({ command }) => command.some((word) => word.includes('{job}')))
  return steps
    .map(({ command, input }, index) => {
      // biome-ignore lint/suspicious/noTemplateCurlyInString: the shell's
      const words = command.map((word) => word.split('{job}').map(quotedPart).join('"${job%%[.;]*}"')).join(' ')
      const then = index < last ? ' &&' : ''
      if (input === undefined) return `${words}${then}\n`
      if (isNumbered && index === 0) return `job=$(${words} <<'EOF'\n${input}EOF\n)${then}\n`
      return `${words} <<'EOF'${then}\n${input}EOF\n`
    })
    .join('')
}

function quotedPart(part: string): string {
  return part === '' ? '' : quoted(part)
}
