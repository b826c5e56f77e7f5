import { readFileSync } from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'
import { ROOT, run } from '../helpers/cli.js'
import { temporaryFolder } from '../helpers/folder.js'

const PETS = path.join(ROOT, 'fixtures/containers/zip/pets.zip')

test('an output in shards is read with the labels of one in files, and known for what it is', async () => {
  const folder = temporaryFolder()
  const at = (out: string) => path.join(folder, out)
  const labels: string[] = []
  for (const layout of ['flat', 'parquet', 'webdataset']) {
    expect(await run([PETS, '--method', 'mixup', '--layout', layout, '--out', at(layout)])).toMatchObject({ code: 0 })
    const again = ['--method', 'mixup', '--include-originals', '--out', at(`${layout}-again`)]
    const { code, stderr, stdout } = await run([at(layout), ...again])
    expect(code).toBe(0)
    expect(stdout + stderr).toContain('these pictures are mixes of sage-augment, and are mixed again')
    labels.push(readFileSync(path.join(at(`${layout}-again`), 'labels.csv'), 'utf8'))
  }
  expect(labels[1]).toBe(labels[0])
  expect(labels[2]).toBe(labels[0])
})
