import {
  cpSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'
import { run } from '../helpers/cli.js'
import { flatPictures } from '../helpers/flatPictures.js'
import { temporaryFolder, tree } from '../helpers/folder.js'

const COUNT = 12

interface Made {
  readonly images: string
  readonly folder: string
  /** The command of the run into a folder. */
  command(out: string): string[]
}

/** A run in `<folder>/whole`. */
async function made(): Promise<Made> {
  const [images, folder] = [flatPictures(6), temporaryFolder()]
  const command = (out: string) => [
    images,
    '--method',
    'mixup',
    '--count',
    `${COUNT}`,
    '--write-masks',
    '--quiet',
    '--out',
    out,
  ]
  expect(await run(command(path.join(folder, 'whole')))).toMatchObject({ code: 0, stderr: '' })
  return { images, folder, command }
}

function edit(file: string, change: (lines: string[]) => unknown): void {
  const lines = readFileSync(file, 'latin1').split('\n')
  change(lines)
  writeFileSync(file, lines.join('\n'), 'latin1')
}

/** Makes an interrupted run of a finished one, as a kill after `rows` rows leaves it. */
function interrupt(aug: string, rows: number): void {
  edit(path.join(aug, 'provenance.jsonl'), (lines) => lines.splice(rows, COUNT - rows))
  edit(path.join(aug, 'run.json'), (lines) =>
    lines.splice(lines.indexOf('  "complete": true,'), 1, '  "complete": false,'),
  )
}

type Damage = readonly [what: string, damage: (at: (name: string) => string) => void, place: RegExp]

const DAMAGES: readonly Damage[] = [
  [
    'line ends of Windows',
    (at) => {
      for (const table of ['labels.csv', 'metadata.jsonl', 'provenance.jsonl']) {
        edit(at(table), (lines) => lines.splice(0, lines.length, lines.join('\r\n')))
      }
    },
    /labels\.csv:1: /,
  ],
  ['a short labels.csv', (at) => edit(at('labels.csv'), (lines) => lines.splice(9, 4, '')), /labels\.csv:10: /],
  ['a short metadata.jsonl', (at) => edit(at('metadata.jsonl'), (lines) => lines.splice(8, 4)), /metadata\.jsonl:9: /],
  [
    'a weight too few',
    (at) => edit(at('labels.csv'), (lines) => lines.splice(4, 1, lines[4]!.replace(/,[^,]*$/, ''))),
    /labels\.csv:5: /,
  ],
  [
    'a line cut in metadata.jsonl',
    (at) => edit(at('metadata.jsonl'), (lines) => lines.splice(2, 1, lines[2]!.slice(0, 90))),
    /metadata\.jsonl:3: /,
  ],
  [
    'a line cut in provenance.jsonl',
    (at) => edit(at('provenance.jsonl'), (lines) => lines.splice(3, 1, lines[3]!.slice(0, 90))),
    /provenance\.jsonl:4: /,
  ],
  [
    'a number that is none',
    (at) =>
      edit(at('provenance.jsonl'), (lines) => lines.splice(3, 1, lines[3]!.replace(/"index":\d+/, '"index":"3"'))),
    /provenance\.jsonl:4: index: expected a whole number/,
  ],
  [
    'bytes that are no text',
    (at) => edit(at('provenance.jsonl'), (lines) => lines.splice(3, 1, lines[3]!.replace('cat', '\xff\xfet'))),
    /provenance\.jsonl:4: found bytes that are not UTF-8/,
  ],
  [
    'a row that all tables lack',
    (at) => {
      edit(at('labels.csv'), (lines) => lines.splice(6, 1))
      for (const table of ['metadata.jsonl', 'provenance.jsonl']) edit(at(table), (lines) => lines.splice(5, 1))
    },
    /provenance\.jsonl:6: found output 6, expected 5 or its failure/,
  ],
  [
    'a row twice',
    (at) => edit(at('provenance.jsonl'), (lines) => lines.splice(4, 0, lines[4]!)),
    /provenance\.jsonl:6: found output 4/,
  ],
  [
    'another class',
    (at) => edit(at('classes.txt'), (lines) => lines.splice(1, 1, 'god')),
    /classes\.txt:2: found "god", expected "dog"/,
  ],
  ['no classes', (at) => rmSync(at('classes.txt')), /classes\.txt: not there, expected the names of the classes/],
  ['an empty labels.csv', (at) => truncateSync(at('labels.csv')), /labels\.csv:1: /],
  [
    'another header',
    (at) => edit(at('labels.csv'), (lines) => lines.splice(0, 1, 'file_name,dog,cat')),
    /labels\.csv:1: /,
  ],
  ['a picture that is not there', (at) => rmSync(at('images/00000/000000004.jpg')), /000000004\.jpg: not there/],
]

test('every damage of an unfinished run is named by file and line, and repaired to what an undisturbed run makes', async () => {
  const { folder, command } = await made()
  const [whole, aug] = [path.join(folder, 'whole'), path.join(folder, 'aug')]
  for (const [what, damage, place] of DAMAGES) {
    rmSync(aug, { recursive: true, force: true })
    cpSync(whole, aug, { recursive: true })
    interrupt(aug, COUNT - 1)
    damage((name) => path.join(aug, name))
    const before = tree(aug)
    expect(await run(command(aug)), what).toMatchObject({ code: 6, stderr: expect.stringMatching(place) })
    expect(tree(aug), what).toEqual(before)
    expect(await run(['verify', aug, '--repair']), what).toMatchObject({ code: 0 })
    expect(await run(command(aug)), what).toMatchObject({ code: 0, stderr: '' })
    expect(tree(aug), what).toEqual(tree(whole))
  }
})

test('a repair keeps whole rows behind the first damage, and pictures that are as they were', async () => {
  const { folder, command } = await made()
  const aug = path.join(folder, 'whole')
  const expected = tree(aug)
  const untouched = path.join(aug, 'images/00000/000000009.jpg')
  const { ino } = lstatSync(untouched)
  truncateSync(path.join(aug, 'images/00000/000000002.jpg'), 100)
  rmSync(path.join(aug, 'masks/00000/000000005.npy'))
  const { code, stderr } = await run(['verify', aug, '--repair'])
  expect(code).toBe(0)
  expect(stderr).toMatch(
    /000000002\.jpg: found SHA-256.*\n.*000000005\.npy: not there, expected a mask\n.*2 problems; 2 rows stay, 8 set aside/,
  )
  expect(await run(command(aug))).toMatchObject({ code: 0, stderr: '' })
  expect(tree(aug)).toEqual(expected)
  expect(lstatSync(untouched).ino).toBe(ino)
})

test('a dataset that lost its record is not taken for nothing', async () => {
  const { folder, command } = await made()
  const aug = path.join(folder, 'whole')
  const expected = tree(aug)
  rmSync(path.join(aug, 'run.json'))
  const ended = await run([...command(aug), '--seed', '1'])
  expect(ended).toMatchObject({ code: 6, stderr: expect.stringMatching(/run\.json: not there, .*\n.*--overwrite\n$/) })
  expect(tree(aug)).toEqual(expected)
  expect(await run([...command(aug), '--overwrite'])).toMatchObject({ code: 0 })
  expect(tree(aug)).toEqual(expected)
})

test('two pictures of one size that change places between kill and continue are noticed', async () => {
  const { images, folder, command } = await made()
  const aug = path.join(folder, 'whole')
  interrupt(aug, 6)
  const [a, b] = ['cat/0.pgm', 'dog/1.pgm'].map((name) => path.join(images, name)) as [string, string]
  renameSync(a, `${a}.away`)
  renameSync(b, a)
  renameSync(`${a}.away`, b)
  const refused = { code: 6, stderr: expect.stringMatching(/: found other content, expected what the run began with/) }
  expect(await run(command(aug))).toMatchObject(refused)
  // Also where the clocks do not tell that a file was touched: by the hash, when it is read.
  const future = new Date(Date.now() + 86_400_000)
  utimesSync(path.join(aug, '.sage/inputs.tsv'), future, future)
  expect(await run(command(aug))).toMatchObject(refused)
})

test('a run is not continued through a link', async () => {
  const { folder, command } = await made()
  const [aug, away] = [path.join(folder, 'whole'), path.join(folder, 'away')]
  interrupt(aug, 6)
  mkdirSync(away)
  for (const name of ['labels.csv', 'provenance.jsonl', 'classes.txt', 'run.json', 'images', '.sage', 'images/00000']) {
    const [place, target] = [path.join(aug, name), path.join(away, path.basename(name))]
    renameSync(place, target)
    symlinkSync(target, place)
    const before = tree(away, [])
    for (const more of name === 'images/00000' ? [[]] : [[], ['--overwrite']]) {
      const ended = await run([...command(aug), ...more])
      expect(ended, name).toMatchObject({
        code: 6,
        stderr: expect.stringContaining(`${place}: found a link, expected a`),
      })
    }
    expect(tree(away, []), name).toEqual(before)
    rmSync(place)
    renameSync(target, place)
  }
})

test.skipIf(process.platform !== 'linux')(
  'an output below a file system that takes no folders fails at once',
  async () => {
    const { command } = await made()
    for (const out of ['/proc/none', '/proc/none/deep/aug']) {
      expect(await run(command(out))).toMatchObject({
        code: 1,
        stderr:
          '/proc/none: cannot be made, expected a file system that takes folders\n  hint: choose another folder with --out\n',
      })
    }
  },
)
