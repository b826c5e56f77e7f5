import { readFileSync, symlinkSync } from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'
import type { AugmentError } from '../../src/core/errors.js'
import { sparseLabel } from '../../src/core/softLabel.js'
import { temporaryFolder } from '../helpers/folder.js'
import { type PairOptions, readPairs } from '../helpers/manifest.js'

const LABELLED = {
  'a.jpg': '',
  'b.jpg': '',
  'sub/c.jpg': '',
  'd.jpg': '',
  'labels.csv': 'id,label\na.jpg,cat\nb.jpg,dog\nsub/c.jpg,cat\n',
}

/** Pairs from a file of that name among labelled pictures. */
function pairsIn(name: string, content: unknown, options: PairOptions = {}, files: Record<string, string> = LABELLED) {
  const text = typeof content === 'string' ? content : JSON.stringify(content)
  return readPairs(path.join(temporaryFolder({ ...files, [name]: text }), name), options)
}

async function problemsOf(reading: Promise<unknown>): Promise<string[]> {
  const error = (await reading.then(
    () => expect.unreachable('expected a refusal'),
    (thrown: unknown) => thrown,
  )) as AugmentError
  expect(error).toMatchObject({ name: 'AugmentError', code: 'usage' })
  return error.message.split('\n').map((line) => line.replace(/\S*\/(?=pairs\.)/g, ''))
}

test('the pairs fixture is read with alpha, shift and labels where it gives them', async () => {
  const { manifest, pairs } = await readPairs('fixtures/pairs.json')
  const photos = readFileSync('fixtures/photos/labels.csv', 'utf8')
  expect(manifest).toMatchObject({ root: path.resolve('fixtures/photos'), origin: 'labels.csv', ignored: 0 })
  expect(manifest.classes).toEqual(['cat', 'medicine', 'object', 'person', 'space'])
  for (const { file, label } of manifest.sources)
    expect(photos).toContain(`\n${file},${manifest.classes[label as number]}\n`)
  const named = Array.from(pairs, ({ a, b, ...rest }) => [manifest.sources[a]!.file, manifest.sources[b]!.file, rest])
  expect(named).toEqual([
    ['astronaut.jpg', 'coffee.jpg', {}],
    ['rocket.jpg', 'hubble.jpg', {}],
    ['chelsea.jpg', 'clock.jpg', { alpha: 0.4 }],
    ['cameraman.jpg', 'astronaut.jpg', { alpha: 0.3, shift: [5, -3] }],
    ['retina.jpg', 'cell.jpg', { labelA: 2, labelB: sparseLabel(5, [1, 4], [0.75, 0.25]) }],
  ])
})

test('an array of pairs takes pictures and labels from its own folder, and only those it uses', async () => {
  const { manifest, pairs, out } = await pairsIn('pairs.json', [
    ['b.jpg', 'a.jpg'],
    { a: './a.jpg', b: 'b', name: '000123' },
  ])
  expect(manifest.sources).toEqual([
    { file: 'a.jpg', label: 0 },
    { file: 'b.jpg', label: 1 },
  ])
  expect([...pairs]).toEqual([
    { a: 1, b: 0 },
    { a: 0, b: 1, name: '000123' },
  ])
  expect(out).toBeUndefined()
})

test('JSON lines hold a pair a line', async () => {
  const { pairs } = await pairsIn(
    'pairs.jsonl',
    '\ufeff["a.jpg", "b.jpg"]\r\n\r\n{"a": "b.jpg", "b": "sub/c.jpg", "alpha": 0}\n',
  )
  expect([...pairs]).toEqual([
    { a: 0, b: 1 },
    { a: 1, b: 2, alpha: 0 },
  ])
})

test('images, labels and out are relative to the file, and options win over them', async () => {
  const root = temporaryFolder({
    'lists/pairs.json': JSON.stringify({
      images: '../one',
      labels: 'mine.csv',
      out: '../result',
      pairs: [['a.jpg', 'b.jpg']],
    }),
    'lists/mine.csv': 'id,label\na.jpg,x\nb.jpg,y\n',
    'one/a.jpg': '',
    'one/b.jpg': '',
    'two/a.jpg': '',
    'two/b.jpg': '',
    'other.csv': 'id,label\na.jpg,z\nb.jpg,z\n',
  })
  const file = path.join(root, 'lists/pairs.json')
  const own = await readPairs(file)
  expect(own).toMatchObject({
    manifest: { root: path.join(root, 'one'), classes: ['x', 'y'] },
    out: path.join(root, 'result'),
  })
  const other = await readPairs(file, { images: path.join(root, 'two'), labels: path.join(root, 'other.csv') })
  expect(other.manifest).toMatchObject({ root: path.join(root, 'two'), classes: ['z'] })
})

test('where every pair brings both labels no manifest is needed', async () => {
  const files = { 'a.jpg': '', 'b.jpg': '', 'classes.txt': 'y\nx\n' }
  const pairs = [
    { a: 'a.jpg', b: 'b.jpg', label_a: 'x', label_b: { x: 0.5, y: 0.5 } },
    { a: 'b.jpg', b: 'a.jpg', label_a: 'x', label_b: 'y' },
  ]
  const read = await pairsIn('pairs.json', pairs, {}, files)
  expect(read.manifest).toMatchObject({ classes: ['x', 'y'], origin: 'pairs.json', soft: true })
  expect([...read.pairs]).toEqual([
    { a: 0, b: 1, labelA: 0, labelB: sparseLabel(2, [0, 1], [0.5, 0.5]) },
    { a: 1, b: 0, labelA: 0, labelB: 1 },
  ])
  const classes = path.join(temporaryFolder(files), 'classes.txt')
  const indexed = [{ a: 'a.jpg', b: 'b.jpg', label_a: 1, label_b: [0.25, 0.75] }]
  expect([...(await pairsIn('pairs.json', indexed, { classes }, files)).pairs]).toEqual([
    { a: 0, b: 1, labelA: 1, labelB: sparseLabel(2, [0, 1], [0.25, 0.75]) },
  ])
  expect((await problemsOf(pairsIn('pairs.json', indexed, {}, files))).join()).toMatch(
    /soft labels without class names/,
  )
})

test('a provenance file replays its run: pictures from run.json, pairs, alpha and shift from its rows', async () => {
  const row = (index: number, rest: object) =>
    `${JSON.stringify({ index, file_name: 'x.jpg', method: 'sage', ...rest })}\n`
  const source = (file: string, rest = {}) => ({ file, sha256: '00', ...rest })
  const provenance =
    row(0, { sources: [source('b.jpg'), source('a.jpg')], alpha: 0.31, shift: [3, -2], lambda: 0.6, total: 0.7 }) +
    row(1, { sources: [source('a.jpg', { label: { dog: 0.5, cat: 0.5 } }), source('b.jpg', { label: 'cat' })] }) +
    row(2, { sources: [source('a.jpg')], method: 'original' })
  const root = temporaryFolder({
    'pictures/a.jpg': '',
    'pictures/b.jpg': '',
    'labels.csv': LABELLED['labels.csv'].replace(/sub.*\n/, ''),
    'classes.txt': 'dog\ncat\n',
    'aug/provenance.jsonl': provenance,
    'aug/run.json':
      '{"images": "../pictures", "labels": "../labels.csv", "classes": "../classes.txt", "complete": true}',
  })
  const { manifest, pairs } = await readPairs(path.join(root, 'aug/provenance.jsonl'))
  expect(manifest).toMatchObject({ root: path.join(root, 'pictures'), classes: ['dog', 'cat'] })
  expect([...pairs]).toEqual([
    { a: 1, b: 0, alpha: 0.31, shift: [3, -2], stream: 0 },
    { a: 0, b: 1, labelA: sparseLabel(2, [0, 1], [0.5, 0.5]), labelB: 1, stream: 1 },
  ])
})

test('every problem of every pair is told with its place', async () => {
  const pairs = [
    ['a.jpg', 'none.jpg'],
    ['../a.jpg', '/etc/hostname'],
    ['a.jpg', 'd.jpg'],
    ['a.jpg'],
    7,
    { a: 'a.jpg', b: 3 },
    { a: 'a.jpg', b: 'b.jpg', alpha: 1.5, shift: [0.5, 1], label_a: 'zebra', extra: 1 },
    { a: 'a.jpg', b: 'b.jpg', label_a: 'zebra', label_b: { cat: 0.5 } },
    { a: 'a.jpg', b: 'b.jpg', name: '../x' },
    { a: 'a.jpg', b: 'b.jpg', name: 'my-test_1' },
    { a: 'a.jpg', b: 'b.jpg', name: 'Mix1' },
    { a: 'a.jpg', b: 'b.jpg', name: 'mix1' },
  ]
  expect(await problemsOf(pairsIn('pairs.json', pairs))).toEqual([
    'pairs.json[0]: file "none.jpg" does not exist',
    'pairs.json[1]: path "../a.jpg" leaves the folder of the pictures',
    'pairs.json[1]: path "/etc/hostname" leaves the folder of the pictures',
    'pairs.json[2]: file "d.jpg" has no label in labels.csv',
    'pairs.json[3]: expected a pair like ["a.jpg", "b.jpg"] or {"a": "a.jpg", "b": "b.jpg"}',
    'pairs.json[4]: expected a pair like ["a.jpg", "b.jpg"] or {"a": "a.jpg", "b": "b.jpg"}',
    'pairs.json[5]: b: expected a file name',
    'pairs.json[6]: alpha: expected a number between 0 and 1',
    'pairs.json[6]: shift.0: expected two whole numbers [dx, dy]',
    'pairs.json[6]: unknown key "extra"',
    'pairs.json[7]: class "zebra" is not among the 2 classes of the manifest',
    'pairs.json[7]: weights sum to 0.5, expected 1',
    'pairs.json[8]: name: expected up to 95 letters, digits, - or _, without extension',
    'pairs.json[9]: name: expected a name without a word like train or test, which loaders take for a split',
    'pairs.json[11]: name "mix1" is already used by pairs.json[10]',
  ])
})

test.each([
  ['pairs.json', '[]', 'pairs.json: found no pairs, expected pairs like ["a.jpg", "b.jpg"]'],
  ['pairs.json', '{"pair": []}', /pairs: .*array/],
  ['pairs.json', '[["a.jpg", "b.jpg"],]', /found text that is not JSON/],
  ['pairs.json', '"a.jpg"', /expected/],
  ['pairs.jsonl', '["a.jpg", "b.jpg"]\n["a.jpg", NaN]\n', /^pairs.jsonl:2: found text that is not JSON/],
  ['pairs.txt', 'a.jpg b.jpg', /expected a .json or .jsonl file of pairs/],
])('%s with %j is refused', async (name, content, expected) => {
  const found = (await problemsOf(pairsIn(name, content))).join('\n')
  if (typeof expected === 'string') expect(found).toBe(expected)
  else expect(found).toMatch(expected)
})

test('a pair cannot reach out of the folder by a link', async () => {
  const outside = temporaryFolder({ 'secret.jpg': '' })
  const root = temporaryFolder({ ...LABELLED, 'pairs.json': '[["a.jpg", "link/secret.jpg"]]' })
  symlinkSync(outside, path.join(root, 'link'))
  expect(await problemsOf(readPairs(path.join(root, 'pairs.json')))).toEqual([
    'pairs.json[0]: path "link/secret.jpg" leaves the folder of the pictures by a symbolic link',
  ])
})
