/** Sends jobs to programs that stand in for a cluster's: each runs what it is sent, as the manual of the real one says. */
import { execFileSync } from 'node:child_process'
import { chmodSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'
import { FASHION, ROOT, run } from '../helpers/cli.js'
import { temporaryFolder, tree } from '../helpers/folder.js'
import { needing } from '../helpers/needing.js'

/** sbatch(1): the script is read from stdin; --parsable prints "<job id>[;<cluster>]". */
const SBATCH = `#!/bin/sh
script=job-$$; cat >"$script"; array= dependency=
for word; do
  case $word in --array=*) array=\${word#*=} ;; --dependency=*) dependency=\${word#*=} ;; esac
done
[ "$(head -c 2 "$script")" = '#!' ] || { echo 'sbatch: error: This does not look like a batch script.' >&2; exit 1; }
if [ -z "$array" ]; then [ "$dependency" = afterok:41 ] && sh "$script" >&2 && echo '42;test'; exit; fi
export SLURM_ARRAY_TASK_MIN=\${array%-*} SLURM_ARRAY_TASK_MAX=\${array#*-} SLURM_ARRAY_TASK_STEP=1
export SLURM_ARRAY_TASK_COUNT=$SLURM_ARRAY_TASK_MAX SLURM_ARRAY_TASK_ID
for SLURM_ARRAY_TASK_ID in $(seq $SLURM_ARRAY_TASK_MIN $SLURM_ARRAY_TASK_MAX); do sh "$script" >&2 || exit 1; done
echo '41;test'
`

/** qsub(1): -terse prints "<job id>.<first>-<last>:<step>" of an array; SGE_TASK_ID is "undefined" in other jobs. */
const QSUB = `#!/bin/sh
script=job-$$; cat >"$script"; array= hold=
while [ $# -gt 0 ]; do
  case $1 in -t) array=$2; shift ;; -hold_jid) hold=$2; shift ;; esac
  shift
done
if [ -z "$array" ]; then [ "$hold" = 41 ] && SGE_TASK_ID=undefined sh "$script" >&2 && echo 42; exit; fi
export SGE_TASK_FIRST=\${array%-*} SGE_TASK_LAST=\${array#*-} SGE_TASK_STEPSIZE=1 SGE_TASK_ID
for SGE_TASK_ID in $(seq $SGE_TASK_FIRST $SGE_TASK_LAST); do sh "$script" >&2 || exit 1; done
echo "41.$array:1"
`

/** Runs the containers of a Job one after the other, with the index that an Indexed Job tells. */
const KUBECTL = `#!${process.execPath}
const { execFileSync } = require('node:child_process')
const { existsSync, readFileSync, writeFileSync } = require('node:fs')
const [verb] = process.argv.slice(2)
if (verb === 'wait') process.exit(existsSync('done-sage-aug') && process.argv.includes('job/sage-aug') ? 0 : 1)
const { kind, metadata: { name }, spec } = JSON.parse(readFileSync(0, 'utf8'))
const { command: [node, program], args } = spec.template.spec.containers[0]
for (let i = 0; i < (spec.completions ?? 1); i++) {
  const index = spec.completionMode === 'Indexed' ? { JOB_COMPLETION_INDEX: String(i) } : {}
  execFileSync(node, [program, ...args], { env: { ...process.env, ...index }, stdio: 'pipe' })
}
writeFileSync('done-' + name, '')
console.log(kind.toLowerCase() + '.batch/' + name + ' created')
`

const RUN = ['--method', 'mixup', '--count', '7', '--seed', '3']

/** A folder with the stand-ins in bin/ and a run in one piece in whole/; it is the current folder until `leave`. */
async function workplace() {
  const folder = temporaryFolder({ 'bin/sbatch': SBATCH, 'bin/qsub': QSUB, 'bin/kubectl': KUBECTL })
  for (const name of ['sbatch', 'qsub', 'kubectl']) chmodSync(path.join(folder, 'bin', name), 0o755)
  symlinkSync(FASHION, path.join(folder, "it's pets"))
  const before = process.cwd()
  process.chdir(folder)
  expect((await run(["it's pets", ...RUN, '--out', 'whole', '--quiet'])).code).toBe(0)
  const PATH = `${path.join(folder, 'bin')}:${process.env.PATH}`
  return { folder, whole: tree(path.join(folder, 'whole')), PATH, leave: () => process.chdir(before) }
}

const withShell = needing('bash', process.platform !== 'win32')

withShell('the lines for Slurm, and jobs sent to Grid Engine and Kubernetes, make the run in one piece', async () => {
  const { folder, whole, PATH, leave } = await workplace()
  try {
    const pets = ["it's pets", ...RUN, '--shards', '2']
    const printed = await run(['submit', 'slurm', ...pets, '--out', "Ann's aug"])
    expect(printed).toMatchObject({ code: 0, stderr: '' })
    writeFileSync('lines.sh', printed.stdout)
    execFileSync('bash', ['-n', 'lines.sh'])
    const env = { ...process.env, PATH }
    expect(execFileSync('bash', ['lines.sh'], { encoding: 'utf8', env, stdio: 'pipe' })).toBe('42;test\n')
    expect(tree(path.join(folder, "Ann's aug"))).toEqual(whole)

    const sent = await run(['submit', 'sge', ...pets, '--out', 'aug $HOME', '--yes'], { PATH })
    expect(sent).toEqual({ code: 0, stdout: '41.1-2:1\n42\n', stderr: '' })
    expect(tree(path.join(folder, 'aug $HOME'))).toEqual(whole)

    // The image's own program.
    mkdirSync('node_modules')
    symlinkSync(ROOT, 'node_modules/sage-augment')
    const pod = ['--image', 'any', '--claim', 'any', '--mount', folder]
    const k8s = await run(['submit', 'k8s', ...pets, '--out', path.join(folder, 'aug'), ...pod, '--yes'], { PATH })
    expect(k8s).toEqual({
      code: 0,
      stdout: 'job.batch/sage-aug created\njob.batch/sage-aug-merge created\n',
      stderr: '',
    })
    expect(tree(path.join(folder, 'aug'))).toEqual(whole)
  } finally {
    leave()
  }
})

test('--json gives the jobs; --yes says what is missing, and what was sent before', async () => {
  const folder = temporaryFolder({
    'bin/sbatch':
      '#!/bin/sh\ncase $* in *--array*) echo 41 ;; *) echo "sbatch: error: no such partition" >&2; exit 1 ;; esac\n',
    'bin/qsub': '#!/bin/sh\necho "Your job has been submitted"\n',
    'sage-augment.json': JSON.stringify({ images: 'pets', method: 'mixup', out: 'aug', count: 5 }),
  })
  for (const name of ['sbatch', 'qsub']) chmodSync(path.join(folder, 'bin', name), 0o755)
  const config = ['--config', path.join(folder, 'sage-augment.json'), '--count', '9', '--shards', '3']
  const { code, stdout } = await run(['submit', 'slurm', ...config, '--json'])
  const { scheduler, jobs, script } = JSON.parse(stdout)
  expect({ code, scheduler, names: jobs.map(({ name }: { name: string }) => name) }).toEqual({
    code: 0,
    scheduler: 'slurm',
    names: ['array', 'merge'],
  })
  expect(jobs[0].input).toContain(` ${path.join(folder, 'pets')} --method mixup --count 9 --out `)
  expect(script).toContain(jobs[1].input)

  const yes = (name: string, PATH: string) => run(['submit', name, ...config, '--yes'], { PATH })
  expect(await yes('slurm', path.join(folder, 'none'))).toEqual({
    code: 2,
    stdout: '',
    stderr:
      'sbatch: not found in PATH, expected the command of the cluster\n' +
      '  hint: nothing was sent; without --yes the lines are printed\n',
  })
  if (process.platform === 'win32') return
  const PATH = `${path.join(folder, 'bin')}:${process.env.PATH}`
  expect(await yes('slurm', PATH)).toEqual({
    code: 1,
    stdout: '',
    stderr: 'sbatch: error: no such partition\n  hint: already sent: 41; without --yes the lines are printed\n',
  })
  expect(await yes('sge', PATH)).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/^qsub: found "Your job has been submitted", expected the number of a job\n/),
  })
})
