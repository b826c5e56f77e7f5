import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'
import type { AugmentError } from '../../src/core/errors.js'
import { dense } from '../../src/core/softLabel.js'
import { Problems } from '../../src/dataset/problems.js'
import { readTable } from '../../src/dataset/readTable.js'
import { temporaryFolder } from '../helpers/folder.js'
import { type ManifestOptions, readManifest } from '../helpers/manifest.js'

const BROKEN = 'fixtures/broken/manifests'
const PICTURES = { 'a.png': '', 'b.png': '', 'sub/c.png': '' }

/** The manifest of a folder with a.png, b.png and sub/c.png, and labels in a file of that name. */
function withLabels(name: string, content: string | Uint8Array, options: ManifestOptions = {}, files = {}) {
  return readManifest(temporaryFolder({ ...PICTURES, ...files, [name]: content }), options)
}

/** File to label, soft labels as arrays. */
async function labelsOf(reading: ReturnType<typeof readManifest>) {
  const { sources, classes } = await reading
  return Object.fromEntries(
    sources.map(({ file, label }) => [file, typeof label === 'number' ? label : [...dense(label, classes.length)]]),
  )
}

async function problemsOf(reading: Promise<unknown>): Promise<string[]> {
  const error = (await reading.then(
    () => expect.unreachable('expected a refusal'),
    (thrown: unknown) => thrown,
  )) as AugmentError
  expect(error).toMatchObject({ name: 'AugmentError', code: 'usage' })
  return error.message.split('\n')
}

test('the fashion-mnist fixture has 300 sources in 10 classes', async () => {
  const manifest = await readManifest('fixtures/fashion-mnist')
  expect(manifest).toMatchObject({ root: path.resolve('fixtures/fashion-mnist'), origin: 'labels.csv', soft: false })
  expect(manifest.classes).toEqual([
    'Ankle boot',
    'Bag',
    'Coat',
    'Dress',
    'Pullover',
    'Sandal',
    'Shirt',
    'Sneaker',
    'T-shirt/top',
    'Trouser',
  ])
  expect(manifest.sources).toHaveLength(300)
  expect(manifest.classes.map((_, k) => manifest.sources.filter((source) => source.label === k).length)).toEqual(
    Array(10).fill(30),
  )
  expect(manifest.ignored).toBe(0)
})

const problems: Record<string, string[] | null> = JSON.parse(readFileSync(`${BROKEN}/expected/problems.json`, 'utf8'))

test('every broken manifest has its expected refusal', () => {
  const files = readdirSync(BROKEN, { withFileTypes: true }).filter((entry) => entry.isFile())
  expect(Object.keys(problems).sort()).toEqual(files.map((entry) => entry.name).sort())
})

test.each(Object.entries(problems))('%s is refused with all its problems', async (name, expected) => {
  const file = path.join(BROKEN, name)
  const found = await problemsOf(readManifest(path.join(BROKEN, 'pictures'), { labels: file }))
  if (expected === null)
    expect(found.join()).toMatch(new RegExp(`^${file}(:2|\\[1\\])?: found text that is not JSON \\(.+\\)$`))
  else expect(found.map((line) => line.replaceAll(`${BROKEN}/`, ''))).toEqual(expected)
})

const HARD = { 'a.png': 1, 'b.png': 0, 'sub/c.png': 1 }
const ROWS = [
  ['a.png', 'dog'],
  ['b.png', 'cat'],
  ['sub/c.png', 'dog'],
] as const
const csv = (header: string, end = '\n') => [header, ...ROWS.map((row) => row.join(','))].join(end) + end
const objects = (file: string, label: string) => ROWS.map((row) => ({ [file]: row[0], [label]: row[1] }))

test.each([
  ['labels.csv', csv('file_name,label')],
  ['labels.csv', csv('filename,class')],
  ['labels.csv', csv('image,target')],
  ['labels.csv', csv('Path,Label')],
  ['labels.csv', `\ufeff${csv('id,label', '\r\n')}`],
  ['labels.csv', 'label, file_name ,split\n dog , a.png ,x\ncat,b.png,\n\n"dog","sub/c.png","y,z"'],
  ['metadata.csv', csv('file_name,label')],
  [
    'metadata.jsonl',
    objects('file_name', 'label')
      .map((row) => `${JSON.stringify(row)}\r\n`)
      .join('\n'),
  ],
  ['labels.json', JSON.stringify(objects('image', 'class'))],
  ['labels.json', `\ufeff${JSON.stringify(objects('id', 'target'))}`],
])('%s is found in the folder and read: %j', async (name, content) => {
  const reading = withLabels(name, content)
  expect(await labelsOf(reading)).toEqual(HARD)
  expect(await reading).toMatchObject({ classes: ['cat', 'dog'], origin: name, soft: false, ignored: 0 })
})

test('labels.csv comes before the other manifests, and --labels before all', async () => {
  const files = {
    'metadata.jsonl': '{"file_name": "b.png", "label": "bird"}',
    'other.csv': 'file_name,label\na.png,fish\n',
  }
  const root = temporaryFolder({ ...PICTURES, ...files, 'labels.csv': csv('file_name,label') })
  expect((await readManifest(root)).classes).toEqual(['cat', 'dog'])
  const other = await readManifest(root, { labels: path.join(root, 'other.csv') })
  expect(other).toMatchObject({ classes: ['fish'], sources: [{ file: 'a.png', label: 0 }], ignored: 2 })
})

test('hidden pictures and those of a run of ours count where a manifest names them', async () => {
  const root = temporaryFolder({ '.x/a.png': '', 'b/.b.png': '', 'aug/.sage/lock': '', 'aug/0.jpg': '' })
  writeFileSync(path.join(root, 'labels.csv'), 'id,label\n.x/a.png,k\nb/.b.png,k\naug/0.jpg,k\n')
  expect((await readManifest(root)).sources.map((source) => source.file)).toEqual(['.x/a.png', 'aug/0.jpg', 'b/.b.png'])
})

test('without a manifest each folder is a class, in code point order', async () => {
  const root = temporaryFolder({
    '10/x.png': '',
    '2/deep/er/y.JPEG': '',
    '2/.hidden.png': '',
    '\u{1f600}/smile.webp': '',
    '\uff21/wide.TIF': '',
    '.cache/z.png': '',
    'notes/readme.txt': '',
    'loose.png': '',
  })
  const manifest = await readManifest(root)
  // By UTF-16 code units the smiling face would come before the fullwidth A.
  expect(manifest.classes).toEqual(['10', '2', '\uff21', '\u{1f600}'])
  expect(manifest.sources.map(({ file, label }) => [file, label])).toEqual([
    ['10/x.png', 0],
    ['2/deep/er/y.JPEG', 1],
    ['\u{1f600}/smile.webp', 3],
    ['\uff21/wide.TIF', 2],
  ])
  expect(manifest).toMatchObject({ origin: 'class folders', ignored: 1 })
})

test('an output folder of ours among the class folders is not a class', async () => {
  const root = temporaryFolder({ 'cat/a.png': '', 'aug/.sage/lock': '', 'aug/images/00000/000000000.jpg': '' })
  expect((await readManifest(root)).classes).toEqual(['cat'])
})

test('a folder of splits is not taken for a folder of classes', async () => {
  const files = { 'train/cat/a.png': '', 'test/cat/a.png': '' }
  const root = temporaryFolder({ ...files, 'classes.txt': 'test\ntrain\n' })
  expect(await readManifest(root)).toMatchObject({ classes: ['cat'], sources: [{ file: 'train/cat/a.png' }] })
  const vehicles = temporaryFolder({ 'train/a.png': '', 'tram/b.png': '' })
  expect((await readManifest(vehicles)).classes).toEqual(['train', 'tram'])
  expect((await readManifest(root, { classes: path.join(root, 'classes.txt') })).classes).toEqual(['test', 'train'])
})

test('soft labels keep the order of their columns and are made to sum to 1', async () => {
  const reading = withLabels(
    'labels.csv',
    'file_name,dog,cat\na.png,0.25,0.75\nb.png,1.0,0.0\nsub/c.png,0.3333,0.6666\n',
  )
  expect(await reading).toMatchObject({ classes: ['dog', 'cat'], soft: true })
  const sum = 0.3333 + 0.6666
  const labels = { 'a.png': [0.25, 0.75], 'b.png': 0, 'sub/c.png': [0.3333 / sum, 0.6666 / sum] }
  expect(await labelsOf(reading)).toEqual(labels)
})

test('classes may be called NA, label, class or __proto__', async () => {
  const content = 'file_name,label,NA,class,__proto__\na.png,0.5,0.5,0.0,0.0\nb.png,0.0,0.0,0.0,1.0\n'
  expect((await withLabels('labels.csv', content)).classes).toEqual(['label', 'NA', 'class', '__proto__'])
  const hard = await withLabels('labels.csv', 'file_name,label\na.png,NA\nb.png,__proto__\nsub/c.png,constructor\n')
  expect(hard).toMatchObject({
    classes: ['NA', '__proto__', 'constructor'],
    sources: [{ label: 0 }, { label: 1 }, { label: 2 }],
  })
})

test('soft_label is an object by class name, or with --classes an array, and wins over label', async () => {
  const byName = '{"file_name": "a.png", "soft_label": {"dog": 0.25, "cat": 0.75}, "label": "bird"}\n'
  expect(await labelsOf(withLabels('metadata.jsonl', byName))).toEqual({ 'a.png': [0.75, 0.25] })
  const classes = path.join(temporaryFolder({ 'classes.txt': 'dog\ncat\nbird\n' }), 'classes.txt')
  const inOrder = '{"file_name": "a.png", "soft_label": [0.25, 0.75, 0]}\n{"file_name": "b.png", "label": 2}\n'
  expect(await labelsOf(withLabels('metadata.jsonl', inOrder, { classes }))).toEqual({
    'a.png': [0.25, 0.75, 0],
    'b.png': 2,
  })
  const short = '{"file_name": "a.png", "soft_label": [0.25, 0.75]}'
  expect(await problemsOf(withLabels('metadata.jsonl', short, { classes }))).toEqual([
    'metadata.jsonl:1: found a soft label of 2 weights, expected 3, one per class',
  ])
})

test('--classes gives the order of names, integers and columns, and refuses what it does not have', async () => {
  const classes = path.join(temporaryFolder({ 'classes.txt': 'dog\r\ncat\r\n' }), 'classes.txt')
  expect(await labelsOf(withLabels('labels.csv', csv('id,label'), { classes }))).toEqual({
    ...HARD,
    'a.png': 0,
    'b.png': 1,
    'sub/c.png': 0,
  })
  expect(await labelsOf(withLabels('labels.csv', 'id,label\na.png,1\nb.png,0\n', { classes }))).toEqual({
    'a.png': 1,
    'b.png': 0,
  })
  const soft = 'id,cat,dog\na.png,0.25,0.75\n'
  expect(await labelsOf(withLabels('labels.csv', soft, { classes }))).toEqual({ 'a.png': [0.75, 0.25] })
  expect(await problemsOf(withLabels('labels.csv', 'id,label\na.png,zebra\nb.png,2\n', { classes }))).toEqual([
    'labels.csv:2: class "zebra" is not among the 2 classes of the manifest',
    'labels.csv:3: class "2" is not among the 2 classes of the manifest',
  ])
  expect(await problemsOf(withLabels('labels.csv', 'id,cat,zebra\na.png,0.25,0.75\n', { classes }))).toEqual([
    'labels.csv:1: class "zebra" is not among the 2 classes of the manifest',
  ])
  const folders = temporaryFolder({ 'cat/a.png': '', 'zebra/b.png': '' })
  expect(await problemsOf(readManifest(folders, { classes }))).toEqual([
    `${folders}/zebra: class "zebra" is not among the 2 classes of the manifest`,
  ])
})

test('a class file with gaps or repetitions is refused', async () => {
  const classes = path.join(temporaryFolder({ 'classes.txt': 'dog\n\ncat\ndog\n\n' }), 'classes.txt')
  expect(await problemsOf(withLabels('labels.csv', csv('id,label'), { classes }))).toEqual([
    `${classes}:2: found an empty line, expected a class name`,
    `${classes}:4: class "dog" appears twice`,
  ])
})

test('integer labels without --classes are names in numeric order', async () => {
  const integers = await withLabels('labels.csv', 'id,label\na.png,10\nb.png,2\nsub/c.png,0\n')
  expect(integers).toMatchObject({ classes: ['0', '2', '10'], sources: [{ label: 2 }, { label: 1 }, { label: 0 }] })
  const json = await withLabels('labels.json', '[{"id": "a.png", "label": 10}, {"id": "b.png", "label": 2}]')
  expect(json).toMatchObject({ classes: ['2', '10'], sources: [{ label: 1 }, { label: 0 }] })
})

test('names in the other Unicode normal form, with ./ or without extension mean the file on disk', async () => {
  const nfd = 'cafe\u0301.png'
  const root = temporaryFolder({ [nfd]: '', 'x/img.JPG': '', 'twin.jpg': '', 'twin.png': '' })
  writeFileSync(path.join(root, 'labels.csv'), 'id,label\ncaf\u00e9.png,a\n./x//img,b\n')
  expect((await readManifest(root)).sources.map((source) => source.file)).toEqual([nfd, 'x/img.JPG'])
  writeFileSync(path.join(root, 'labels.csv'), 'id,label\ntwin,a\n')
  expect(await problemsOf(readManifest(root))).toEqual(['labels.csv:2: file "twin" does not exist'])
})

test('links that stay in the folder are followed, links that leave it are refused', async () => {
  const outside = temporaryFolder({ 'secret.png': '', 'folder/inner.png': '' })
  const root = temporaryFolder({ 'cat/a.png': '' })
  symlinkSync('a.png', path.join(root, 'cat/inside.png'))
  expect((await readManifest(root)).sources.map((source) => source.file)).toEqual(['cat/a.png', 'cat/inside.png'])
  symlinkSync(path.join(outside, 'secret.png'), path.join(root, 'cat/secret.png'))
  symlinkSync(path.join(outside, 'folder'), path.join(root, 'dog'))
  symlinkSync('nowhere', path.join(root, 'cat/dangling.png'))
  symlinkSync(path.join(outside, 'secret.png'), path.join(root, 'cat/notes.txt'))
  expect((await problemsOf(readManifest(root))).sort()).toEqual([
    `${root}/cat/dangling.png: "cat/dangling.png" is a link that leads nowhere ("nowhere")`,
    `${root}/cat/secret.png: path "cat/secret.png" leaves the folder of the pictures by a symbolic link`,
    `${root}/dog: found a symbolic link to a folder, expected the folder itself`,
  ])
  writeFileSync(path.join(root, 'labels.csv'), 'id,label\ncat/a.png,x\ndog/inner.png,y\ncat/inside.png,x\n')
  expect(await problemsOf(readManifest(root))).toEqual([
    'labels.csv:3: path "dog/inner.png" leaves the folder of the pictures by a symbolic link',
  ])
})

test.runIf(process.platform === 'linux')(
  'class folders that differ only in normal form are told to be one',
  async () => {
    const root = temporaryFolder({ 'caf\u00e9/a.png': '', 'cafe\u0301/b.png': '', 'tee/c.png': '' })
    const told = 'folders that differ only in Unicode normal form are one class: "caf\\u00e9" and "cafe\\u0301"'
    const classes = path.join(root, 'names.txt')
    writeFileSync(classes, 'tee\ncaf\u00e9\n')
    expect(await readManifest(root)).toMatchObject({ classes: ['caf\u00e9', 'tee'], notices: [told] })
    expect(await readManifest(root, { classes })).toMatchObject({ classes: ['tee', 'caf\u00e9'], notices: [told] })
  },
)

test('what storage systems and archives leave behind is no class', async () => {
  const beside = [
    '@eaDir',
    '#recycle',
    '@Recycle',
    '__MACOSX',
    '$RECYCLE.BIN',
    'System Volume Information',
    'lost+found',
  ]
  const own = { 'cat/a.png': '', 'dog/b.png': '', '@home/c.png': '' }
  const others = beside.flatMap((name) => [`${name}/x.jpg`, `cat/${name}/a.png/SYNOPHOTO_THUMB_M.jpg`])
  const root = temporaryFolder({ ...own, ...Object.fromEntries(others.map((file) => [file, ''])) })
  const { classes, sources, notices, ignored } = await readManifest(root)
  expect(classes).toEqual(['@home', 'cat', 'dog'])
  expect(sources.map(({ file }) => file)).toEqual(['@home/c.png', 'cat/a.png', 'dog/b.png'])
  expect({ notices, ignored }).toEqual({ notices: [], ignored: 0 })
  const labels = path.join(root, 'some.csv')
  writeFileSync(labels, 'id,label\ncat/a.png,x\n#recycle/x.jpg,y\n')
  expect((await readManifest(root, { labels })).sources).toHaveLength(2)
})

test('tables in UTF-16 and UTF-32 are refused as such, with or without a byte order mark', async () => {
  const root = temporaryFolder({ 'a.png': '', 'b.png': '' })
  const texts = { csv: 'file_name,label\na.png,x\nb.png,y\n', jsonl: '{"file_name": "a.png", "label": "x"}\n' }
  for (const [ending, text] of Object.entries(texts)) {
    for (const mark of ['\ufeff', '']) {
      const little = Buffer.from(mark + text, 'utf16le')
      const four = Buffer.from(new Uint32Array(Array.from(mark + text, (letter) => letter.codePointAt(0)!)).buffer)
      const wide = [little, Buffer.from(little).swap16(), four, Buffer.from(four).swap32()]
      for (const bytes of wide) {
        const labels = path.join(root, `pets.${ending}`)
        writeFileSync(labels, bytes)
        await expect(readManifest(root, { labels })).rejects.toMatchObject({
          code: 'usage',
          message: `${labels}: found UTF-16 or UTF-32, expected UTF-8 text`,
          hint: expect.stringContaining('save it as UTF-8'),
        })
      }
    }
  }
  const latin = path.join(root, 'latin.csv')
  writeFileSync(latin, Buffer.from('file_name,label\na.png,caf\u00e9\n', 'latin1'))
  await expect(readManifest(root, { labels: latin })).rejects.toMatchObject({
    message: `${latin}: found bytes that are not UTF-8, expected UTF-8 text`,
    hint: expect.stringContaining('save it as UTF-8'),
  })
})

test.runIf(process.platform === 'linux')('a class folder whose name is not UTF-8 is refused as such', async () => {
  const root = temporaryFolder({ 'a/1.jpg': '', 'b/1.jpg': '' })
  mkdirSync(Buffer.concat([Buffer.from(`${root}/caf`), Buffer.from([0xe9])]))
  await expect(readManifest(root)).rejects.toMatchObject({
    message: expect.stringContaining('found a name that is not UTF-8, expected a folder of pictures'),
  })
})

test('a folder that is empty, missing, a file or without labels is refused', async () => {
  const none = 'expected labels.csv, metadata.csv, metadata.jsonl, labels.json or one folder per class'
  const empty = temporaryFolder()
  expect(await problemsOf(readManifest(empty))).toEqual([
    `${empty}: found no pictures, expected some in it or in folders below it`,
  ])
  const loose = temporaryFolder({ 'a.png': '', 'b.png': '' })
  expect(await problemsOf(readManifest(loose))).toEqual([`${loose}: found 2 pictures without labels, ${none}`])
  const [missing, file, labels] = ['missing', 'a.png', 'none.csv'].map((name) => path.join(loose, name))
  expect(await problemsOf(readManifest(missing!))).toEqual([
    `${missing}: no such file or folder, expected a folder of pictures`,
  ])
  expect(await problemsOf(readManifest(file!))).toEqual([
    `${file}: found a file where a folder belongs, expected a folder of pictures`,
  ])
  expect(await problemsOf(readManifest(loose, { labels: labels! }))).toEqual([
    `${labels}: no such file or folder, expected a readable file`,
  ])
  expect(await problemsOf(readManifest(loose, { labels: loose }))).toEqual([
    `${loose}: found a name without extension, expected a .csv, .json or .jsonl manifest`,
  ])
  mkdirSync(path.join(loose, 'labels.csv'))
  expect(await problemsOf(readManifest(loose))).toEqual([`${loose}: found 2 pictures without labels, ${none}`])
})

test('of thousands of problems the first hundred are told, and how many more there are', async () => {
  const rows = Array.from({ length: 5000 }, (_, i) => `none${i}.png,cat\n`).join('')
  const found = await problemsOf(withLabels('labels.csv', `id,label\n${rows}`))
  expect(found).toHaveLength(101)
  expect(found.at(-1)).toBe('... and 4900 more problems like these')
})

test('line breaks in names stay within the line of their problem', async () => {
  const content = 'id,label\n"a\n\u001b[31m.png",cat\n'
  expect(await problemsOf(withLabels('labels.csv', content))).toEqual([
    'labels.csv:3: file "a\\n\\u001b[31m.png" does not exist',
  ])
  expect(await problemsOf(withLabels('labels.json', '[{"id": "a.png", "label": "x\\ny"}]'))).toEqual([
    'labels.json: class "x\\ny" has a line break or control character',
  ])
})

/** Names that no reader would give back, and why. */
const UNWRITABLE: readonly (readonly [string, string])[] = [
  ['a\u2028b', 'has a line break or control character'],
  ['a\u2029b', 'has a line break or control character'],
  ['a\u0085b', 'has a line break or control character'],
  ['a\tb', 'has a line break or control character'],
  ['a\nb', 'has a line break or control character'],
  [' a', 'begins or ends with a space'],
  ['a\u00a0', 'begins or ends with a space'],
  ['a\ufeff', 'begins or ends with a space'],
  ['file_name', 'has the name of the column of file names'],
  ['File_Name', 'has the name of the column of file names'],
]

test('class names that could not be read back are refused, from folders as from tables, all at once', async () => {
  const hint = expect.stringContaining('rename the class')
  const folders = temporaryFolder(Object.fromEntries(UNWRITABLE.map(([name]) => [`${name}/a.png`, ''])))
  const told = UNWRITABLE.map(([name, problem]) => `class ${JSON.stringify(name)} ${problem}`)
  const fromFolders = readManifest(folders)
  expect((await problemsOf(fromFolders)).map((line) => line.slice(line.indexOf(': class ') + 2)).sort()).toEqual(
    told.sort(),
  )
  await expect(fromFolders).rejects.toMatchObject({ hint })
  const quotedCell = (text: string) => `"${text}"`
  const rows = UNWRITABLE.map(([name], i) => `${i}.png,${quotedCell(name)}`)
  const files = Object.fromEntries(UNWRITABLE.map((_, i) => [`${i}.png`, '']))
  const hard = await problemsOf(withLabels('labels.csv', `file_name,label\n${rows.join('\n')}\n`, {}, files))
  expect(hard.sort()).toEqual(told.map((line) => `labels.csv: ${line}`).sort())
  const columns = `file_name,${UNWRITABLE.map(([name]) => quotedCell(name)).join(',')}\na.png,1.0${',0.0'.repeat(9)}\n`
  expect((await problemsOf(withLabels('labels.csv', columns))).sort()).toEqual(hard)
})

test('tables that come in many pieces have the labels and lines of their rows', async () => {
  const files = Array.from({ length: 30_000 }, (_, i) => `pictures of é and 😀/${i}.png`)
  const quoted = files.map((file, i) => (i % 1000 === 0 ? `"${file}","x\n${i}"` : `${file},${i % 3}`))
  const plain = files.map((file, i) => `${file},${i % 3}`)
  const json = files.map((file_name, i) => ({ file_name, label: i % 3 }))
  for (const [name, content, places] of [
    ['a.csv', `file_name,label\n${quoted.join('\r\n')}`, ['a.csv:3', 'a.csv:30031']],
    ['a.csv', `file_name,label\n${plain.join('\n')}`, ['a.csv:2', 'a.csv:30001']],
    ['a.jsonl', json.map((row) => JSON.stringify(row)).join('\n'), ['a.jsonl:1', 'a.jsonl:30000']],
    ['a.json', JSON.stringify(json), ['a.json[0]', 'a.json[29999]']],
  ] as const) {
    const root = temporaryFolder({ [name]: content })
    const table = await readTable(path.join(root, name), name, undefined, new Problems())
    expect(table.rows.files).toEqual(files)
    expect(table.rows.labels.slice(1, 1000).map(Number)).toEqual(files.slice(1, 1000).map((_, i) => (i + 1) % 3))
    const { positions } = table.rows
    expect([positions[0]!, positions.at(-1)!].map((position) => table.placeOf(position))).toEqual(places)
  }
})
