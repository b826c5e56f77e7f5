import { copyFileSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'
import { run } from '../helpers/cli.js'
import { temporaryFolder, tree } from '../helpers/folder.js'

const FOLDER = path.resolve(import.meta.dirname, '../../fixtures/containers')

test.each([
  ['hugging-face', 'data/train-00001-of-00002.parquet#0', []],
  ['webdataset/pets-{train-000000,val-000000}.tar', 'pets-val-000000.tar#0000.png', ['--split', 'val']],
  ['zip/pets.zip', 'pets.zip#pets/cat/0.png', []],
  ['medmnist/path.npz', 'path.npz#test_images/2', ['--split', 'test']],
])('%s is augmented, verified and replayed; its pictures have names like %s', async (given, name, options) => {
  const out = temporaryFolder()
  const [first, again] = [path.join(out, 'first'), path.join(out, 'again')]
  const how = ['--method', 'cutmix', '--quiet']
  const images = path.join(FOLDER, given)
  expect(await run([images, ...options, ...how, '--out', first])).toMatchObject({ code: 0, stderr: '' })
  expect(readFileSync(path.join(first, 'provenance.jsonl'), 'utf8')).toContain(`"file":"${name}"`)
  expect(await run(['verify', first])).toMatchObject({ code: 0 })
  const replayed = await run(['--pairs', path.join(first, 'provenance.jsonl'), ...how, '--out', again])
  expect(replayed).toMatchObject({ code: 0, stderr: '' })
  expect(tree(path.join(again, 'images'))).toEqual(tree(path.join(first, 'images')))
})

test('a container that has changed is not mixed with what was made before', async () => {
  const folder = temporaryFolder()
  const file = path.join(folder, 'pets.zip')
  copyFileSync(path.join(FOLDER, 'zip/pets.zip'), file)
  const args = [file, '--method', 'mixup', '--out', path.join(folder, 'out')]
  expect(await run(args)).toMatchObject({ code: 0 })
  copyFileSync(path.join(FOLDER, 'zip-table/pets.zip'), file)
  const { code, stderr } = await run(args)
  expect(code).toBe(6)
  expect(stderr).toContain('"pets.zip#pets/cat/0.png": was')
})

test('a table, a figure and maps take pictures in containers by their names', async () => {
  const out = temporaryFolder({
    'labels.csv': 'file_name,label\nzip/pets.zip#pets/cat/0.png,a\ntar/pets.tar#dog/1.png,b\nzip/none.zip#a,b\n',
    'pairs.json': '[["parquet/pandas.parquet#1", "zip/pets.zip#pets/cat/99.png"]]',
  })
  const wrong = await run([FOLDER, '--labels', path.join(out, 'labels.csv'), '--out', path.join(out, 'wrong')])
  expect(wrong.code).toBe(2)
  expect(wrong.stderr).toMatch(/labels.csv:4: file "zip\/none.zip" does not exist/)
  const rows = readFileSync(path.join(out, 'labels.csv'), 'utf8').split('\n').slice(0, 3)
  writeFileSync(path.join(out, 'labels.csv'), `${rows.join('\n')}\n`)
  const how = ['--method', 'mixup', '--quiet', '--out']
  expect(await run([FOLDER, '--labels', path.join(out, 'labels.csv'), ...how, path.join(out, 'right')])).toMatchObject({
    code: 0,
    stderr: '',
  })
  const [a, b] = [
    'hugging-face/data/test-00000-of-00001.parquet#3',
    'cifar-10-packed/cifar-10-binary.tar.gz#cifar-10-batches-bin/data_batch_1.bin/1',
  ]
  const figure = path.join(out, 'figure.png')
  const pair = [path.join(FOLDER, a!), path.join(FOLDER, b!)]
  expect(await run(['compare', ...pair, '--methods', 'mixup', '--out', figure])).toMatchObject({ code: 0 })
  const maps = ['saliency', path.join(FOLDER, 'medmnist-grey/grey.npz'), '--target', 'predicted', '--split', 'test']
  expect(await run([...maps, '--model', 'fashion-mnist', '--out', path.join(out, 'maps')])).toMatchObject({ code: 0 })
})
