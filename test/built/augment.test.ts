import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { FASHION, ROOT, run, spawned, start } from '../helpers/cli.js'
import { flatPictures } from '../helpers/flatPictures.js'
import { temporaryFolder, tree } from '../helpers/folder.js'

const PHOTOS = path.join(ROOT, 'fixtures/photos')
const lines = (file: string) => readFileSync(file, 'utf8').trimEnd().split('\n')
const rows = (file: string) => lines(file).map((line) => JSON.parse(line))

test('the main job leaves every file that the documentation names, and they agree', async () => {
  const out = path.join(temporaryFolder(), 'aug')
  const { code, stdout, stderr } = await run([FASHION, '--out', out, '--count', '40'])
  expect({ code, stdout }).toEqual({ code: 0, stdout: '' })
  expect(stderr).toContain('saliency explains the labels')
  const names = readdirSync(out).sort()
  expect(names).toEqual([
    '.sage',
    'classes.txt',
    'images',
    'labels.csv',
    'metadata.jsonl',
    'provenance.jsonl',
    'run.json',
  ])
  const classes = lines(path.join(out, 'classes.txt'))
  const [header, ...labels] = lines(path.join(out, 'labels.csv')).map((line) => line.split(','))
  expect(header).toEqual(['file_name', ...classes])
  const provenance = rows(path.join(out, 'provenance.jsonl'))
  const metadata = rows(path.join(out, 'metadata.jsonl'))
  expect([labels.length, provenance.length, metadata.length]).toEqual([40, 40, 40])
  labels.forEach(([file, ...weights], i) => {
    expect(existsSync(path.join(out, file!))).toBe(true)
    const { sources, lambda } = provenance[i]
    const expected = classes.map(() => 0)
    const labelOf = (name: string) => classes.indexOf(fashionLabels.get(name)!)
    expected[labelOf(sources[0].file)]! += lambda
    expected[labelOf(sources[1].file)]! += 1 - lambda
    weights.forEach((weight, k) => {
      expect(Number(weight)).toBeCloseTo(expected[k]!, 12)
    })
    expect(metadata[i]).toMatchObject({ file_name: file, soft_label: weights.map(Number), lambda })
  })
  const record = JSON.parse(readFileSync(path.join(out, 'run.json'), 'utf8'))
  expect(record).toMatchObject({ complete: true, counts: { planned: 40, written: 40, skipped: 0 } })
})

const fashionLabels = new Map(
  lines(path.join(FASHION, 'labels.csv')).map((line) => line.split(',') as [string, string]),
)

test('same seed, same bytes, whatever the batch and the number of threads; another seed, others', async () => {
  const folder = temporaryFolder()
  const make = async (name: string, ...more: string[]) => {
    const out = path.join(folder, name)
    expect(await run([FASHION, '--out', out, '--count', '24', '--quiet', ...more])).toMatchObject({
      code: 0,
      stderr: '',
    })
    return tree(out)
  }
  const first = await make('a')
  expect(await make('b')).toEqual(first)
  expect(await make('c', '--batch', '1', '--jobs', '1')).toEqual(first)
  expect(await make('d', '--batch', '7', '--jobs', '4')).toEqual(first)
  expect(await make('e', '--seed', '1')).not.toEqual(first)
})

test('an interrupt ends with 130, keeps what is finished, and the same command completes it', async () => {
  const folder = temporaryFolder()
  const args = (name: string) => [FASHION, '--out', path.join(folder, name), '--count', '2000']
  const { child, ended } = start(args('a'))
  while (!existsSync(path.join(folder, 'a/images/00000/000000050.jpg'))) await wait(5)
  child.kill('SIGINT')
  const { code, stderr } = await ended
  expect(code).toBe(130)
  expect(stderr).toContain('repeat the command to continue')
  const kept = rows(path.join(folder, 'a/provenance.jsonl')).length
  expect(kept).toBeGreaterThan(50)
  expect(kept).toBeLessThan(2000)
  expect(readdirSync(path.join(folder, 'a/.sage'))).toEqual(['inputs.tsv'])
  // An image per row and none beyond.
  expect(readdirSync(path.join(folder, 'a/images/00000'))).toHaveLength(kept)
})

test('a changed option is refused with exit 6, and a complete run is left as it is', async () => {
  const out = path.join(temporaryFolder(), 'aug')
  const args = [FASHION, '--out', out, '--count', '6']
  expect((await run(args)).code).toBe(0)
  const before = tree(out, [])
  expect(await run([...args, '--quality', '80'])).toMatchObject({
    code: 6,
    stderr: expect.stringContaining('run with options.quality 95, now asked for 80'),
  })
  expect(await run(args)).toMatchObject({ code: 0, stderr: expect.stringContaining('nothing was missing') })
  expect(tree(out, [])).toEqual(before)
})

test('a picture that was deleted from a dataset is missed and named when the command is repeated', async () => {
  const out = path.join(temporaryFolder(), 'aug')
  const args = [FASHION, '--out', out, '--count', '6']
  expect((await run(args)).code).toBe(0)
  const deleted = path.join(out, 'images/00000/000000002.jpg')
  rmSync(deleted)
  expect(await run(args)).toMatchObject({
    code: 6,
    stderr: expect.stringContaining(`${deleted}: not there, expected the picture of its row`),
  })
})

test('unusable pictures are skipped and listed with exit 3, and fatal with --strict', async () => {
  const folder = temporaryFolder()
  cpSync(PHOTOS, path.join(folder, 'photos'), { recursive: true })
  writeFileSync(path.join(folder, 'photos/coffee.jpg'), 'not a picture')
  const args = [path.join(folder, 'photos'), '--size', '32x32', '--out', path.join(folder, 'aug')]
  expect(await run([...args, '--strict'])).toMatchObject({
    code: 1,
    stderr: expect.stringMatching(/^coffee\.jpg: found .*text/m),
  })
  const { code, stderr } = await run(args)
  expect(code).toBe(3)
  expect(stderr).toContain('2 skipped (failures.jsonl)')
  const failures = rows(path.join(folder, 'aug/failures.jsonl'))
  expect(failures).toHaveLength(2)
  for (const { sources, message } of failures) {
    expect(sources).toContain('coffee.jpg')
    expect(message).toMatch(/^coffee\.jpg: /)
  }
  expect(lines(path.join(folder, 'aug/labels.csv'))).toHaveLength(1 + 7)
})

test('--retry-failed makes what was skipped once its pictures are mended, as if they had never been broken', async () => {
  const folder = temporaryFolder()
  const at = (name: string) => path.join(folder, name)
  cpSync(PHOTOS, at('photos'), { recursive: true })
  const args = (out: string, ...more: string[]) => [
    at('photos'),
    '--size',
    '48x32',
    '--out',
    at(out),
    '--quiet',
    ...more,
  ]
  expect((await run(args('whole'))).code).toBe(0)
  const mended = readFileSync(at('photos/coffee.jpg'))
  writeFileSync(at('photos/coffee.jpg'), mended.subarray(0, mended.length >> 1))
  expect((await run(args('aug'))).code).toBe(3)
  expect((await run(args('aug', '--retry-failed'))).code).toBe(3)
  writeFileSync(at('photos/coffee.jpg'), mended)
  const untouched = path.join(at('aug'), rows(at('aug/provenance.jsonl')).at(-1).file_name)
  const { mtimeMs } = statSync(untouched)
  expect(await run(args('aug'))).toMatchObject({ code: 6, stderr: expect.stringContaining('hint: --retry-failed') })
  expect((await run(args('aug', '--retry-failed'))).code).toBe(0)
  expect(tree(at('aug'))).toEqual(tree(at('whole')))
  expect(statSync(untouched).mtimeMs).toBe(mtimeMs)
})

test('provenance.jsonl replays its run to the same pictures and labels', async () => {
  const folder = temporaryFolder()
  const first = path.join(folder, 'first')
  expect((await run([PHOTOS, '--out', first, '--seed', '5'])).code).toBe(0)
  const again = path.join(folder, 'again')
  expect(await run(['--pairs', path.join(first, 'provenance.jsonl'), '--out', again])).toMatchObject({ code: 0 })
  const pictures = (out: string) => Object.entries(tree(out)).filter(([name]) => /^(images|labels)/.test(name))
  expect(pictures(again)).toEqual(pictures(first))
})

test('a run that left pictures out is replayed to the same mixes, and other options are told', async () => {
  const root = temporaryFolder()
  const at = (name: string) => path.join(root, name)
  cpSync(PHOTOS, at('photos'), { recursive: true })
  writeFileSync(at('photos/coffee.jpg'), 'no picture')
  const cutmix = ['--method', 'cutmix', '--seed', '5']
  expect(await run([at('photos'), '--out', at('first'), ...cutmix])).toMatchObject({ code: 3 })
  const replay = ['--pairs', at('first/provenance.jsonl')]
  const same = await run([...replay, '--out', at('same'), ...cutmix])
  expect(same).toMatchObject({ code: 0, stderr: expect.not.stringContaining('made with') })
  const made = (name: string) => rows(at(`${name}/provenance.jsonl`)).map(({ sha256, lambda }) => [sha256, lambda])
  expect(made('same')).toEqual(made('first'))
  const other = await run([...replay, '--out', at('other'), '--method', 'mixup', '--size', '9x9'])
  expect(other.stderr).toContain(
    'provenance.jsonl: made with --method cutmix, not mixup; --seed 5, not 0; --size unset, not 9x9: the mixes will differ',
  )
})

test('a replay names the pictures that are not those that were mixed', async () => {
  const folder = temporaryFolder()
  const [pets, out] = [path.join(folder, 'pets'), path.join(folder, 'first')]
  for (let i = 0; i < 8; i++) {
    const kind = path.join(pets, i % 2 === 0 ? 'cat' : 'dog')
    mkdirSync(kind, { recursive: true })
    cpSync(path.join(FASHION, `00${i}.png`), path.join(kind, `${i}.png`))
  }
  const mixup = ['--method', 'mixup', '--format', 'png']
  expect(await run([pets, '--out', out, ...mixup, '--quiet'])).toMatchObject({ code: 0 })
  const replay = ['--pairs', path.join(out, 'provenance.jsonl'), ...mixup]
  const same = await run([...replay, '--out', path.join(folder, 'same')])
  expect(same).toMatchObject({ code: 0, stderr: expect.not.stringContaining('another picture') })
  cpSync(path.join(FASHION, '009.png'), path.join(pets, 'cat/2.png'))
  const other = await run([...replay, '--out', path.join(folder, 'other')])
  expect(other.code).toBe(0)
  expect(other.stderr.match(/^.*another picture.*$/gm)).toEqual([
    'cat/2.png: another picture than the run that is replayed mixed, so the mixes with it will differ',
  ])
})

test('a replay with another model or other maps says so, and one with the same model by another name does not', async () => {
  const at = (name: string) => path.join(folder, name)
  const folder = temporaryFolder()
  const made = ['--model', 'cifar10', '--saliency', 'gradient', '--device', 'cpu']
  expect(await run([PHOTOS, '--out', at('first'), ...made])).toMatchObject({ code: 0 })
  const replay = ['--pairs', at('first/provenance.jsonl'), '--dry-run', '--device', 'cpu']
  cpSync(path.join(ROOT, 'models'), at('models'), { recursive: true })
  const copy = readdirSync(at('models')).find((name) => /cifar10.*\.onnx$/.test(name))!
  const same = ['--model', path.join(at('models'), copy), '--saliency', 'gradient']
  expect(await run([...replay, ...same])).toMatchObject({ code: 0, stderr: expect.not.stringContaining('made with') })
  const other = await run([...replay, '--model', 'general', '--blur-sigma', '2', '--loss', 'logit', '--exact'])
  expect(other.stderr).toContain(
    'provenance.jsonl: made with --model cifar10, not general; --saliency gradient, not cam; --blur-sigma unset, not 2; --loss ce, not logit: the mixes will differ',
  )
  const plain = await run([...replay, '--method', 'mixup', '--model', 'general'])
  expect(plain.stderr).not.toMatch(/made with.*--model/)
})

test('a run goes on with what its model file, .json and class map say, wherever it stands, and with nothing else', async () => {
  const folder = temporaryFolder({
    'map.json': '{ "cat": 3, "dog": 5 }',
    'same.json': '{"dog":"Sandal","cat":"Dress"}',
  })
  const at = (name: string) => path.join(folder, name)
  const model = at('mine.onnx')
  const described = JSON.parse(readFileSync(path.join(ROOT, 'models/fashion-mnist.json'), 'utf8'))
  const describe = (changes: object) => writeFileSync(at('mine.json'), JSON.stringify({ ...described, ...changes }))
  cpSync(path.join(ROOT, 'models/fashion-mnist.onnx'), model)
  describe({})
  const [images, out] = [flatPictures(4), at('aug')]
  const made = (map: string) => run([images, '--model', model, '--device', 'cpu', '--class-map', at(map), '--out', out])
  expect(await made('map.json')).toMatchObject({ code: 0 })
  expect((await made('same.json')).stderr).toContain('nothing was missing')
  const replay = ['--pairs', path.join(out, 'provenance.jsonl'), '--model', model, '--device', 'cpu', '--dry-run']
  const again = (map: string) => run([...replay, '--class-map', at(map)])
  expect((await again('same.json')).stderr).not.toContain('made with')

  writeFileSync(at('other.json'), '{ "cat": 3, "dog": 6 }')
  describe({ mean: [0.25] })
  const { code, stderr } = await made('other.json')
  expect(code).toBe(6)
  expect(stderr.match(/model\..*/g)).toEqual([
    expect.stringMatching(/^model\.input\.mean \[.*\], now asked for \[0\.25\]$/),
    'model.logits.dog 5, now asked for 6',
  ])
  expect((await again('other.json')).stderr).toMatch(
    /provenance\.jsonl: made with input mean .*, not 0\.25; logit of dog 5, not 6: the mixes will differ/,
  )
})

test('explicit pairs are mixed as they say, their own labels included, and replayed', async () => {
  const out = path.join(temporaryFolder(), 'aug')
  expect((await run(['--pairs', path.join(ROOT, 'fixtures/pairs.json'), '--out', out])).code).toBe(0)
  const provenance = rows(path.join(out, 'provenance.jsonl'))
  expect(provenance).toHaveLength(5)
  expect(provenance[2].alpha).toBe(0.4)
  expect(provenance[3]).toMatchObject({
    alpha: 0.3,
    shift: [5, -3],
    sources: [{ file: 'cameraman.jpg' }, { file: 'astronaut.jpg' }],
  })
  const classes = lines(path.join(out, 'classes.txt'))
  const label = Object.fromEntries(
    lines(path.join(out, 'labels.csv'))[5]!
      .split(',')
      .slice(1)
      .map((w, k) => [classes[k], Number(w)]),
  )
  const { lambda } = provenance[4]
  expect(label.object).toBeCloseTo(lambda, 12)
  expect(label.medicine).toBeCloseTo(0.75 * (1 - lambda), 12)
  const again = `${out}-again`
  expect((await run(['--pairs', path.join(out, 'provenance.jsonl'), '--out', again])).code).toBe(0)
  expect(tree(again)['labels.csv']).toBe(tree(out)['labels.csv'])
  rmSync(again, { recursive: true })
})

test('originals are written as they are, with one-hot rows after the mixes', async () => {
  const out = path.join(temporaryFolder(), 'aug')
  expect((await run([PHOTOS, '--out', out, '--count', '3', '--include-originals', '--format', 'png'])).code).toBe(0)
  const labels = lines(path.join(out, 'labels.csv')).slice(1 + 3)
  expect(labels).toHaveLength(9)
  for (const line of labels)
    expect(line.split(',').slice(1).sort().reverse()).toEqual(['1.0', '0.0', '0.0', '0.0', '0.0'])
})

test('a dry run checks everything and writes nothing', async () => {
  const out = path.join(temporaryFolder(), 'aug')
  const { code, stderr } = await run([FASHION, '--out', out, '--dry-run'])
  expect(code).toBe(0)
  expect(stderr).toContain('300 outputs planned from 300 pictures of 10 classes')
  expect(stderr).toMatch(/^about \d\.\d MB to write, .* free$/m)
  expect(existsSync(out)).toBe(false)
})

test('a dry run says how much the run then writes, within a quarter', async () => {
  const out = path.join(temporaryFolder(), 'aug')
  const args = [PHOTOS, '--out', out, '--size', '96x64', '--format', 'png', '--write-masks']
  const { stdout } = await run([...args, '--dry-run', '--json'])
  const time = stdout.split('\n').find((line) => line.includes('"type":"time"'))
  expect(JSON.parse(time!)).toMatchObject({ outputs: expect.any(Number), seconds: expect.any(Number) })
  const { bytes } = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))
    .find(({ type }) => type === 'space')
  expect((await run([...args, '--quiet'])).code).toBe(0)
  const files = (readdirSync(out, { recursive: true }) as string[]).map((file) => statSync(path.join(out, file)))
  const written = files.reduce((sum, stats) => sum + (stats.isFile() ? stats.blocks * 512 : 0), 0)
  expect(bytes / written).toBeGreaterThan(0.75)
  expect(bytes / written).toBeLessThan(1.25)
})

test('--json prints one event a line and nothing for people', async () => {
  const out = path.join(temporaryFolder(), 'aug')
  const { stdout, stderr } = await run([FASHION, '--out', out, '--count', '5', '--json'])
  expect(stderr).toBe('')
  const events = stdout
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))
  expect(events[0]).toEqual({ type: 'plan', outputs: 5, sources: 300, classes: 10 })
  expect(events.at(-1)).toMatchObject({ type: 'done', written: 5, skipped: 0 })
})

test('an explicit device that cannot start is exit 5 and names what is missing', async () => {
  const out = path.join(temporaryFolder(), 'aug')
  const { code, stderr } = await run([FASHION, '--out', out, '--device', 'cuda'])
  if (code === 0) return expect(stderr).toContain('on cuda')
  expect(code).toBe(5)
  expect(stderr).toMatch(/^--device cuda: .+ is missing/m)
  expect(existsSync(out)).toBe(false)
})

test('--help needs neither sharp nor onnxruntime', async () => {
  // Native addons cannot be loaded in such a process, so loading either would fail.
  const { code, stdout } = await spawned(['--help'], { NODE_OPTIONS: '--no-addons' })
  expect(code).toBe(0)
  expect(stdout).toContain('--labels <file>')
})

test('misuse is exit 2 with one line that says what was expected', async () => {
  const folder = temporaryFolder()
  mkdirSync(path.join(folder, 'empty'))
  const cases: [string[], RegExp][] = [
    [[], /^images: expected a folder of pictures, or --pairs <file>$/m],
    [[path.join(folder, 'nowhere')], /nowhere: .*expected/],
    [[path.join(folder, 'empty')], /empty: .*expected/],
    [[FASHION, '--blur-sigma', '-1'], /^--blur-sigma: expected a number between 0 and 1000, got -1$/m],
    [[FASHION, '--seed', 'x'], /^--seed: expected a whole number .*, got "x"$/m],
    [[FASHION, '--model', 'nope.onnx'], /^--model nope\.onnx: no such file or folder, expected auto, cifar10/m],
    [
      ['--pairs', 'pairs.json', '--count', '3', '--epochs', '2', '--pairing', 'same-class'],
      /^--count 3, --epochs 2, --pairing same-class: expected no --pairs, which say what is mixed$/m,
    ],
    [[FASHION, '--count', '3', '--epochs', '2'], /^--count 3: expected no --epochs 2, /m],
    [[FASHION, '--epoch', '2'], /unknown option '--epoch'\n\(Did you mean --epochs\?\)/],
  ]
  for (const [args, expected] of cases) {
    const { code, stderr, stdout } = await run([...args, ...(args.length ? ['--out', path.join(folder, 'aug')] : [])])
    expect({ args, code, stdout }).toEqual({ args, code: 2, stdout: '' })
    expect(stderr).toMatch(expected)
    expect(stderr).not.toMatch(/^\s+at /m)
  }
  expect(existsSync(path.join(folder, 'aug'))).toBe(false)
  rmSync(folder, { recursive: true })
})

test('a short run that is the beginning of a longer one is continued, and nothing of it is made again', async () => {
  const folder = temporaryFolder()
  const [out, whole] = [path.join(folder, 'aug'), path.join(folder, 'whole')]
  const args = [FASHION, '--method', 'mixup', '--quiet', '--out']
  expect(await run([...args, out, '--count', '3', '--report'])).toMatchObject({ code: 0, stderr: '' })
  const first = path.join(out, 'images/00000/000000002.jpg')
  const { mtimeMs } = statSync(first)
  expect(await run([...args, out, '--count', '20'])).toMatchObject({ code: 0, stderr: '' })
  expect(await run([...args, whole, '--count', '20'])).toMatchObject({ code: 0 })
  expect(statSync(first).mtimeMs).toBe(mtimeMs)
  expect(existsSync(path.join(out, 'report.html'))).toBe(false)
  const made = (folder: string) =>
    Object.entries(tree(folder)).filter(([name]) => name !== 'run.json' && !name.startsWith('.sage'))
  expect(made(out)).toEqual(made(whole))
  const before = tree(out)
  for (const more of [['--count', '12'], ['--count', '25', '--seed', '1'], ['--include-originals']]) {
    expect(await run([...args, out, ...more]), more.join(' ')).toMatchObject({ code: 6 })
  }
  expect(await run([...args, out, '--count', '12'])).toMatchObject({
    stderr: expect.stringContaining(`${out}: output 12 is made of`),
  })
  expect(tree(out)).toEqual(before)
})

test('a preview draws the first mixes of the run and leaves its folder alone', async () => {
  const folder = temporaryFolder()
  const out = path.join(folder, 'aug')
  const args = [FASHION, '--out', out, '--method', 'mixup']
  const { code, stderr } = await run([...args, '--preview', '2'])
  expect(code).toBe(0)
  expect(readdirSync(folder)).toEqual(['aug-preview.png'])
  expect(stderr).toContain(`preview: ${out}-preview.png; nothing else written`)
  expect(await run([...args, '--count', '2', '--quiet'])).toMatchObject({ code: 0 })
  for (const { index, lambda, sources } of rows(path.join(out, 'provenance.jsonl'))) {
    const [a, b] = sources.map(({ file }: { file: string }) => `${file} (${fashionLabels.get(file)})`)
    expect(stderr).toContain(`mix ${index}: ${lambda.toFixed(2)} ${a} + ${(1 - lambda).toFixed(2)} ${b}\n`)
  }
})

test('a mistake that needs no look at the pictures is told before one', async () => {
  const folder = temporaryFolder()
  mkdirSync(path.join(folder, 'other'))
  writeFileSync(path.join(folder, 'other/mine.txt'), '')
  const nowhere = path.join(folder, 'no-such-folder')
  for (const [more, told] of [
    [['--model', 'none.onnx'], '--model none.onnx: no such file or folder'],
    [['--class-map', 'none.json'], '--class-map none.json: no such file or folder'],
    [['--out', path.join(folder, 'other')], 'found other files'],
    [['--out', path.join(folder, 'other/mine.txt/aug')], 'found a file where a folder belongs'],
  ] as const) {
    const { stderr } = await run([nowhere, '--out', path.join(folder, 'aug'), ...more])
    expect(stderr).toContain(told)
  }
})

test('multi-labels are mixed class by class, verified, and replayed', async () => {
  const folder = temporaryFolder()
  const [out, again, table] = ['aug', 'again', 'several.csv'].map((name) => path.join(folder, name)) as [
    string,
    string,
    string,
  ]
  const names = [...fashionLabels.keys()].filter((name) => name.endsWith('.png')).slice(0, 12)
  const shows = (i: number) => [i % 2, Number(i % 3 === 0), 0]
  writeFileSync(table, `file_name,red,green,blue\n${names.map((name, i) => `${name},${shows(i)}\n`).join('')}`)
  const args = [
    FASHION,
    '--labels',
    table,
    '--multi-label',
    '--epochs',
    '2',
    '--include-originals',
    '--quiet',
    '--loss',
    'bce',
  ]
  expect(await run([...args, '--out', out])).toMatchObject({ code: 0, stderr: '' })
  const labels = new Map(names.map((name, i) => [name, shows(i)]))
  const provenance = rows(path.join(out, 'provenance.jsonl'))
  expect(provenance).toHaveLength(36)
  lines(path.join(out, 'labels.csv'))
    .slice(1)
    .forEach((line, i) => {
      const { sources, lambda } = provenance[i]
      const [a, b = a] = sources.map(({ file }: { file: string }) => labels.get(file)!)
      const expected = a.map((weight: number, k: number) => lambda * weight + (1 - lambda) * b[k])
      line
        .split(',')
        .slice(1)
        .map(Number)
        .forEach((weight, k) => {
          expect(weight).toBeCloseTo(expected[k], 12)
        })
    })
  const told = rows(path.join(out, 'metadata.jsonl'))
  expect(
    told.filter(({ label }) => label === '').every((row) => row.soft_label.every((weight: number) => weight === 0)),
  ).toBe(true)
  expect(new Set(told.map(({ label }) => label))).toEqual(new Set(['red', 'green', '']))
  expect(await run(['verify', out])).toMatchObject({ code: 0 })
  expect(
    await run([
      '--pairs',
      path.join(out, 'provenance.jsonl'),
      '--multi-label',
      '--loss',
      'bce',
      '--out',
      again,
      '--quiet',
    ]),
  ).toMatchObject({ code: 0 })
  expect(lines(path.join(again, 'labels.csv')).slice(1, 13)).toEqual(lines(path.join(out, 'labels.csv')).slice(1, 13))
  for (const more of [
    ['--pairing', 'same-class'],
    ['--layout', 'class-folders'],
  ]) {
    expect(await run([...args, '--out', again, ...more])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining(`${more.join(' ')}: expected one class a picture, but found --multi-label`),
    })
  }
})
