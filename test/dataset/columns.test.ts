import { writeFileSync } from 'node:fs'
import path from 'node:path'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { dense } from '../../src/core/softLabel.js'
import { temporaryFolder } from '../helpers/folder.js'
import { readManifest } from '../helpers/manifest.js'

const FILES = ['0.png', '1.png', '2.png', '3.png', '4.png', '5.png']

type Cell = string | number | boolean | null

/** A folder with pictures, a table of them under every ending, and perhaps class names. */
function folderWith(header: string, rows: readonly (readonly Cell[])[], classes: string) {
  const names = header.split(',')
  const records = rows.map((cells, i) => Object.fromEntries([FILES[i]!, ...cells].map((cell, k) => [names[k], cell])))
  return temporaryFolder({
    ...Object.fromEntries(FILES.map((file) => [file, ''])),
    'pets.csv': `${[header, ...rows.map((cells, i) => [FILES[i], ...cells].join(','))].join('\n')}\n`,
    'pets.json': JSON.stringify(records),
    'pets.jsonl': records.map((record) => `${JSON.stringify(record)}\n`).join(''),
    'classes.txt': classes.replaceAll(',', '\n'),
  })
}

async function understood(root: string, name: string, classes: string) {
  const options = classes === '' ? {} : { classes: path.join(root, 'classes.txt') }
  const manifest = await readManifest(root, { labels: path.join(root, name), ...options })
  const labels = manifest.sources.map(({ label }) =>
    typeof label === 'number' ? manifest.classes[label] : [...dense(label, manifest.classes.length)],
  )
  return { told: manifest.told.replaceAll(`${root}/`, ''), classes: manifest.classes, labels }
}

/** Rows of 0 and 1 with a single 1, which is in the columns `ones`. */
const oneHot = (ones: readonly number[], size: number, [zero, one]: readonly [Cell, Cell] = [0, 1]) =>
  ones.map((k) => Array.from({ length: size }, (_, i) => (i === k ? one : zero)))

const RADAR = [0, 1, 2, 0, 1, 2]

test.each([
  ['file_name,car,target,tree', ''],
  ['file_name,Label,car,tree', ''],
  ['file_name,car,tree,CLASS', ''],
  ['file_name,label,class,target', ''],
  ['file_name,car,target,tree', 'tree,car,target'],
])('one-hot columns %s (--classes %j) are classes, whichever they are called', async (header, classes) => {
  const names = header.split(',').slice(1)
  for (const written of [
    [0, 1],
    ['0.0', '1.0'],
    ['False', 'True'],
    ['FALSE', 'TRUE'],
    [false, true],
  ] as const) {
    const root = folderWith(header, oneHot(RADAR, 3, written), classes)
    const labels = RADAR.map((k) => names[k])
    expect(await understood(root, 'pets.csv', classes)).toMatchObject({
      labels,
      told: 'one-hot labels from pets.csv, 3 classes',
    })
    if (typeof written[0] === 'string') continue
    expect(await understood(root, 'pets.json', classes)).toMatchObject({
      labels,
      told: 'one-hot labels from pets.json, 3 classes',
    })
    expect(await understood(root, 'pets.jsonl', classes)).toMatchObject({ labels })
  }
})

test.each<[string, string, (readonly Cell[])[], string[], string[]]>([
  ['numbers', 'file_name,label', [[0], [1], [1], [0]], ['0', '1'], ['0', '1', '1', '0']],
  ['numbers of one class', 'file_name,Target', [[1], [1]], ['1'], ['1', '1']],
  ['truth values', 'file_name,class', [[true], [false]], ['false', 'true'], ['true', 'false']],
  [
    'numbers beside others',
    'file_name,label,age',
    [
      [0, 1],
      [1, 0],
      [1, 12],
    ],
    ['0', '1'],
    ['0', '1', '1'],
  ],
  [
    'numbers beside words',
    'file_name,label,by',
    [
      [0, 'ann'],
      [1, 'bob'],
    ],
    ['0', '1'],
    ['0', '1'],
  ],
  [
    'numbers beside a score',
    'file_name,label,score',
    [
      [0, 0.93],
      [1, 0.2],
      [1, 0.7],
    ],
    ['0', '1'],
    ['0', '1', '1'],
  ],
  [
    'three numbers beside a flag',
    'file_name,label,flag',
    [
      [0, 1],
      [1, 0],
      [2, 0],
    ],
    ['0', '1', '2'],
    ['0', '1', '2'],
  ],
  [
    'numbers beside a flag',
    'file_name,label,flag',
    [
      [0, 0],
      [1, 1],
      [1, 0],
      [0, 1],
    ],
    ['0', '1'],
    ['0', '1', '1', '0'],
  ],
  ['signed numbers', 'file_name,label', [[-1], [1], [0]], ['-1', '0', '1'], ['-1', '1', '0']],
])('%s in a label column are its labels', async (_, header, rows, classes, labels) => {
  const root = folderWith(header, rows, '')
  const name = header.split(',')[1]
  // JSON knows the key in small letters only.
  const files = name === 'Target' ? ['pets.csv'] : ['pets.csv', 'pets.json', 'pets.jsonl']
  for (const file of files) {
    const read = await understood(root, file, '')
    expect(read).toMatchObject({ classes, labels })
    expect(read.told).toBe(`labels from ${file}, ${file === 'pets.csv' ? 'column' : 'key'} ${name}`)
  }
})

test('rows that name their label differently are told as such', async () => {
  const rows = [
    { file_name: '0.png', label: 'cat' },
    { file_name: '1.png', class: 'dog' },
  ]
  const root = folderWith('file_name', [[], []], '')
  writeFileSync(path.join(root, 'pets.jsonl'), rows.map((row) => JSON.stringify(row)).join('\n'))
  writeFileSync(path.join(root, 'pets.json'), JSON.stringify(rows.toReversed()))
  for (const file of ['pets.jsonl', 'pets.json']) {
    expect(await understood(root, file, '')).toEqual({
      told: `labels from ${file}, keys class, label`,
      classes: ['cat', 'dog'],
      labels: ['cat', 'dog'],
    })
  }
})

test('labels 0.0, 1.0, 2.0 are the integers that pandas makes floats of, but 1.5 stays a name', async () => {
  const floats = folderWith('file_name,label', [['0.0'], ['1.0'], ['2.0']], 'cat,dog,eel')
  expect(await understood(floats, 'pets.csv', '')).toMatchObject({ classes: ['0', '1', '2'] })
  expect(await understood(floats, 'pets.csv', 'cat,dog,eel')).toMatchObject({ labels: ['cat', 'dog', 'eel'] })
  const zooms = folderWith('file_name,label', [['1.0'], ['1.5']], '')
  expect(await understood(zooms, 'pets.csv', '')).toMatchObject({ classes: ['1.0', '1.5'] })
})

test('soft labels have a class called target, whatever the format of their numbers', async () => {
  const rows = [
    [0.25, 0.75, 0],
    [1, 0, 0],
    [0, 0.5, 0.5],
  ]
  const root = folderWith('file_name,car,target,tree', rows, '')
  for (const file of ['pets.csv', 'pets.json', 'pets.jsonl']) {
    expect(await understood(root, file, '')).toEqual({
      told: `soft labels from ${file}, 3 classes`,
      classes: ['car', 'target', 'tree'],
      labels: [rows[0], 'car', rows[2]],
    })
  }
})

test.each<[string, string, (readonly Cell[])[], RegExp]>([
  ['two columns of 0 and 1', 'file_name,clutter,target', oneHot([0, 1, 1, 0], 2), /whether "target" holds the labels/],
  [
    'one-hot with a row that is wrong',
    'file_name,car,target,tree',
    [...oneHot(RADAR.slice(1), 3), [1, 1, 0]],
    /whether/,
  ],
  [
    'several classes a row',
    'file_name,car,target,tree',
    [
      [1, 1, 0],
      [0, 0, 0],
      [1, 1, 1],
    ],
    /whether/,
  ],
  [
    'one-hot with words beside it',
    'file_name,car,target,tree,by',
    oneHot(RADAR, 3).map((row) => [...row, 'ann']),
    /whether/,
  ],
  ['weights of one class', 'file_name,cat', [[1], [1]], /only "cat" besides the file name/],
  ['one column of numbers', 'file_name,cat', [[0], [1]], /only "cat" besides the file name/],
  [
    'classes beside words',
    'file_name,by,cat,dog',
    [
      ['ann', 1, 0],
      ['bob', 0, 1],
    ],
    /"by": found .*ann.*, expected numbers/,
  ],
])('%s: the user is asked', async (_, header, rows, problem) => {
  const root = folderWith(header, rows, '')
  for (const file of ['pets.csv', 'pets.json', 'pets.jsonl']) {
    const hint = expect.stringMatching(/leave out|call it label/)
    await expect(understood(root, file, '')).rejects.toMatchObject({
      code: 'usage',
      message: expect.stringMatching(problem),
      hint,
    })
  }
})

test.each([
  ['split', ['train', 'val', 'train', 'test'], [0, 2], 'split": split train; not used: test, val'],
  ['Subset', ['Training', 'Test', 'Test', 'Test'], [0], 'Subset": split Training; not used: Test'],
  ['is_valid', [true, false, true, false], [1, 3], 'is_valid": split train; not used: valid'],
  ['is_train', [true, false, true, false], [0, 2], 'is_train": split train; not used: not train'],
  ['split', ['train', 'train', 'train', 'train'], [0, 1, 2, 3], undefined],
  ['set', ['blue', 'red', 'red', 'red'], [0, 1, 2, 3], undefined],
])('of the parts that a column %s tells apart the one for training is read: %j', async (name, parts, kept, told) => {
  const root = folderWith(
    `file_name,label,${name}`,
    ['cat', 'dog', 'cat', 'dog'].map((label, i) => [label, parts[i]!]),
    '',
  )
  for (const [file, noun] of [
    ['pets.csv', 'column'],
    ['pets.jsonl', 'key'],
  ]) {
    const { notices, sources } = await readManifest(root, { labels: path.join(root, file!) })
    expect(sources.map(({ file }) => file)).toEqual(kept.map((i) => `${i}.png`))
    expect(notices.filter((notice) => notice.startsWith(noun!))).toEqual(
      told === undefined ? [] : [`${noun} "${told} (--split names another, or all)`],
    )
  }
})

test.each([
  ['val', ['1.png']],
  ['all', ['0.png', '1.png', '2.png', '3.png']],
])('a column of splits beside one of each class, of which %s is named', async (split, read) => {
  const parts = ['train', 'val', 'train', 'test']
  const rows = parts.map((part, i) => [i % 2, 1 - (i % 2), part])
  const root = folderWith('file_name,cat,dog,split', rows, '')
  for (const file of ['pets.csv', 'pets.jsonl']) {
    const { sources, classes } = await readManifest(root, { labels: path.join(root, file), split })
    expect(sources.map((source) => source.file)).toEqual(read)
    expect(classes).toEqual(['cat', 'dog'])
  }
})

test('columns that are no classes are named, with the weights that they would give', async () => {
  const root = folderWith(
    'file_name,cat,dog,width',
    oneHot(RADAR, 2).map((cells) => [...cells, 16]),
    '',
  )
  await expect(readManifest(root, { labels: path.join(root, 'pets.csv') })).rejects.toMatchObject({
    message: expect.stringContaining('pets.csv:2: found a weight of 16 for "width", expected a number between 0 and 1'),
    hint: 'leave out "width" if that is not a class: a weight is between 0 and 1',
  })
})

test('two label columns of one name are refused', async () => {
  for (const header of ['file_name,label,label', 'file_name,class,Class']) {
    const root = folderWith(
      header,
      [
        ['a', 'b'],
        ['b', 'a'],
        ['a', 'a'],
      ],
      '',
    )
    await expect(readManifest(root, { labels: path.join(root, 'pets.csv') })).rejects.toMatchObject({
      message: `${root}/pets.csv:1: column "${header.split(',')[1]}" appears twice, expected one with the labels`,
    })
  }
})

test('a class may be called soft_label', async () => {
  const rows = [
    { file_name: '0.png', soft_label: 0.25, cat: 0.75 },
    { file_name: '1.png', soft_label: 1, cat: 0 },
  ]
  const root = folderWith('file_name,cat', [], '')
  writeFileSync(path.join(root, 'a.json'), JSON.stringify(rows))
  expect(await understood(root, 'a.json', '')).toMatchObject({
    classes: ['soft_label', 'cat'],
    labels: [[0.25, 0.75], 'soft_label'],
  })
})

test('--classes settles what two columns of 0 and 1 mean', async () => {
  const rows = oneHot([0, 1, 1, 0], 2)
  const classes = folderWith('file_name,clutter,target', rows, 'target,clutter')
  expect(await understood(classes, 'pets.csv', 'x')).toMatchObject({
    labels: ['clutter', 'target', 'target', 'clutter'],
  })
  const labels = folderWith('file_name,clutter,target', rows, 'no,yes')
  expect(await understood(labels, 'pets.csv', 'x')).toMatchObject({ labels: ['no', 'yes', 'yes', 'no'] })
})

test('any soft or one-hot table of three classes or more is read as such, in CSV as in JSON', async () => {
  const name = fc.oneof(fc.constantFrom('label', 'class', 'target', 'Label'), fc.stringMatching(/^[a-z]{1,3}$/))
  const header = fc.uniqueArray(name, { minLength: 3, maxLength: 5 }).filter((names) => !names.includes('id'))
  const weights = fc.array(fc.integer({ min: 0, max: 4 }), { minLength: 5, maxLength: 5 })
  const property = fc.asyncProperty(header, fc.array(weights, { minLength: 1, maxLength: 6 }), async (names, drawn) => {
    const rows = drawn.map((row) => {
      const part = row.slice(0, names.length)
      const sum = part.reduce((a, b) => a + b, 0)
      return sum === 0 ? oneHot([0], names.length)[0]!.map(Number) : part.map((weight) => weight / sum)
    })
    const root = temporaryFolder(Object.fromEntries(FILES.map((file) => [file, ''])))
    const records = rows.map((row, i) => ({
      file_name: FILES[i],
      ...Object.fromEntries(names.map((key, k) => [key, row[k]])),
    }))
    writeFileSync(
      path.join(root, 'a.csv'),
      [['file_name', ...names], ...rows.map((row, i) => [FILES[i], ...row])].join('\n'),
    )
    writeFileSync(path.join(root, 'a.json'), JSON.stringify(records, null, 1))
    for (const file of ['a.csv', 'a.json']) {
      const { sources, classes } = await readManifest(root, { labels: path.join(root, file) })
      expect(classes).toEqual(names)
      sources.forEach(({ label }, i) => {
        dense(label, names.length).forEach((weight, k) => {
          expect(weight).toBeCloseTo(rows[i]![k]!, 12)
        })
      })
    }
  })
  await fc.assert(property, { numRuns: 60 })
})
