import path from 'node:path'
import { expect, test } from 'vitest'
import { quoted } from '../../src/core/quoted.js'
import { submit } from '../../src/run/submit.js'

const PROGRAM = [process.execPath, path.resolve(import.meta.dirname, '../../bin/sage-augment.js')].map(quoted).join(' ')

test('Slurm gets an array and a merge after its success', async () => {
  const { script } = await submit(
    'slurm',
    {
      images: "it's pets",
      out: './my aug/',
      method: 'mixup',
      mean: [0.5, 0.4, 0.3],
      report: true,
      parameters: { mixupAlpha: 0.3 },
    },
    { shards: 64 },
  )
  expect(script).toBe(`job=$(sbatch --parsable --requeue --job-name=sage-my-aug --array=1-64 <<'EOF'
#!/bin/sh
exec ${PROGRAM} 'it'\\''s pets' --method mixup --mean 0.5,0.4,0.3 --report --mixup-alpha 0.3 --out 'my aug-{shard}' --shard auto/64 --allow-skipped
EOF
) &&
sbatch --parsable --job-name=sage-my-aug-merge --dependency=afterok:"\${job%%[.;]*}" <<'EOF'
#!/bin/sh
exec ${PROGRAM} merge 'my aug-'*-of-64 --out 'my aug'
EOF
`)
})

test('Grid Engine gets an array whose stopped tasks are put back, and a merge after its end', async () => {
  const { script } = await submit('sge', { images: './pets' }, { shards: 8 })
  expect(script).toBe(`job=$(qsub -terse -S /bin/sh -cwd -N sage-aug -r y -notify -t 1-8 <<'EOF'
trap : USR1 USR2
${PROGRAM} ./pets --out 'aug-{shard}' --shard auto/8 --allow-skipped
code=$?; [ $code = 75 ] && exit 99; exit $code
EOF
) &&
qsub -terse -S /bin/sh -cwd -N sage-aug-merge -hold_jid "\${job%%[.;]*}" <<'EOF'
exec ${PROGRAM} merge aug-*-of-8 --out aug
EOF
`)
})

test('Kubernetes gets an Indexed Job, a wait and a Job that merges', async () => {
  const input = { images: '/data/pets', out: '/data/$(x)/Größe_1' }
  const { script, jobs } = await submit('k8s', input, { shards: 2, image: 'registry/sage:1', claim: 'pets' })
  expect(script.split('\n').filter((line) => !/^[ {}]/.test(line))).toEqual([
    "kubectl apply -f - <<'EOF' &&",
    'EOF',
    'kubectl wait --for=condition=complete --timeout=-1s job/sage-gr-e-1 &&',
    "kubectl apply -f - <<'EOF'",
    'EOF',
    '',
  ])
  const [array, , merge] = jobs.map(({ input }) => input && JSON.parse(input))
  // The Job of docs/clusters.md.
  const container = {
    name: 'sage',
    image: 'registry/sage:1',
    command: ['node', 'node_modules/sage-augment/bin/sage-augment.js'],
    args: ['/data/pets', '--out', '/data/$$(x)/Größe_1-{shard}', '--shard', 'auto/2', '--allow-skipped'],
    volumeMounts: [{ name: 'data', mountPath: '/data' }],
  }
  expect(array).toEqual({
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: { name: 'sage-gr-e-1' },
    spec: {
      completionMode: 'Indexed',
      completions: 2,
      parallelism: 2,
      backoffLimitPerIndex: 5,
      podFailurePolicy: {
        rules: [
          { action: 'Ignore', onPodConditions: [{ type: 'DisruptionTarget' }] },
          { action: 'FailIndex', onExitCodes: { operator: 'In', values: [2, 4, 5, 6] } },
        ],
      },
      template: {
        spec: {
          restartPolicy: 'Never',
          containers: [container],
          volumes: [{ name: 'data', persistentVolumeClaim: { claimName: 'pets' } }],
        },
      },
    },
  })
  expect(merge).toMatchObject({
    metadata: { name: 'sage-gr-e-1-merge' },
    spec: { backoffLimit: 5, podFailurePolicy: { rules: [{ action: 'Ignore' }, { action: 'FailJob' }] } },
  })
  const out = '/data/$$(x)/Größe_1'
  expect(merge.spec.template.spec.containers).toEqual([
    { ...container, args: ['merge', `${out}-1-of-2`, `${out}-2-of-2`, '--out', out] },
  ])
  expect(merge.spec).not.toHaveProperty('completionMode')
})

test('a path that starts with a hyphen is no option', async () => {
  const { jobs } = await submit('sge', { images: '-pets', out: '-aug' }, { shards: 2 })
  expect(jobs[0]!.input).toContain(" ./-pets --out './-aug-{shard}' ")
  expect(jobs[1]!.input).toContain(' merge ./-aug-*-of-2 --out ./-aug\n')
})

const pets = { images: 'pets' }

test.each<[Parameters<typeof submit>, string]>([
  [['lsf', pets, { shards: 2 }], 'submit lsf: found no such scheduler, expected slurm, sge or k8s'],
  [['slurm', pets, { shards: 0 }], '--shards: expected a whole number between 1 and 100000, got 0'],
  [['slurm', {}, { shards: 2 }], 'submit: found no pictures, expected <images> or --pairs'],
  [
    ['slurm', { ...pets, shard: '1/2' }, { shards: 2 }],
    '--shard: found with submit, expected --shards alone: each task takes its own',
  ],
  [
    ['slurm', { ...pets, adapt: true }, { shards: 2 }],
    '--adapt: found with submit, expected none: adapt once (sage-augment adapt), then --model',
  ],
  [
    ['slurm', { ...pets, overwrite: true, preview: 3 }, { shards: 2 }],
    '--preview: found with submit, expected none: a task has to make its shard\n' +
      '--overwrite: found with submit, expected none: a task that is put back would start over',
  ],
  [['slurm', { ...pets, quality: 0 }, { shards: 2 }], '--quality: expected a whole number between 1 and 100, got 0'],
  [
    ['slurm', { ...pets, method: 'mixup', parameters: { cutmixAlpha: 3 } }, { shards: 2 }],
    '--cutmix-alpha: --method mixup has no such parameter',
  ],
  [
    ['slurm', { ...pets, out: 'a-{shard}' }, { shards: 2 }],
    '--out: found a-{shard}, expected the folder of the joined run, without {shard}',
  ],
  [['sge', { images: 'a\nb' }, { shards: 2 }], 'submit: found a line break in "a\\nb", expected none'],
  [['sge', pets, { shards: 2, image: 'x' }], '--image: only for k8s, found sge'],
  [
    ['k8s', pets, { shards: 2 }],
    '--image: missing, expected an image that holds sage-augment\n' +
      '--claim: missing, expected a persistentVolumeClaim that all pods share\n' +
      '--out: expected a folder below /data, which outlives the pods, got aug',
  ],
])('what cannot be submitted is refused in a line: %j', async (given, message) => {
  await expect(submit(...given)).rejects.toMatchObject({ code: 'usage', message })
})
