import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import sharp from 'sharp'
import { expect, test } from 'vitest'
import { FASHION, ROOT, run } from '../helpers/cli.js'
import { temporaryFolder } from '../helpers/folder.js'
import { linearNet } from '../helpers/linearNet.js'
import { float32, runModel } from '../helpers/onnx.js'

/** A folder with the network, and the command that trains it for two epochs; the file is `<folder>/<name>.onnx`. */
function prepared() {
  const folder = temporaryFolder({ 'net.onnx': linearNet.bytes, 'net.json': linearNet.json })
  const at = (name: string) => path.join(folder, name)
  const args = (name: string, images = FASHION) => [
    ...['train', images, '--model', at('net.onnx'), '--out', at(`${name}.onnx`)],
    ...['--epochs', '2', '--rate', '0.02', '--batch', '30', '--jobs', '1'],
  ]
  return { folder, at, args }
}

const bytesOf = (file: string) => readFileSync(file).toString('latin1')

/** Class folders of every tenth picture of the fixtures. */
function classFolders(folder: string, count: number): string {
  const [, ...rows] = readFileSync(path.join(FASHION, 'labels.csv'), 'utf8').trim().split('\n')
  for (const row of rows.filter((_, i) => i % 10 < count)) {
    const [file, name] = row.split(',') as [string, string]
    const place = path.join(folder, name.replace('/', '-'))
    mkdirSync(place, { recursive: true })
    copyFileSync(path.join(FASHION, file), path.join(place, file))
  }
  return folder
}

test('a classifier is trained, tells how good it is, and is that good', async () => {
  const { at, args, folder } = prepared()
  const val = classFolders(path.join(folder, 'val'), 1)
  const images = classFolders(path.join(folder, 'images'), 9)
  const { code, stdout, stderr } = await run([...args('a', images), '--epochs', '8', '--val', val, '--json'])
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  const events = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
  expect(events.filter(({ type }) => type === 'epoch').map(({ epoch }) => epoch)).toEqual([1, 2, 3, 4, 5, 6, 7, 8])
  const { accuracy, best, heldOut } = events.at(-1)
  expect(heldOut).toBe(30)
  expect(accuracy).toBe(
    Math.max(...events.flatMap((e) => (e.heldOut?.accuracy === undefined ? [] : [e.heldOut.accuracy]))),
  )
  expect(events.find((e) => e.epoch === best).heldOut.accuracy).toBe(accuracy)
  // Ten classes: far above chance.
  expect(accuracy).toBeGreaterThan(0.4)

  const beside = JSON.parse(readFileSync(at('a.json'), 'utf8'))
  expect(beside).toMatchObject({ name: 'a', width: 14, height: 14, mean: [0.3], std: [0.35] })
  expect(beside.accuracy).toEqual({ top1: accuracy, on: '30 held-out pictures of val' })
  let hits = 0
  for (const [k, name] of beside.classes.entries()) {
    for (const file of readdirSync(path.join(val, name))) {
      const grey = await sharp(path.join(val, name, file))
        .resize(14, 14, { kernel: 'linear' })
        .greyscale()
        .raw()
        .toBuffer()
      const x = float32(
        [1, 1, 14, 14],
        Array.from(grey, (v) => (v / 255 - 0.3) / 0.35),
      )
      const { y } = await runModel(new Uint8Array(readFileSync(at('a.onnx'))), { x })
      const row = Array.from(y!.data as Float32Array)
      if (row.indexOf(Math.max(...row)) === k) hits++
    }
  }
  // Another library resizes a little differently.
  expect(Math.abs(hits / 30 - accuracy)).toBeLessThan(0.1)
  // The new file is a model like any other.
  const { code: mixed } = await run(['saliency', val, '--model', at('a.onnx'), '--out', at('maps'), '--quiet'])
  expect(mixed).toBe(0)
})

test('the same seed gives the same bytes, another seed others, and so does each method', async () => {
  const { at, args } = prepared()
  for (const [name, more] of Object.entries({
    a: [],
    b: [],
    seed: ['--seed', '1'],
    sage: ['--method', 'sage'],
    again: ['--method', 'sage'],
    comixup: ['--method', 'comixup'],
    saliencymix: ['--method', 'saliencymix'],
    view: ['--crop', 'resized', '--mirror', 'never', '--jitter', '0.3'],
    muon: ['--optimizer', 'muon'],
  })) {
    const { code, stderr } = await run([...args(name), ...more, '--quiet'])
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  }
  const made = Object.fromEntries(
    ['a', 'b', 'seed', 'sage', 'again', 'comixup', 'saliencymix', 'view', 'muon'].map((name) => [
      name,
      bytesOf(at(`${name}.onnx`)),
    ]),
  )
  expect(made.b).toBe(made.a)
  expect(made.again).toBe(made.sage)
  expect(new Set(Object.values(made)).size).toBe(7)
})

test('maps of every step are those of every epoch where an epoch is one step, and others where it is more', async () => {
  const { at, args } = prepared()
  const made = async (name: string, refresh: string, batch: string) => {
    const line = [...args(name), '--method', 'sage', '--refresh', refresh, '--batch', batch, '--quiet']
    expect(await run(line)).toMatchObject({ code: 0, stderr: '' })
    return bytesOf(at(`${name}.onnx`))
  }
  expect(await made('one-step', 'step', '300')).toBe(await made('one-epoch', 'epoch', '300'))
  expect(await made('step', 'step', '135')).not.toBe(await made('epoch', 'epoch', '135'))
})

/** A training that stops after some epoch, and goes on when it is called again; gives the last thing that it said. */
async function stoppable(at: (name: string) => string, images = FASHION) {
  const load = (file: string) => import(pathToFileURL(path.join(ROOT, 'dist', file)).href)
  const { train } = (await load('run/train.js')) as typeof import('../../src/run/train.js')
  const { checked } = (await load('options/schema.js')) as typeof import('../../src/options/schema.js')
  const { trainOptions } = (await load('options/train.js')) as typeof import('../../src/options/train.js')
  const config = (name: string) =>
    checked(trainOptions, {
      ...{ model: at('net.onnx'), out: at(`${name}.onnx`), method: 'sage' },
      ...{ epochs: 3, rate: 0.02, batch: 30, jobs: 1 },
    }) as unknown as Parameters<typeof train>[1]
  return async (name: string, stopAfter = 0) => {
    const controller = new AbortController()
    const notes: string[] = []
    try {
      for await (const event of train(images, config(name), controller.signal)) {
        if (event.type === 'epoch' && event.epoch === stopAfter) controller.abort()
        if (event.type === 'notice') notes.push(event.message)
      }
    } catch (error) {
      notes.push((error as Error).message)
    }
    return notes.at(-1)
  }
}

test('an interrupted training goes on where it was and ends in the same bytes', async () => {
  const { at } = prepared()
  const all = await stoppable(at)
  await all('whole')
  expect(await all('parts', 1)).toMatch(/^interrupted after 1 of 3 epochs/)
  expect(existsSync(at('parts.onnx'))).toBe(false)
  expect(await all('parts', 2)).toMatch(/^interrupted after 2 of 3 epochs/)
  writeFileSync(at('parts.json'), '{}')
  expect(await all('parts')).toMatch(/parts.json: is there already, expected a new file/)
  expect(readFileSync(at('parts.json'), 'utf8')).toBe('{}')
  // A kill between the two files of the result leaves the first.
  copyFileSync(at('whole.json'), at('parts.json'))
  expect(await all('parts')).toBe('continuing after epoch 2 of 3')
  expect(bytesOf(at('parts.onnx'))).toBe(bytesOf(at('whole.onnx')))
  expect(existsSync(at('parts.onnx.checkpoint'))).toBe(false)
})

test('an interrupted training does not go on with other pictures', async () => {
  const { at, folder } = prepared()
  const images = classFolders(path.join(folder, 'images'), 4)
  const all = await stoppable(at, images)
  expect(await all('a', 1)).toMatch(/^interrupted after 1 of 3 epochs/)
  const [one, other] = ['Bag', 'Coat'].map((name) => {
    const place = path.join(images, name)
    return path.join(place, readdirSync(place)[0]!)
  })
  const before = readFileSync(one!)
  copyFileSync(other!, one!)
  expect(await all('a')).toMatch(/found a training with other options or pictures, expected the same/)
  writeFileSync(one!, before)
  expect(await all('a')).toBe('continuing after epoch 1 of 3')
})

test('minutes are filled with epochs', async () => {
  const { args } = prepared()
  const { code, stdout } = await run([...args('a'), '--minutes', '0.05', '--json'])
  expect(code).toBe(0)
  const events = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
  expect(events.at(-1).epochs).toBeGreaterThan(2)
  const forms = events.filter(({ message }) =>
    /^each step runs (in blocks of \d+ channels|as standard .*: .+)/.test(message),
  )
  expect(forms.length).toBe(1)
})

test('what cannot be used is refused in a line, and nothing is written', async () => {
  const { at, args, folder } = prepared()
  const one = classFolders(path.join(folder, 'one'), 0)
  mkdirSync(path.join(one, 'only'), { recursive: true })
  copyFileSync(path.join(FASHION, '000.png'), path.join(one, 'only', '000.png'))
  const strange = path.join(folder, 'strange')
  mkdirSync(path.join(strange, 'zebra'), { recursive: true })
  copyFileSync(path.join(FASHION, '000.png'), path.join(strange, 'zebra', '000.png'))
  const cases: [string[], number, RegExp][] = [
    [args('a', one), 2, /^.*one: found 1 class, expected at least 2 to tell apart$/m],
    [[...args('a'), '--val', strange], 2, /strange: found zebra, expected only classes of/],
    [[...args('a'), '--trainable', 'nothing'], 2, /no weight is called \/nothing\/, it has "w", "b"/],
    [[...args('a'), '--rate', '0', '--hold-out', '2'], 2, /--hold-out: .*\n--rate: /],
    [[...args('a'), '--trainable', '('], 2, /--trainable: expected all, head, last-stage or a regular expression, got/],
    [[...args('a'), '--out', at('a.pt')], 2, /--out: expected the name of an .onnx file/],
    [[...args('b', at('nowhere')), '--overwrite'], 2, /nowhere: no such file or folder/],
    [[...args('net')], 6, /net.onnx: is there already, expected a new file/],
    [
      [...args('a'), '--rate', '1e2', '--optimizer', 'sgd', '--clip', '1e6', '--mean', '-1e38'],
      1,
      /the loss of step \d+ is (NaN|Infinity), expected a number/,
    ],
  ]
  writeFileSync(at('b.onnx.checkpoint'), 'of hours')
  for (const [line, code, message] of cases) {
    const found = await run(line)
    expect(found.stderr).toMatch(message)
    expect(found.code).toBe(code)
  }
  expect(readdirSync(folder).sort()).toEqual(['b.onnx.checkpoint', 'net.json', 'net.onnx', 'one', 'strange'])
})

test('a picture that cannot be read is left out, and told', async () => {
  const { args, folder } = prepared()
  const images = classFolders(path.join(folder, 'images'), 3)
  const [first] = readdirSync(images)
  copyFileSync(path.join(ROOT, 'package.json'), path.join(images, first!, 'broken.png'))
  const { code, stderr } = await run(args('a', images))
  expect(code).toBe(0)
  expect(stderr).toMatch(/left out: .*broken.png: /)
})
