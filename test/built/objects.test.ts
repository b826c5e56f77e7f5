import path from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { FASHION, run, spawned, start } from '../helpers/cli.js'
import { temporaryFolder, tree } from '../helpers/folder.js'
import { objectStore } from '../helpers/objectStore.js'

const MIXUP = ['--method', 'mixup', '--count', '40', '--quiet']

test('pictures, WebDataset and Parquet in an object store give the bytes that local ones give', async () => {
  const [store, folder] = [await objectStore(), temporaryFolder()]
  const at = (name: string) => path.join(folder, name)
  await store.put(FASHION, 'fashion')
  for (const layout of ['webdataset', 'parquet']) {
    expect(await run([FASHION, ...MIXUP, '--layout', layout, '--out', at(layout)])).toMatchObject({ code: 0 })
    await store.put(at(layout), layout)
  }
  const inputs = [
    ['fashion', FASHION],
    ['webdataset', at('webdataset')],
    ['webdataset/webdataset/{000000..000000}.tar', at('webdataset')],
    ['parquet', at('parquet')],
    ['parquet/parquet/000000.parquet', at('parquet')],
  ] as const
  // A way that breaks now and then, in the middle of an answer, changes nothing.
  const env = await store.through((n) => (n % 3 === 1 ? 2000 : undefined))
  for (const [i, [place, local]] of inputs.entries()) {
    const [near, far] = [at(`near-${i}`), at(`far-${i}`)]
    expect(await run([local, ...MIXUP, '--out', near])).toMatchObject({ code: 0 })
    expect(await run([`s3://bucket/${place}`, ...MIXUP, '--out', far], env)).toMatchObject({ code: 0, stderr: '' })
    expect(tree(far)).toEqual(tree(near))
  }
}, 300_000)

test('what is wrong with a store is one line, with its exit code', async () => {
  const store = await objectStore()
  const away = { ...store.env, AWS_ENDPOINT_URL_S3: 'http://127.0.0.1:9' }
  const nobody = {
    AWS_ACCESS_KEY_ID: '',
    AWS_SECRET_ACCESS_KEY: '',
    HOME: temporaryFolder(),
    AWS_EC2_METADATA_DISABLED: 'true',
  }
  const cases = [
    ['s3://nobody/x', store.env, 2, 's3://nobody: found no such bucket\n'],
    ['s3://bucket/x', store.env, 2, 's3://bucket/x: found no objects, expected pictures below it\n'],
    ['s3://key:secret@bucket/x', store.env, 2, 's3://: found no name of a bucket'],
    ['s3://bucket/x', away, 1, 's3://bucket: lost the connection (ECONNREFUSED)'],
    ['s3://bucket/x', { ...store.env, ...nobody }, 2, 's3://bucket: found no credentials'],
  ] as const
  for (const [place, env, code, said] of cases) {
    const ended = await spawned([place, '--out', path.join(temporaryFolder(), 'aug')], env)
    expect(ended).toMatchObject({ code, stderr: expect.stringContaining(said) })
    expect(ended.stderr.trimEnd().split('\n')).toHaveLength(2)
    expect(ended.stderr).not.toContain('secret@')
  }
}, 300_000)

const KEPT = ['.sage/inputs.tsv', 'webdataset/000000.tar', 'webdataset/000002.tar', 'webdataset/_info.json']
const SECRETS = /S3RVER|AWS_|Signature|Credential/

test('a run into an object store that is killed, told to stop and cut off ends as a local one, no shard made twice', async () => {
  const [store, folder] = [await objectStore(), temporaryFolder()]
  const whole = path.join(folder, 'whole')
  const args = [FASHION, '--method', 'mixup', '--count', '2600', '--layout', 'webdataset']
  expect(await run([...args, '--quiet', '--out', whole])).toMatchObject({ code: 0 })
  const command = [...args, '--out', 's3://bucket/aug/one']
  // By their names alone: an object that is replaced while it is read breaks off.
  const seen = async () => Object.keys(await store.times('aug/one'))

  const killed = start(command, store.env)
  while (!(await seen()).includes('.sage/rows/000000')) await wait(50)
  killed.child.kill('SIGKILL')
  await killed.ended
  const { 'webdataset/000000.tar': first } = await store.times('aug/one')
  expect(await seen()).not.toContain('labels.csv')

  // The killed one has left its lock, which this machine knows to be of the dead.
  const stopped = start(command, store.env)
  let said = ''
  stopped.child.stderr!.on('data', (text) => {
    said += text
  })
  while (!(await seen()).includes('.sage/rows/000001')) await wait(20)
  stopped.child.kill('SIGSTOP')
  expect(await spawned(command, store.env)).toMatchObject({
    code: 6,
    stderr: expect.stringContaining('in use by process'),
  })
  stopped.child.kill('SIGCONT')
  stopped.child.kill('SIGTERM')
  expect(await stopped.ended).toMatchObject({ stderr: expect.stringContaining('took over the lock') })

  // Connections break while shards and tables are sent.
  const broken = await spawned(command, await store.through((n) => (n % 4 === 2 ? 30_000 : undefined)))
  expect(broken).toMatchObject({ code: 0, stderr: expect.stringMatching(/continuing after 2\d\d\d outputs/) })
  expect((await store.times('aug/one'))['webdataset/000000.tar']).toBe(first)
  const far = await store.tree('aug/one')
  expect(far).toEqual(tree(whole))
  expect(Object.keys(far)).toEqual(expect.arrayContaining(KEPT))
  const record = (await store.tree('aug/one', /^(?!run\.json$)/))['run.json']!
  expect([record, said, broken.stderr].filter((text) => SECRETS.test(text))).toEqual([])
  expect(await run(command, store.env)).toMatchObject({
    code: 0,
    stderr: expect.stringContaining('nothing was missing'),
  })
}, 300_000)

test('a lost store ends a run with 1, and the same command goes on; what a store cannot hold is refused', async () => {
  const [store, folder] = [await objectStore(), temporaryFolder()]
  const args = [FASHION, '--method', 'mixup', '--count', '1100', '--quiet', '--layout', 'parquet', '--out']
  let isLost = false
  const env = await store.through(() => (isLost ? 0 : undefined))
  const { ended } = start([...args, 's3://bucket/aug'], env)
  while (!(await store.times('aug'))['run.json']) await wait(20)
  isLost = true
  expect(await ended).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/^s3:\/\/bucket\S*: lost the connection/),
  })
  // Its lock is that of a dead process of this machine.
  expect(await run([...args, 's3://bucket/aug'], store.env)).toMatchObject({ code: 0 })
  expect(await run([...args, path.join(folder, 'aug')])).toMatchObject({ code: 0 })
  expect(await store.tree('aug')).toEqual(tree(path.join(folder, 'aug')))
  await store.remove('aug/run.json')
  expect(await run([...args, 's3://bucket/aug', '--seed', '1'], store.env)).toMatchObject({
    code: 6,
    stderr: expect.stringMatching(/^s3:\/\/bucket\/aug\/run.json: not there, expected the record .*\n {2}hint: .*\n$/),
  })
  expect(await store.tree('aug')).toEqual(tree(path.join(folder, 'aug')))

  await store.put(FASHION, 'mine')
  const cases = [
    [[...args, 's3://bucket/mine'], 6, 'found other objects'],
    [[...args, 's3://bucket'], 2, '--out: expected a prefix in the bucket'],
    [[FASHION, '--out', 's3://bucket/x'], 2, '--layout: expected webdataset or parquet'],
    [[...args, 's3://bucket/x', '--report'], 2, '--report: found with --out s3://bucket/x'],
    [['merge', 's3://bucket/a', '--out', folder], 2, 'merge s3://bucket/a: found an object store'],
    [['verify', 's3://bucket/aug'], 2, 'verify s3://bucket/aug: found an object store'],
    [['saliency', FASHION, '--out', 's3://bucket/x'], 2, 'saliency s3://bucket/x: found an object store'],
    [['submit', 'slurm', FASHION, '--shards', '2', '--out', 's3://bucket/x'], 2, '--out: found s3://bucket/x'],
  ] as const
  for (const [words, code, said] of cases)
    expect(await run(words, store.env)).toMatchObject({ code, stderr: expect.stringContaining(said) })
}, 300_000)
