import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect, test } from 'vitest'
import { FASHION, ROOT, run, start } from '../helpers/cli.js'
import { temporaryFolder, tree } from '../helpers/folder.js'
import { linearNet } from '../helpers/linearNet.js'

test('adapt writes a classifier of the classes of a folder, whose labels a run then explains', async () => {
  const folder = temporaryFolder()
  const out = path.join(folder, 'mine.onnx')
  const { code, stdout, stderr } = await run(['adapt', FASHION, '--model', 'fashion-mnist', '--out', out, '--json'])
  expect({ code, stderr }).toMatchObject({ code: 0 })
  const adapted = JSON.parse(stdout.trim().split('\n').at(-1)!)
  expect(adapted).toMatchObject({ out, model: 'fashion-mnist', classes: 10, pictures: 300 })
  // The features are those of a classifier that finds 93.56 % of the test split that these pictures are from.
  expect(adapted.accuracy).toBeGreaterThan(0.85)
  expect(adapted.error).toBeCloseTo(Math.sqrt((adapted.accuracy * (1 - adapted.accuracy)) / 300), 9)
  for (const { count, of } of adapted.confused) expect(count).toBeLessThanOrEqual(of)
  const beside = JSON.parse(readFileSync(path.join(folder, 'mine.json'), 'utf8'))
  expect(beside).toMatchObject({ width: 28, height: 28, accuracy: { top1: adapted.accuracy } })
  expect(beside.classes).toHaveLength(10)
  for (const kind of ['cam', 'gradient']) {
    const maps = await run(['saliency', FASHION, '--model', out, '--saliency', kind, '--out', path.join(folder, kind)])
    expect(maps).toMatchObject({ code: 0, stderr: expect.stringContaining('saliency explains the labels') })
  }
})

test('--full trains all weights, as train does with its defaults', async () => {
  const images = garments()
  const folder = temporaryFolder({ 'net.onnx': linearNet.bytes, 'net.json': linearNet.json })
  const at = (name: string) => path.join(folder, name)
  const common = ['--model', at('net.onnx'), '--seed', '3', '--jobs', '1', '--quiet']
  for (const [command, ...more] of [
    ['adapt', '--full', '--out', at('a.onnx')],
    ['train', '--out', at('b.onnx')],
  ] as const)
    expect(await run([command, images, ...more, ...common])).toMatchObject({ code: 0, stderr: '' })
  expect(readFileSync(at('a.onnx'))).toEqual(readFileSync(at('b.onnx')))
  const refused = await run(['adapt', images, '--full', '--size', '32x32', '--out', at('c.onnx'), ...common])
  expect(refused).toMatchObject({ code: 2, stderr: expect.stringContaining('--size: not with --full') })
})

test('what cannot be adapted is told before anything is written', async () => {
  const folder = temporaryFolder({ 'net.onnx': linearNet.bytes })
  const cases: [string[], RegExp][] = [
    [[FASHION, '--out', path.join(folder, 'mine.pt')], /--out: expected the name of an \.onnx file/],
    [[FASHION, '--model', path.join(folder, 'net.onnx'), '--out', path.join(folder, 'net.onnx')], /which this command/],
    [[FASHION, '--model', 'resnet19', '--out', path.join(folder, 'a.onnx')], /--model resnet19/],
  ]
  for (const [args, expected] of cases) {
    expect(await run(['adapt', ...args])).toMatchObject({ code: 2, stderr: expect.stringMatching(expected) })
  }
  expect(existsSync(path.join(folder, 'a.onnx'))).toBe(false)
})

test.skipIf(process.platform === 'win32')(
  'adapt and --adapt end with 75 or 130 at a signal, and write nothing',
  async () => {
    const folder = temporaryFolder()
    const [mine, own] = [path.join(folder, 'mine.onnx'), path.join(folder, 'own')]
    const cases = [
      [['adapt', FASHION, '--model', 'fashion-mnist', '--out', mine], 'SIGTERM', 75],
      [[FASHION, '--model', 'fashion-mnist', '--adapt', '--out', own], 'SIGINT', 130],
    ] as const
    for (const [args, signal, code] of cases) {
      const { child, ended } = start(args)
      // What is understood of the labels is told before the features are computed.
      child.stderr!.once('data', () => child.kill(signal))
      expect(await ended).toMatchObject({
        code,
        stderr: expect.stringContaining('interrupted while the classes were fitted'),
      })
    }
    expect(readdirSync(folder)).toEqual([])
  },
)

/** Four classes of Fashion-MNIST, ten pictures each, in folders. */
function garments(classes = ['Ankle boot', 'Pullover', 'Trouser', 'Bag']): string {
  const files: Record<string, Uint8Array> = {}
  const counts: Record<string, number> = {}
  for (const line of readFileSync(path.join(FASHION, 'labels.csv'), 'utf8').trim().split(/\r?\n/).slice(1)) {
    const [file, label] = line.split(',') as [string, string]
    counts[label] = (counts[label] ?? 0) + 1
    if (classes.includes(label) && counts[label]! <= 10)
      files[`${label}/${file}`] = readFileSync(path.join(FASHION, file))
  }
  return temporaryFolder(files)
}

/** Everything of a run that has to be the same, but for where it lies. */
const outcome = (folder: string) =>
  tree(folder, ['run.json', path.join('.sage', 'adapted.onnx'), path.join('.sage', 'adapted.json')])
const recordOf = (folder: string) => JSON.parse(readFileSync(path.join(folder, 'run.json'), 'utf8'))
const FITTED = /4 classes fitted on the features of fashion-mnist, 40 pictures: held-out accuracy \d+\.\d %/

test('--adapt makes what adapt and then --model would, and keeps the classifier', async () => {
  const images = garments()
  const folder = temporaryFolder()
  const [mine, apart, own] = ['mine.onnx', 'apart', 'own'].map((name) => path.join(folder, name)) as [
    string,
    string,
    string,
  ]
  const args = [images, '--count', '6', '--seed', '3', '--device', 'cpu']
  await run(['adapt', images, '--model', 'fashion-mnist', '--seed', '3', '--out', mine])
  expect(await run([...args, '--model', mine, '--out', apart])).toMatchObject({ code: 0 })
  const { code, stderr } = await run([...args, '--model', 'fashion-mnist', '--adapt', '--out', own])
  expect({ code, stderr }).toMatchObject({ code: 0, stderr: expect.stringMatching(FITTED) })
  expect(stderr).toContain('model fashion-mnist (adapted), input gradients of 28 x 28; saliency explains the labels')
  expect(outcome(own)).toEqual(outcome(apart))
  for (const extension of ['onnx', 'json']) {
    const kept = readFileSync(path.join(own, `.sage/adapted.${extension}`))
    expect(kept.equals(readFileSync(path.join(folder, `mine.${extension}`)))).toBe(true)
  }
  const { sha256 } = recordOf(apart).model
  expect(recordOf(own)).toMatchObject({
    options: { adapt: true },
    model: { sha256, features: { name: 'fashion-mnist' } },
  })
  expect(await run(['verify', own])).toMatchObject({ code: 0 })
  const [pairs, kept, again] = ['provenance.jsonl', '.sage/adapted.onnx', '../again'].map((name) =>
    path.join(own, name),
  )
  const replay = await run(['--pairs', pairs!, '--model', kept!, '--device', 'cpu', '--out', again!])
  expect(replay).toMatchObject({ code: 0, stderr: expect.not.stringContaining('made with') })
  expect(tree(path.join(again!, 'images'))).toEqual(tree(path.join(own, 'images')))
})

test('a run with --adapt that was stopped goes on with the classifier that it fitted, or one just like it', async () => {
  const folder = temporaryFolder()
  const [whole, cut] = [path.join(folder, 'whole'), path.join(folder, 'cut')]
  const options = { images: garments(), model: 'fashion-mnist', device: 'cpu', count: 40, jobs: 1 } as const
  const { augment } = (await import(
    pathToFileURL(path.join(ROOT, 'dist/index.js')).href
  )) as typeof import('../../src/index.js')
  async function told(out: string, more: object = {}, outputs = 40): Promise<string> {
    const notices: string[] = []
    for await (const event of augment({ ...options, adapt: true, out, ...more })) {
      if (event.type === 'notice') notices.push(event.message)
      if (event.type === 'progress' && event.done >= outputs) break
    }
    return notices.join('\n')
  }
  expect(await told(whole, {}, 41)).toMatch(FITTED)
  await told(cut, {}, 5)
  expect(recordOf(cut).complete).toBe(false)
  await expect(told(cut, { model: 'general' })).rejects.toThrow(/run with model\.features\.sha256 /)
  await expect(told(cut, { adapt: false })).rejects.toThrow(/run with options\.adapt true, now asked for false/)
  expect(await told(cut, {}, 10)).not.toMatch(FITTED)
  rmSync(path.join(cut, '.sage/adapted.onnx'))
  expect(await told(cut, {}, 41)).toMatch(FITTED)
  expect(tree(cut)).toEqual(tree(whole))
  await told(cut, { adapt: false, overwrite: true }, 41)
  expect(existsSync(path.join(cut, '.sage/adapted.onnx'))).toBe(false)
})

test('--adapt is refused where it makes no sense, with all that is wrong', async () => {
  const folder = temporaryFolder({ 'pairs.json': '[["a.jpg", "b.jpg"]]', 'map.json': '{}' })
  const out = path.join(folder, 'out')
  const images = garments()
  const cases: [string[], RegExp][] = [
    [[images, '--method', 'mixup'], /^--method mixup: needs no classifier, expected no --adapt$/m],
    [
      [images, '--target', 'predicted', '--class-map', path.join(folder, 'map.json')],
      /^--target predicted: .*\n--class-map: /m,
    ],
    [
      ['--pairs', path.join(folder, 'pairs.json')],
      /^--pairs: .*\n {2}hint: sage-augment adapt <images> --out mine\.onnx once/m,
    ],
    [[images, '--shard', '1/2'], /^--shard: shards must share one classifier, expected no --adapt$/m],
  ]
  for (const [args, expected] of cases) {
    expect(await run([...args, '--adapt', '--out', out])).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(expected),
    })
  }
  expect(await run([garments(['Bag']), '--adapt', '--out', out])).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/: found 1 class, expected at least 2$/m),
  })
  expect(existsSync(out)).toBe(false)
})
