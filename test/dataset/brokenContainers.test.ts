import { readFileSync } from 'node:fs'
import path from 'node:path'
import { gzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { readPicture } from '../../src/containers/pictureFile.js'
import { AugmentError } from '../../src/core/errors.js'
import { TAR_END, tarMember } from '../../src/output/tar.js'
import { temporaryFolder } from '../helpers/folder.js'
import { readManifest } from '../helpers/manifest.js'

const FOLDER = path.resolve(import.meta.dirname, '../../fixtures/containers')
const fixture = (name: string) => readFileSync(path.join(FOLDER, name))

const PARQUET = fixture('hugging-face/data/test-00000-of-00001.parquet')
const ZIP = fixture('zip/pets.zip')
const TAR = fixture('webdataset-txt/txt.tar')

/** With another text of the same length in place of each of one. */
function replaced(bytes: Buffer, text: string, by: string | Buffer): Buffer {
  const copy = Buffer.from(bytes)
  for (let at = copy.indexOf(text); at >= 0; at = copy.indexOf(text, at + text.length)) copy.set(Buffer.from(by), at)
  return copy
}

/** A zip whose entries of the central directory are changed at an offset from their beginning. */
function withEntries(change: (entry: Buffer) => void): Buffer {
  const copy = Buffer.from(ZIP)
  for (let at = copy.indexOf('PK\x01\x02'); at >= 0; at = copy.indexOf('PK\x01\x02', at + 4)) change(copy.subarray(at))
  return copy
}

function tar(...members: readonly (readonly [name: string, content: string | Uint8Array])[]): Buffer {
  return Buffer.concat([...members.flatMap(([name, content]) => [...tarMember(name, Buffer.from(content))]), TAR_END])
}

function npy(descr: string, shape: string, bytes: Uint8Array): Buffer {
  const header = `{'descr': ${descr}, 'fortran_order': False, 'shape': ${shape}, }\n`
  const length = Buffer.alloc(2)
  length.writeUInt16LE(header.length)
  return Buffer.concat([Buffer.from('\x93NUMPY\x01\0', 'latin1'), length, Buffer.from(header, 'latin1'), bytes])
}

const idx = (dims: readonly number[], bytes: Uint8Array) => {
  const header = Buffer.from([0, 0, 8, dims.length, ...dims.flatMap((dim) => [0, 0, dim >> 8, dim & 255])])
  return Buffer.concat([header, bytes])
}

/** What is given of the files, and the one line that must be said. */
const refused: Readonly<Record<string, readonly [Record<string, string | Uint8Array>, given: string, said: string]>> = {
  'a truncated Parquet': [
    { 'a.parquet': PARQUET.subarray(0, 1000) },
    'a.parquet',
    'a.parquet: found a damaged or truncated Parquet file, expected a complete one',
  ],
  'a Parquet in name only': [
    { 'a.parquet': 'file_name,label\n' },
    '.',
    'a.parquet: found no Parquet file, expected one',
  ],
  'a damaged footer': [
    { 'a.parquet': Buffer.concat([PARQUET.subarray(0, -6), Buffer.from([9, 0, 80, 65, 82, 49])]) },
    '.',
    'a.parquet: found a damaged or truncated Parquet file',
  ],
  'Parquet files with other columns': [
    { 'a.parquet': PARQUET, 'b.parquet': fixture('parquet/polars.parquet') },
    '.',
    'b.parquet: found pictures in image and labels in label (text), expected pictures in image.bytes and labels in label (3 classes cat, dog, emu) as in a.parquet',
  ],
  'a truncated zip': [{ 'a.zip': ZIP.subarray(0, -30) }, 'a.zip', 'a.zip: found a damaged or truncated zip, or none'],
  'a zip that leads out of itself': [
    { 'a.zip': replaced(ZIP, 'pets/', '../p/') },
    'a.zip',
    'a.zip: found a damaged or truncated zip, or none (invalid relative path: ../p/cat/0.png), expected a zip',
  ],
  'a zip with a name twice': [
    { 'a.zip': replaced(ZIP, 'pets/cat/3.png', 'pets/cat/0.png') },
    'a.zip',
    'a.zip: found "pets/cat/0.png" twice, expected each name once',
  ],
  'an encrypted zip': [
    { 'a.zip': withEntries((entry) => entry.writeUInt16LE(1, 8)) },
    'a.zip',
    'a.zip: found an encrypted zip, expected a plain one',
  ],
  'a zip of another compression': [
    { 'a.zip': withEntries((entry) => entry.writeUInt16LE(93, 10)) },
    'a.zip',
    'a.zip: found "pets/cat/0.png" compressed by method 93, expected deflate or none',
  ],
  'a truncated tar': [
    { 'a.tar': TAR.subarray(0, 2000) },
    'a.tar',
    'a.tar: found a truncated tar, expected a complete one',
  ],
  'a truncated tar in gzip': [{ 'a.tar.gz': gzipSync(TAR).subarray(0, 900) }, 'a.tar.gz', 'a.tar.gz: found'],
  'a tar in name only': [{ 'a.tar': 'x'.repeat(2000) }, 'a.tar', 'a.tar: found no tar, expected one'],
  'a tar with a key twice': [
    { 'a.tar': tar(['0.png', 'x'], ['0.cls', '1'], ['0.png', 'y'], ['0.cls', '2']) },
    'a.tar',
    'a.tar: found "0.cls" twice, expected each name once',
  ],
  'a tar that leads out of itself': [
    { 'a.tar': tar(['../0.png', 'x'], ['../0.cls', '1']) },
    'a.tar',
    'a.tar: found the name "../0.png", expected names below the archive',
  ],
  'a tar with an absolute name': [
    { 'a.tar': tar(['/etc/0.png', 'x']) },
    'a.tar',
    'a.tar: found the name "/etc/0.png", expected names below the archive',
  ],
  'a sample without a label': [
    { 'a.tar': tar(['0.png', 'x'], ['0.cls', '1'], ['1.png', 'y']) },
    'a.tar',
    'a.tar#1.png: found no label, expected a .cls, .json or .txt beside it',
  ],
  captions: [
    {
      'a.tar': tar(
        ...[...'abcdef'].flatMap(
          (key) =>
            [
              [`${key}.png`, 'x'],
              [`${key}.txt`, `the ${key}`],
            ] as const,
        ),
      ),
    },
    'a.tar',
    'a.tar: found 6 different texts such as "the a", expected classes',
  ],
  'idx files of other lengths': [
    {
      'train-images-idx3-ubyte': idx([2, 2, 2], new Uint8Array(8)),
      'train-labels-idx1-ubyte': idx([3], new Uint8Array(3)),
    },
    '.',
    'train-images-idx3-ubyte: found 2 pictures and 3 labels, expected as many',
  ],
  'an idx file that ends early': [
    {
      'train-images-idx3-ubyte': idx([2, 2, 2], new Uint8Array(7)),
      'train-labels-idx1-ubyte': idx([2], new Uint8Array(2)),
    },
    '.',
    'train-images-idx3-ubyte: found 23 bytes, expected 24 for 2 x 2 x 2',
  ],
  'an idx file alone': [
    { 'train-images-idx3-ubyte': idx([2, 2, 2], new Uint8Array(8)) },
    '.',
    'train-images-idx3-ubyte: found no labels of train-images-idx3-ubyte, expected train-labels-idx1-ubyte',
  ],
  'a CIFAR binary that ends early': [
    { 'data_batch_1.bin': new Uint8Array(3000) },
    'data_batch_1.bin',
    'data_batch_1.bin: found 3000 bytes, expected whole rows of a CIFAR binary',
  ],
  'arrays of other lengths': [
    {
      'a.tar': tar(
        ['train_images.npy', npy("'|u1'", '(2, 2, 2)', new Uint8Array(8))],
        ['train_labels.npy', npy("'<i8'", '(3,)', new Uint8Array(24))],
      ),
    },
    'a.tar',
    'a.tar/train_images.npy: found 2 pictures and 3 labels, expected as many',
  ],
  'several classes a picture': [
    {
      'a.tar': tar(
        ...['0', '1', '2'].flatMap(
          (key) =>
            [
              [`${key}.png`, 'x'],
              [`${key}.json`, '{"soft_label": [1, 0, 1]}'],
            ] as const,
        ),
      ),
      'classes.txt': 'a\nb\nc\n',
    },
    'a.tar',
    'a.tar#0.png: found 2 classes, and 2 more rows like it, expected one class a row',
  ],
  'labels that are objects': [
    {
      'a.tar': tar(
        ['train_images.npy', npy("'|u1'", '(2, 2, 2)', new Uint8Array(8))],
        ['train_labels.npy', npy("'|O'", '(2,)', new Uint8Array(24))],
      ),
    },
    'a.tar',
    'a.tar/train_images.npy: found train_labels of type |O, expected numbers or text',
  ],
  'an array of measures in place of labels': [
    {
      'a.tar': tar(
        ['train_images.npy', npy("'|u1'", '(2, 2, 2)', new Uint8Array(8))],
        ['train_labels.npy', npy("'<f4'", '(2,)', new Uint8Array(Float32Array.of(1, 0.5).buffer))],
      ),
    },
    'a.tar',
    'a.tar/train_images.npy: found 0.5 in train_labels, expected whole numbers or text',
  ],
  'files of several kinds': [
    { 'a.zip': ZIP, 'b.parquet': PARQUET },
    '.',
    ': found files of several kinds with pictures in them (a.zip, b.parquet), expected one',
  ],
  'several zips': [{ 'a.zip': ZIP, 'b.zip': ZIP }, '.', ': found 2 zip files, expected one'],
}

for (const [what, [files, given, said]] of Object.entries(refused)) {
  test(`${what} is refused in one line`, async () => {
    const root = temporaryFolder(files)
    const error = await readManifest(path.join(root, given)).then(
      () => expect.unreachable('expected a refusal'),
      (thrown: unknown) => thrown,
    )
    expect(error).toBeInstanceOf(AugmentError)
    const { message } = error as AugmentError
    expect(message).toContain(said)
    expect(message).not.toContain('\n')
    expect(message, 'the file that was given is named once').not.toContain(`${given}/${given}`)
  })
}

/** Members and rows that cannot be read: only their own outputs fail. */
const unreadable: Readonly<Record<string, readonly [string, Uint8Array, key: string, said: string]>> = {
  'a member that declares too much': [
    'a.zip',
    withEntries((entry) => entry.writeUInt32LE(0x7fffffff, 24)),
    'pets/cat/0.png',
    'found 2147483647 bytes declared for "pets/cat/0.png", expected at most 536870912',
  ],
  'a member that holds more than it declares': [
    'a.zip',
    withEntries((entry) => entry.writeUInt32LE(50, 24)),
    'pets/cat/0.png',
    'found damaged bytes or more than the zip declares, expected those of its checksum',
  ],
  'a member of another checksum': [
    'a.zip',
    withEntries((entry) => entry.writeUInt32LE(1, 16)),
    'pets/cat/0.png',
    'found damaged bytes',
  ],
  'a page that is damaged': [
    'a.parquet',
    Buffer.concat([PARQUET.subarray(0, 4), Buffer.alloc(100, 255), PARQUET.subarray(104)]),
    '0',
    'found a damaged or truncated Parquet file',
  ],
  'a row that is not there': ['a.parquet', PARQUET, '7', 'found no row "7", expected 0 to 6'],
  'a name that is not there': ['a.zip', ZIP, 'pets/cat/1.png', 'found no "pets/cat/1.png" in it'],
  'an array of floats': [
    'a.tar',
    tar(['x.npy', npy("'<f4'", '(1, 2, 2)', new Uint8Array(16))]),
    'x/0',
    'found numbers of type <f4, expected uint8 or uint16 in C order',
  ],
  'an array of another shape': [
    'a.tar',
    tar(['x.npy', npy("'|u1'", '(1, 2, 2, 5)', new Uint8Array(20))]),
    'x/0',
    'found an array of 1 x 2 x 2 x 5, expected N x height x width',
  ],
  'an array that ends early': [
    'a.tar',
    tar(['x.npy', npy("'|u1'", '(2, 2, 2)', new Uint8Array(7))]),
    'x/1',
    'found 80 bytes, expected 81 for 2 x 2 x 2',
  ],
}

test.each(Object.entries(unreadable))('%s is told of that picture alone', async (_, [file, bytes, key, said]) => {
  const root = temporaryFolder({ [file]: bytes })
  const name = `${file}#${key}`
  await expect(readPicture(path.join(root, name), name)).rejects.toMatchObject({
    code: 'failed',
    message: expect.stringContaining(`${name}: ${said}`),
  })
})

test('samples of a tar that have a label and no picture are left out, and named', async () => {
  const lost = [['1.cls', '0'] as const, ['2.heic', 'x'] as const, ['2.json', '{"label": 1}'] as const]
  const notes = [['notes.txt', 'taken in May'] as const, ['info.json', '{"shards": 1}'] as const]
  const root = temporaryFolder({ 'a.tar': tar(['0.png', 'x'], ['0.cls', '1'], ...lost, ...notes) })
  const { sources, unread } = await readManifest(path.join(root, 'a.tar'))
  expect(sources.map(({ file }) => file)).toEqual(['a.tar#0.png'])
  expect(unread).toMatch(
    /a\.tar: found 2 samples with a label and no picture, expected .*; left out: a\.tar#1, a\.tar#2$/,
  )
})
