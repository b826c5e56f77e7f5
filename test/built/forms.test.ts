import { execFileSync } from 'node:child_process'
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import sharp from 'sharp'
import { expect, test } from 'vitest'
import { randomStream } from '../../src/core/random.js'
import { FASHION, ROOT, run, spawned, start } from '../helpers/cli.js'
import { flatPictures } from '../helpers/flatPictures.js'
import { temporaryFolder, tree } from '../helpers/folder.js'
import { needing } from '../helpers/needing.js'
import { pythonWith } from '../helpers/python.js'

const lines = (file: string) => readFileSync(file, 'utf8').trimEnd().split('\n')
const files = (folder: string) =>
  (readdirSync(folder, { recursive: true, withFileTypes: true }) as import('node:fs').Dirent[])
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(folder, path.join(entry.parentPath, entry.name)))

const FORMS = {
  'class folders': ['--layout', 'class-folders', '--labels-format', 'jsonl', '--write-masks'],
  Parquet: ['--layout', 'parquet', '--labels-format', 'sparse', '--include-originals', '--method', 'mixup'],
  WebDataset: ['--layout', 'webdataset', '--labels-format', 'parquet', '--include-originals', '--method', 'mixup'],
}

for (const [name, options] of Object.entries(FORMS)) {
  test(`${name}: kills, shards and merge lead to the tree of an uninterrupted run`, async () => {
    const folder = temporaryFolder()
    const at = (out: string) => path.join(folder, out)
    const command = (out: string) => [FASHION, '--count', '60', '--quiet', ...options, '--out', at(out)]
    const began = performance.now()
    expect(await spawned(command('whole'))).toMatchObject({ code: 0, stderr: '' })
    const duration = performance.now() - began
    expect(await run(['verify', at('whole')])).toMatchObject({ code: 0 })
    const random = randomStream(5, 0)
    for (let kill = 0; kill < 4; kill++) {
      const { child, ended } = start(command('killed'))
      const timer = setTimeout(() => child.kill('SIGKILL'), (0.3 + 0.7 * random.uniform()) * duration)
      await ended
      clearTimeout(timer)
    }
    expect(await run(command('killed'))).toMatchObject({ code: 0 })
    expect(tree(at('killed'))).toEqual(tree(at('whole')))
    for (const part of ['1', '2']) {
      expect(await run([...command(`part-${part}`), '--shard', `${part}/2`])).toMatchObject({ code: 0 })
    }
    expect(await run(['merge', at('part-1'), at('part-2'), '--out', at('merged')])).toMatchObject({ code: 0 })
    expect(tree(at('merged'))).toEqual(tree(at('whole')))
  }, 600_000)
}

test('class folders hold each picture below its heaviest class, and masks beside', async () => {
  const out = path.join(temporaryFolder(), 'aug')
  const options = ['--count', '30', '--quiet', '--layout', 'class-folders', '--write-masks']
  expect(await run([FASHION, '--out', out, ...options])).toMatchObject({ code: 0 })
  const rows = lines(path.join(out, 'labels.csv')).slice(1)
  for (const row of rows) {
    const [file, ...cells] = row.split(',')
    const weights = cells.map(Number)
    expect(weights[Number(file!.split('/')[1])]).toBe(Math.max(...weights))
    expect(existsSync(path.join(out, file!.replace('images', 'masks').replace('jpg', 'npy')))).toBe(true)
  }
  // They sort alike by code point and naturally, as timm does.
  const folders = readdirSync(path.join(out, 'images'))
  expect([...folders].sort(new Intl.Collator('en', { numeric: true }).compare)).toEqual([...folders].sort())
})

test('verify sees a changed shard; another layout is refused, and so is a class that hides a column', async () => {
  const folder = temporaryFolder()
  const out = path.join(folder, 'aug')
  const command = [FASHION, '--out', out, '--count', '10', '--quiet', '--layout', 'webdataset']
  expect(await run(command)).toMatchObject({ code: 0 })
  const shard = path.join(out, 'webdataset/000000.tar')
  const bytes = readFileSync(shard)
  const found = async (at: number) => {
    writeFileSync(shard, Buffer.from(bytes).fill(1, at, at + 10))
    const { code, stderr } = await run(['verify', out])
    expect(code).toBe(1)
    return stderr
  }
  expect(await found(600)).toMatch(/^images\/00000\/000000000\.jpg: found SHA-256/)
  // The class, behind two headers and the picture.
  const cls = 1024 + 512 * Math.ceil(Number.parseInt(bytes.toString('latin1', 124, 135), 8) / 512)
  expect(await found(cls)).toMatch(/^webdataset\/000000\.tar: does not match/)
  expect(await found(0)).toMatch(/^images\/00000\/000000000\.jpg: not in webdataset/)
  const flat = [...command.slice(0, -1), 'flat']
  expect(await run(flat)).toMatchObject({ code: 6, stderr: expect.stringContaining('options.layout "webdataset"') })
  for (const [name, file] of [
    ['file_name', '000.png'],
    ['other', '001.png'],
  ] as const) {
    const pictures = files(FASHION).filter((picture) => /\.(png|jpg)$/.test(picture))
    mkdirSync(path.join(folder, 'in', name), { recursive: true })
    for (const i of [0, 1]) cpSync(path.join(FASHION, pictures[i]!), path.join(folder, 'in', name, `${i}-${file}`))
  }
  const hidden = [path.join(folder, 'in'), '--out', path.join(folder, 'hidden'), '--method', 'mixup']
  expect(await run([...hidden, '--labels-format', 'jsonl'])).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('in/file_name: class "file_name" has the name of the column of file names'),
  })
  expect(existsSync(path.join(folder, 'hidden'))).toBe(false)
})

test('a repair keeps the pictures in shards that are as they were', async () => {
  const [images, folder] = [flatPictures(6), temporaryFolder()]
  const [whole, out] = [path.join(folder, 'whole'), path.join(folder, 'aug')]
  const command = [images, '--method', 'mixup', '--count', '12', '--layout', 'webdataset', '--quiet', '--out']
  for (const place of [whole, out]) expect(await run([...command, place])).toMatchObject({ code: 0, stderr: '' })
  const shard = path.join(out, 'webdataset/000000.tar')
  const bytes = readFileSync(shard)
  const second = bytes.indexOf('00000/000000001.jpg')
  writeFileSync(shard, bytes.fill(1, second + 512, second + 520))
  expect(await run(['verify', out, '--repair'])).toMatchObject({
    code: 0,
    stderr: expect.stringMatching(/1 row stays?, 10 set aside/),
  })
  expect(await run([...command, out])).toMatchObject({ code: 0, stderr: '' })
  expect(tree(out)).toEqual(tree(whole))
})

/** Words that Hugging Face `imagefolder` takes for a split, where no letter touches them. */
const SPLITS = /(^|[-._ 0-9/])(train(ing)?|test(ing)?|val(id(ation)?)?|dev|eval(uation)?)([-._ 0-9/]|$)/i

/** Pictures in class folders with names that are traps for loaders. */
function traps(): string {
  const folder = temporaryFolder()
  const pictures = files(FASHION).filter((picture) => /\.(png|jpg)$/.test(picture))
  for (const [k, name] of ['NA', 'test', 'val 10', 'val 9', 'x_file_name'].entries()) {
    mkdirSync(path.join(folder, name))
    for (const i of [0, 1]) cpSync(path.join(FASHION, pictures[2 * k + i]!), path.join(folder, name, `train-${i}.png`))
  }
  return folder
}

test('no name of a class or source becomes part of a path, and every number is a float', async () => {
  const input = traps()
  for (const layout of ['flat', 'class-folders', 'webdataset']) {
    const out = path.join(temporaryFolder(), 'aug')
    const options = ['--layout', layout, '--labels-format', 'jsonl', '--method', 'mixup', '--include-originals']
    expect(await run([input, '--out', out, '--quiet', ...options])).toMatchObject({ code: 0 })
    expect(files(out).filter((file) => SPLITS.test(file))).toEqual([])
    if (layout === 'webdataset') expect(files(out).filter((file) => file.endsWith('.jpg'))).toEqual([])
    else expect(files(path.join(out, 'images')).every((file) => /^\d{5}\/\d{9}\.jpg$/.test(file))).toBe(true)
    // An original's label is 1 and zeros, which must not look like integers.
    const original = lines(path.join(out, 'labels.csv')).at(-1)!
    expect(original.split(',').slice(1).sort()).toEqual(['0.0', '0.0', '0.0', '0.0', '1.0'])
    for (const table of ['metadata.jsonl', 'labels.jsonl']) {
      // An epoch is a count.
      const numbers = lines(path.join(out, table)).map((line) => line.replace(/"epoch": \d+/, ''))
      expect(numbers.filter((line) => /[:[,] -?\d+[,}\]]/.test(line))).toEqual([])
    }
    const keys = new Set(lines(path.join(out, 'metadata.jsonl')).flatMap((line) => Object.keys(JSON.parse(line))))
    expect([...keys].filter((key) => key.endsWith('_file_name'))).toEqual([])
    expect(readdirSync(out).filter((file) => file.startsWith('metadata'))).toEqual(['metadata.jsonl'])
    expect(lines(path.join(out, 'classes.txt'))).toEqual(['NA', 'test', 'val 10', 'val 9', 'x_file_name'])
  }
})

test('what a kill leaves half-written lies in a hidden folder', async () => {
  const out = path.join(temporaryFolder(), 'aug')
  for (let kill = 0; kill < 4; kill++) {
    const { child, ended } = start([FASHION, '--out', out, '--quiet', '--epochs', '20', '--method', 'mixup'])
    const picture = path.join(out, `images/00000/${String(500 * kill + 100).padStart(9, '0')}.jpg`)
    while (!existsSync(picture) && child.exitCode === null) await wait(1)
    child.kill('SIGKILL')
    expect(await ended).toMatchObject({ code: null })
    const visible = files(out).filter((file) => !file.startsWith('.sage'))
    expect(visible.filter((file) => !/^(images\/\d{5}\/\d{9}\.jpg|[a-z]+\.(json|jsonl|csv|txt))$/.test(file))).toEqual(
      [],
    )
  }
})

const PYTHON = pythonWith('torch, torchvision, pandas, PIL')

needing('Python with torch, torchvision, pandas and Pillow', PYTHON !== undefined)(
  'the snippets of docs/loading.md and README.md load what labels.csv says',
  async () => {
    const folder = temporaryFolder()
    const input = traps()
    for (const [k, name] of readdirSync(input).entries()) {
      const picture = sharp(path.join(input, name, 'train-0.png')).resize(40 + 8 * k, 30, { fit: 'fill' })
      await picture.toFile(path.join(input, name, 'wide.png'))
    }
    const layouts = ['flat', 'class-folders', 'webdataset']
    for (const layout of layouts) {
      const options = [
        '--layout',
        layout,
        '--labels-format',
        'parquet',
        '--method',
        'mixup',
        '--count',
        '40',
        '--report',
      ]
      expect(await run([input, '--out', path.join(folder, layout), '--quiet', ...options])).toMatchObject({ code: 0 })
    }
    const script = path.join(ROOT, 'test/external/load_dataset.py')
    const folders = layouts.flatMap((layout) => [`--${layout}`, path.join(folder, layout)])
    const pages = ['docs/loading.md', 'README.md'].map((page) => path.join(ROOT, page))
    const told = execFileSync(PYTHON!, [script, ...pages, '--val', input, ...folders], { encoding: 'utf8' })
    expect(told).toMatch(/^PyTorch: ok: 40 pictures/m)
    expect(told).toMatch(/^Your own pictures: ok: 40 pictures/m)
    expect(told).toMatch(/^Class folders: ok: torchvision, 40 pictures/m)
    expect(told).toMatch(/^Validation pictures by the same numbers: ok: torchvision, 15 pictures/m)
    expect(told).toMatch(/^tar shards: ok: 40 samples/m)
    expect(told).not.toContain('FAILED')
    const sections = ['PyTorch', 'timm', 'Hugging Face', 'Keras', 'fastai', 'Class folders', 'WebDataset']
    for (const name of [...sections, 'Other label files']) expect(told).toContain(`${name}: `)
  },
)
