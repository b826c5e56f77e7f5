import { mkdirSync } from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'
import { temporaryFolder } from '../helpers/folder.js'
import { readManifest } from '../helpers/manifest.js'

const folder = (...files: string[]) => temporaryFolder(Object.fromEntries(files.map((file) => [file, ''])))
const numbers = (names: readonly string[], each: (name: string, i: number) => string[]) =>
  names.flatMap((name) => [0, 1].flatMap((i) => each(name, i)))

/** The error's message and hint, without the path of the folder. */
async function refusal(root: string) {
  const error = (await readManifest(root).then(
    () => expect.unreachable('expected a refusal'),
    (thrown: unknown) => thrown,
  )) as { code: string; message: string; hint: string }
  expect(error.code).toBe('usage')
  return { message: error.message.replaceAll(root, '.'), hint: error.hint.replaceAll(root, '.') }
}

const SHARDS = ['00000', '00001']

test.each([
  [
    'captions',
    numbers(SHARDS, (name, i) => [`${name}/${name}${i}.jpg`, `${name}/${name}${i}.txt`]),
    '00000/000000.txt and others like it',
  ],
  ['facts', numbers(SHARDS, (name, i) => [`${name}/${i}.png`, `${name}/${i}.json`]), '00000/0.json and others like it'],
  [
    'facts of other names',
    numbers(['shard_0', 'shard_1'], (name, i) => [`${name}/${i}.png`, `${name}/${i}.json`]),
    'shard_0/0.json',
  ],
  [
    'tables',
    [...numbers(SHARDS, (name, i) => [`${name}/${i}.webp`]), ...SHARDS.map((name) => `${name}.parquet`)],
    '00000.parquet beside them',
  ],
  ['a list', [...numbers(SHARDS, (name, i) => [`${name}/img${i}.png`]), 'dataset.json'], 'a dataset.json beside them'],
  [
    'the names alone',
    ['00000/000000000.jpg', '00000/000000001.jpg', '00001/000010000.jpg'],
    'ten thousand numbers each',
  ],
])('numbered shards with %s are not classes', async (_, files, sign) => {
  const root = folder(...files)
  const { message, hint } = await refusal(root)
  expect(message).toContain(`, `)
  expect(message).toMatch(
    /^\.: found the numbered folders (00000, 00001|shard_0, shard_1) with .*, expected one folder per class$/,
  )
  expect(message).toContain(sign)
  expect(hint).toMatch(
    /^these are shards, not classes: make a table of file_name and label from those files, for --labels/,
  )
  const names = temporaryFolder({ 'classes.txt': '00000\n00001\nshard_0\nshard_1\n' })
  const { sources } = await readManifest(root, { classes: path.join(names, 'classes.txt') })
  expect(sources.length).toBeGreaterThan(2)
})

test('numbered classes stay classes: those of traffic signs, digits, and digits with a few texts', async () => {
  const signs = folder('00000/00000_00000.png', '00000/GT-00000.csv', '00001/00000_00000.png')
  expect((await readManifest(signs)).classes).toEqual(SHARDS)
  const digits = folder('0/1.png', '0/2.png', '1/3.png', '1/4.png', '1/4.txt')
  expect(await readManifest(digits)).toMatchObject({
    classes: ['0', '1'],
    notices: ['1 file next to the pictures, such as "1/4.txt": not read'],
  })
})

test.each([
  [['training_set/a/0.png', 'test_set/a/0.png', 'others/0.png'], './training_set'],
  [
    ['seg_train/seg_train/a/0.png', 'seg_train/seg_train/b/0.png', 'seg_test/a/0.png', 'seg_pred/0.png'],
    './seg_train/seg_train',
  ],
])('of the splits %j the one for training is pointed at', async (files, training) => {
  const { message, hint } = await refusal(folder(...files))
  expect(message).toMatch(/^\.: found (only )?the folders .*, expected one folder per class$/)
  expect(hint).toBe(`${training} may be the one to augment; if these are the classes, name them with --classes`)
})

test.each([
  [['train/a/0.png', 'val/a/0.png', 'test/a/0.png'], ['train/a/0.png'], 'train; not used: test, val'],
  [['val/a/0.png', 'train/a/0.png', 'train/b/1.png'], ['train/a/0.png', 'train/b/1.png'], 'train; not used: val'],
  [['Training/a/0.png', 'Training/b/0.png', 'Testing/a/0.png'], undefined, 'Training; not used: Testing'],
  [['train2017/a/0.png', 'train2017/b/0.png', 'val2017/a/0.png'], undefined, 'train2017; not used: val2017'],
  [['a/train/0.png', 'a/val/1.png', 'b/train/2.png'], ['a/train/0.png', 'b/train/2.png'], 'train; not used: val'],
])('of the splits of %j the one for training is read, and it is said', async (files, read, told) => {
  const root = folder(...files)
  const { sources, notices, classes } = await readManifest(root)
  expect(sources.map(({ file }) => file)).toEqual(read ?? files.slice(0, 2))
  expect(notices).toContain(`split ${told} (--split names another, or all)`)
  expect(['a', 'b']).toEqual(expect.arrayContaining([...classes]))
})

test.each([
  [['train/a/0.png', 'val/a/1.png', 'val/b/0.png'], 'val', ['val/a/1.png', 'val/b/0.png']],
  [['train/a/0.png', 'val/a/1.png', 'val/b/0.png'], 'validation', ['val/a/1.png', 'val/b/0.png']],
  [['a/train/0.png', 'a/test/1.png', 'b/train/2.png'], 'test', ['a/test/1.png']],
  [['a/train/0.png', 'a/test/1.png', 'b/train/2.png'], 'all', ['a/test/1.png', 'a/train/0.png', 'b/train/2.png']],
])('of %j the split %s is read where it is named', async (files, split, read) => {
  const { sources } = await readManifest(folder(...files), { split })
  expect(sources.map(({ file }) => file)).toEqual(read)
})

test.each([
  [['train/a/0.png', 'val/a/1.png', 'test/a/2.png'], 'val/a/1.png'],
  [['train/a/0.png', 'test/a/2.png'], 'test/a/2.png'],
  [['a/0.png'], 'a/0.png'],
])('of %j what is to judge by is never what is learnt from', async (files, read) => {
  const { sources } = await readManifest(folder(...files), { forValidation: true })
  expect(sources.map(({ file }) => file)).toEqual([read])
  const training = folder('train/a/0.png', 'training/a/1.png')
  await expect(readManifest(training, { forValidation: true })).rejects.toThrow('expected one to judge by')
})

test('files with pictures in them beside class folders are told, and not read', async () => {
  const { sources, notices } = await readManifest(folder('cat/0.png', 'dog/1.png', 'a.zip', 'b.parquet'))
  expect(sources).toHaveLength(2)
  expect(notices).toEqual(['a.zip and 1 more file hold pictures, too, and are not read, as there are class folders'])
})

test.each([
  [['train/a/0.png', 'val/a/1.png'], 'blue', '--split blue: found the splits train, val in .'],
  [['a/0.png', 'b/1.png'], 'train', '--split train: found no splits in .'],
])('of %j there is no split %s', async (files, split, problem) => {
  const root = folder(...files)
  await expect(readManifest(root, { split })).rejects.toThrow(problem.replace(/\.$/, root))
})

test.each([
  [['val/a/0.png', 'test/a/0.png'], 'test, val'],
  [['dev/a/0.png', 'eval/b/0.png'], 'dev, eval'],
  [['train/a/0.png', 'training/b/0.png'], 'train, training'],
])('of the splits of %j none is taken unasked', async (files, names) => {
  const { message, hint } = await refusal(folder(...files))
  expect(message).toBe(`.: found the splits ${names}, expected one to learn from`)
  expect(hint).toBe('name it with --split; if these are the classes, name them with --classes')
})

test('classes whose names have such words in them stay classes', async () => {
  const root = folder('train/a.png', 'tram/b.png', 'test tube/c.png')
  expect((await readManifest(root)).classes).toEqual(['test tube', 'train', 'tram'])
})

test.each([
  [['data/cat/0.png', 'data/dog/0.png'], './data'],
  [['data/images/cat/0.png', 'data/images/dog/0.png'], './data/images'],
  [['data/train/cat/0.png', 'data/val/cat/0.png'], './data/train'],
])('one folder level too many: %j', async (files, place) => {
  const { message, hint } = await refusal(folder(...files))
  expect(message).toBe('.: found one folder "data", expected one per class')
  expect(hint).toBe(`${place} may be the one to augment; if these are the classes, name them with --classes`)
})

test.each([
  [['cat/0.png', 'cat/more/1.png'], 'all pictures are of one class, "cat", so every mix has that label'],
  [['cat/only/0.png', 'cat/only/1.png'], 'all pictures are of one class, "cat", so every mix has that label'],
  [
    ['cat/train/0.png', 'cat/val/1.png', 'dog/2.png'],
    'the classes have the folders train, val: the pictures in all of them are used',
  ],
  [
    ['night/cat/0.png', 'night/dog/1.png', 'day/cat/2.png', 'day/dog/3.png'],
    'every class has the same folders (cat, dog): are those the classes?',
  ],
  [['cat/0.png', 'dog/0.png'], undefined],
  [['cat/a/0.png', 'cat/b/0.png', 'dog/a/0.png', 'dog/0.png'], undefined],
])('%j: %s', async (files, notice) => {
  expect((await readManifest(folder(...files))).notices).toEqual(notice === undefined ? [] : [notice])
})

test('pictures of a finished output are sent to its labels, and its labels are known as such', async () => {
  const picture = (name: string) => [`images/${name}`, ''] as const
  const root = temporaryFolder({
    ...Object.fromEntries([
      picture('00000/000000000.jpg'),
      picture('00000/000000001.jpg'),
      picture('00003/000000002.jpg'),
    ]),
    'classes.txt': 'label\n',
    'labels.csv': 'file_name,label\nimages/00000/000000000.jpg,1.0\nimages/00000/000000001.jpg,1.0\n',
  })
  mkdirSync(path.join(root, '.sage'))
  expect(await refusal(path.join(root, 'images'))).toEqual({
    message: '.: found the pictures of an output of sage-augment, expected one folder per class',
    hint: `${root} has their labels: give that folder`,
  })
  expect(await readManifest(root)).toMatchObject({
    classes: ['label'],
    sources: [{ label: 0 }, { label: 0 }],
    notices: expect.arrayContaining([`${root}: these pictures are mixes of sage-augment, and are mixed again`]),
  })
})
