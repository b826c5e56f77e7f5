import { cpSync, existsSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'
import { IMAGE_EXTENSIONS } from '../../src/codec/format.js'
import { FASHION, ROOT, run } from '../helpers/cli.js'
import { temporaryFolder, tree } from '../helpers/folder.js'

const ROCKET = path.join(ROOT, 'fixtures/photos/rocket.jpg')
const MODEL = path.join(ROOT, 'models/cifar10.onnx')
const NOTHING = 'no such file or folder, expected'
const SPELLING = '  hint: check the spelling; a relative path starts at the current folder\n'

/** A folder with what people take for something else. */
function confusing(): string {
  const folder = temporaryFolder({
    'empty.csv': '',
    'text.txt': 'words',
    'pets.tar.xz': 'xz',
    'semicolon.csv': 'file_name;label\na.png;cat\n',
  })
  mkdirSync(path.join(folder, 'folder'))
  return folder
}

/** Arguments of commands and what each prints; IN stands for the folder above. */
const MISTAKES: [args: string[], stderr: string][] = [
  [['compare', ROCKET, 'IN/nofile.jpg'], `IN/nofile.jpg: ${NOTHING} a picture\n${SPELLING}`],
  [['compare', ROCKET, 'IN/folder'], 'IN/folder: found a folder, expected a picture\n'],
  [['compare', ROCKET, ROCKET, '--out', 'IN/none/a.png'], `IN/none: ${NOTHING} a folder for a.png\n${SPELLING}`],
  [['compare', 'IN/nofolder'], `IN/nofolder: ${NOTHING} a folder of pictures\n${SPELLING}`],
  [['saliency', 'IN/nofolder'], `IN/nofolder: ${NOTHING} a folder of pictures\n${SPELLING}`],
  [['IN/nofolder'], `IN/nofolder: ${NOTHING} a folder of pictures\n${SPELLING}`],
  [
    ['IN/pets.tar.xz'],
    'IN/pets.tar.xz: found a file where a folder belongs, expected a folder of pictures\n  hint: unpack it; .zip, .tar and .tar.gz are read as they are\n',
  ],
  [['IN/text.txt'], 'IN/text.txt: found a file where a folder belongs, expected a folder of pictures\n'],
  [
    ['IN/folder'],
    'IN/folder: found no pictures, expected some in it or in folders below it\n' +
      `  hint: pictures are files named ${IMAGE_EXTENSIONS.map((ending) => `*.${ending}`).join(', ')}, or with the content of one\n`,
  ],
  [[''], '--images: expected a path, got ""\n  hint: sage-augment --help-all lists the options and their ranges\n'],
  [[FASHION, '--labels', 'IN/none.csv'], `IN/none.csv: ${NOTHING} a readable file\n${SPELLING}`],
  [[FASHION, '--labels', 'IN/empty.csv'], 'IN/empty.csv: found no rows, expected one per picture\n'],
  [
    [FASHION, '--labels', 'IN/semicolon.csv'],
    'IN/semicolon.csv:1: found the header "file_name;label", expected commas between the cells\n',
  ],
  [[FASHION, '--classes', 'IN/folder'], 'IN/folder: found a folder, expected a readable file\n'],
  [['--pairs', 'IN/none.json'], `IN/none.json: ${NOTHING} a readable file\n${SPELLING}`],
  [['--config', 'IN/none.json'], `--config IN/none.json: ${NOTHING} a JSON object of options\n${SPELLING}`],
  [['--config', 'IN/folder'], '--config IN/folder: found a folder, expected a JSON object of options\n'],
  [['--config', 'IN/empty.csv'], '--config IN/empty.csv: found an empty file, expected a JSON object of options\n'],
  [
    [FASHION, '--mean', '1,2'],
    '--mean: expected 1 or 3 numbers, got [1,2]\n  hint: sage-augment --help-all lists the options and their ranges\n',
  ],
  [['verify', 'IN/none'], `IN/none: ${NOTHING} a finished dataset\n${SPELLING}`],
  [['verify', 'IN/text.txt'], 'IN/text.txt: found a file, expected a finished dataset\n'],
  [
    ['merge', 'IN/none', 'IN/text.txt', '--out', 'IN/whole'],
    `IN/none: ${NOTHING} a finished shard\nIN/text.txt: found a file, expected a finished shard\n${SPELLING}`,
  ],
  [['inspect', 'IN/none.onnx'], `IN/none.onnx: ${NOTHING} an ONNX model\n${SPELLING}`],
  [['inspect', 'IN/folder'], 'IN/folder: found a folder, expected an ONNX model\n'],
  [['grad', MODEL, '--out', 'IN/none/g.onnx'], `IN/none: ${NOTHING} a folder for g.onnx\n${SPELLING}`],
  [['grad', MODEL, '--out', 'IN/folder'], 'IN/folder: found a folder, expected the name of a file\n'],
  [
    ['models', 'resnet50'],
    'models resnet50: found no such command, expected list, show or pull\n' +
      '  hint: sage-augment models show resnet50 describes a model\n',
  ],
  [['verify'], "error: missing required argument 'dir'\n(sage-augment verify --help lists the options)\n"],
]

test('mistakes with paths are exit 2, told in plain words before anything is done', { timeout: 600_000 }, async () => {
  const folder = confusing()
  const before = readdirSync(folder)
  for (const [args, expected] of MISTAKES) {
    const here = (text: string) => text.replaceAll('IN/', `${folder}/`)
    const { code, stdout, stderr } = await run(args.map(here))
    expect({ args, code, stdout, stderr }).toEqual({ args, code: 2, stdout: '', stderr: here(expected) })
  }
  expect(readdirSync(folder)).toEqual(before)
})

test('what stands in the place of an output folder is a conflict', async () => {
  const folder = confusing()
  const long = path.join(folder, 'z'.repeat(300))
  const cases: [string, string][] = [
    [path.join(folder, 'text.txt'), 'found a file where a folder belongs'],
    [long, 'found a name that is too long for the file system'],
    [FASHION, 'found other files'],
  ]
  for (const [out, found] of cases) {
    const { code, stderr } = await run([FASHION, '--count', '1', '--method', 'mixup', '--out', out])
    expect({ out, code }).toEqual({ out, code: 6 })
    expect(stderr).toContain(`${out}: ${found}, expected `)
    expect(stderr).toMatch(/\n {2}hint: choose another folder with --out\n$/)
  }
  expect(existsSync(path.join(FASHION, 'run.json'))).toBe(false)
})

test('names of any script, long ones and a trailing slash do no harm, nor does an output folder among the pictures', async () => {
  const picture = 'räkete 🚀 الصورة.png'
  const [first, second] = readdirSync(FASHION).filter((name) => name.endsWith('.png'))
  const images = path.join(temporaryFolder(), 'in')
  const long = 'y'.repeat(200)
  for (const [from, to] of [
    [first!, `dög/${picture}`],
    [second!, `${long}/${long}.png`],
  ] as const) {
    cpSync(path.join(FASHION, from), path.join(images, to))
  }
  const args = [`${images}/`, '--out', `${images}/aug/`, '--device', 'cpu']
  const { code, stderr } = await run(args)
  expect({ code, stderr }).toEqual({ code: 0, stderr: expect.stringContaining('2 outputs planned from 2 pictures') })
  expect(await run(args)).toMatchObject({ code: 0, stderr: expect.stringContaining('nothing was missing') })
  expect(await run(['verify', `${images}/aug/`])).toMatchObject({ code: 0 })
})

test('what a command reads is not removed to make room for what it writes', async () => {
  const folder = temporaryFolder()
  const at = (name: string) => path.join(folder, name)
  const make = ['--count', '8', '--method', 'mixup', '--quiet']
  for (const shard of ['1', '2'])
    expect((await run([FASHION, ...make, '--shard', `${shard}/2`, '--out', at(shard)])).code).toBe(0)
  const maps = ['--saliency', 'spectral', '--quiet', '--out', at('maps')]
  expect((await run(['saliency', at('1'), ...maps])).code).toBe(0)
  writeFileSync(at('1/images/map.json'), '{"Bag": "Bag"}')
  symlinkSync(at('1'), at('link'))
  const before = tree(folder)
  const cases = [
    [at('1'), '--out', at('1'), '--overwrite'],
    [at('1/images'), '--labels', at('1/labels.csv'), '--out', at('link'), '--overwrite'],
    [FASHION, '--labels', at('1/labels.csv'), '--out', at('1'), '--overwrite'],
    [FASHION, '--classes', at('1/classes.txt'), '--out', at('1'), '--overwrite'],
    [FASHION, '--class-map', at('1/images/map.json'), '--out', at('1'), '--overwrite'],
    ['--pairs', at('1/provenance.jsonl'), FASHION, '--out', at('1'), '--overwrite'],
    ['merge', at('1'), at('2'), '--out', at('1'), '--overwrite'],
    ['merge', at('link'), at('2'), '--out', at('1'), '--overwrite'],
    ['saliency', at('maps/overlays'), ...maps],
  ]
  for (const args of cases) {
    const { code, stderr } = await run(args)
    expect({ args, code }).toEqual({ args, code: 6 })
    expect(stderr).toMatch(/: found .* in it \(.*\), expected another folder\n {2}hint: choose another --out/)
    expect(tree(folder)).toEqual(before)
  }
})
