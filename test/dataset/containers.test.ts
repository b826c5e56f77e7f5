import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'
import { decodeImage } from '../../src/codec/decode.js'
import { readPicture } from '../../src/containers/pictureFile.js'
import { dense } from '../../src/core/softLabel.js'
import { type ManifestOptions, readManifest } from '../helpers/manifest.js'

const FOLDER = path.resolve(import.meta.dirname, '../../fixtures/containers')

/** What test/external/make_containers.py put into the files that other tools wrote, pixels as Pillow reads them. */
const expected = JSON.parse(readFileSync(path.join(FOLDER, 'expected.json'), 'utf8')) as Record<
  string,
  { readonly pixels: string; readonly label: string | readonly number[] }
>

/** What is given, the pictures that are to be found by the beginning of their names, and what is said. */
type Case = readonly [given: string, pictures: RegExp, told: string, options?: ManifestOptions]
const inputs: readonly Case[] = [
  ['hugging-face', /^hugging-face\/data\/train-/, 'labels from 2 Parquet files, column label'],
  ['hugging-face', /^hugging-face\/data\/test-/, 'labels from 1 Parquet file, column label', { split: 'test' }],
  ['hugging-face', /^hugging-face\//, 'labels from 3 Parquet files, column label', { split: 'all' }],
  ...[
    'pandas',
    'polars',
    'duckdb',
    'pyarrow-zstd',
    'pyarrow-gzip',
    'pyarrow-lz4',
    'pyarrow-brotli',
    'pyarrow-none',
  ].map(
    (name) =>
      [
        `parquet/${name}.parquet`,
        new RegExp(`^parquet/${name}.parquet#`),
        'labels from 1 Parquet file, column label',
      ] as const satisfies Case,
  ),
  ['parquet/soft.parquet', /^parquet\/soft/, 'labels from 1 Parquet file, column soft_label'],
  ['paths/train.parquet', /^paths\/images\//, 'labels from 1 Parquet file, column label'],
  ['webdataset', /^webdataset\/pets-train/, 'labels from 2 tars, .cls'],
  ['webdataset', /^webdataset\/pets-val/, 'labels from 1 tar, .cls', { split: 'validation' }],
  ['webdataset/pets-train-{000000..000001}.tar', /^webdataset\/pets-train/, 'labels from 2 tars, .cls'],
  [
    'webdataset/pets-{train-000001,val-000000}.tar',
    /^webdataset\/pets-(val|train-000001)/,
    'labels from 2 tars, .cls',
    { split: 'all' },
  ],
  ['webdataset-json', /^webdataset-json/, 'labels from 1 tar, .json'],
  ['webdataset-txt/txt.tar', /^webdataset-txt/, 'labels from 1 tar, .txt'],
  ['zip/pets.zip', /^zip\/pets/, 'labels from class folders in pets.zip'],
  ['zip-table', /^zip-table\/pets/, 'labels from labels.csv, column label in pets.zip'],
  ['tar/pets.tar', /^tar\/pets/, 'labels from class folders in pets.tar'],
  ['tar-gz/pets.tar.gz', /^tar-gz\/pets/, 'labels from class folders in pets.tar.gz'],
  ['cifar-10', /^cifar-10\/.*data_batch/, 'labels from data_batch_1.bin, data_batch_2.bin'],
  ['cifar-10/cifar-10-batches-bin/test_batch.bin', /test_batch/, 'labels from test_batch.bin', { split: 'test' }],
  ['cifar-10-packed', /^cifar-10-packed/, 'labels from data_batch_1.bin'],
  ['cifar-100', /^cifar-100\//, 'labels from train.bin'],
  ['mnist', /^mnist\/train/, 'labels from train-images-idx3-ubyte.gz'],
  ['mnist', /^mnist\/t10k/, 'labels from t10k-images-idx3-ubyte.gz', { split: 'test' }],
  ['medmnist/path.npz', /^medmnist\/path.npz#train/, 'labels from train_images'],
  ['medmnist/path.npz', /^medmnist\/path.npz#val/, 'labels from val_images', { split: 'val' }],
  ['medmnist-grey', /^medmnist-grey\/grey.npz#train/, 'labels from train_images'],
]

for (const [given, pictures, told, options = {}] of inputs)
  test(`${given}: pictures ${pictures} with their labels and pixels`, async () => {
    const manifest = await readManifest(path.join(FOLDER, given), options)
    expect(manifest.told).toBe(told)
    const names = manifest.sources.map(({ file }) =>
      path.relative(FOLDER, path.join(manifest.root, file)).split(path.sep).join('/'),
    )
    expect(names).toEqual(
      Object.keys(expected)
        .filter((name) => pictures.test(name))
        .sort(),
    )
    for (const [i, name] of names.entries()) {
      const { label } = manifest.sources[i]!
      const wanted = expected[name]!.label
      const found = typeof wanted === 'string' ? manifest.classes[label as number] : [...dense(label, 3)]
      expect(found, name).toEqual(wanted)
      const { bytes } = await readPicture(path.join(FOLDER, name), name)
      const { data } = await decodeImage(bytes, name, { maxPixels: 1e6 })
      expect(createHash('sha256').update(data).digest('hex'), name).toBe(expected[name]!.pixels)
    }
  })
