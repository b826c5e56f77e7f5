import path from 'node:path'
import { expect, test } from 'vitest'
import { FASHION, run, spawned } from '../helpers/cli.js'
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
}, 60_000)
