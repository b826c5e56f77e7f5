import { readFileSync } from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'
import { FASHION, run } from '../helpers/cli.js'
import { temporaryFolder, tree } from '../helpers/folder.js'

const read = (...parts: string[]) => readFileSync(path.join(...parts), 'utf8')

test('--saliency spectral mixes without a model, and its provenance replays to the same mixes', async () => {
  const folder = temporaryFolder()
  const [out, again, other] = ['out', 'again', 'other'].map((name) => path.join(folder, name)) as [
    string,
    string,
    string,
  ]
  const first = await run([FASHION, '--saliency', 'spectral', '--count', '4', '--report', '--out', out])
  expect(first).toMatchObject({ code: 0, stderr: expect.stringContaining('no model, spectral residuals of 32 x 32') })
  const record = JSON.parse(read(out, 'run.json'))
  expect(record).toMatchObject({ model: null, device: null, options: { saliency: 'spectral', target: null } })
  expect(await run(['verify', out])).toMatchObject({ code: 0 })
  const pairs = ['--pairs', path.join(out, 'provenance.jsonl')]
  const replay = await run([...pairs, '--saliency', 'spectral', '--out', again])
  expect(replay).toMatchObject({ code: 0, stderr: expect.not.stringContaining('made with') })
  expect(tree(path.join(again, 'images'))).toEqual(tree(path.join(out, 'images')))
  const changed = await run([...pairs, '--dry-run', '--out', other])
  expect(changed).toMatchObject({
    code: 0,
    stderr: expect.stringMatching(/made with .*--saliency spectral, not gradient/),
  })
})

test('spectral residuals can be drawn and compared, with every method that takes maps', async () => {
  const folder = temporaryFolder()
  const [maps, figure] = [path.join(folder, 'maps'), path.join(folder, 'figure.png')]
  const drawn = await run([
    'saliency',
    FASHION,
    '--saliency',
    'spectral',
    '--grid',
    '16x16',
    '--raw',
    'npy',
    '--out',
    maps,
  ])
  expect(drawn).toMatchObject({ code: 0 })
  expect(JSON.parse(read(maps, 'saliency.json'))).toMatchObject({ model: null, grid: [16, 16] })
  for (const method of ['saliencymix', 'puzzlemix', 'comixup']) {
    const out = path.join(folder, method)
    const args = [FASHION, '--saliency', 'spectral', '--method', method, '--count', '2', '--out', out]
    expect(await run(args)).toMatchObject({ code: 0 })
  }
  const files = ['000.png', '001.png'].map((name) => path.join(FASHION, name))
  expect(await run(['compare', ...files, '--saliency', 'spectral', '--out', figure])).toMatchObject({ code: 0 })
})

test('what only a classifier has is refused by name', async () => {
  const out = path.join(temporaryFolder(), 'out')
  const cases: [string[], RegExp][] = [
    [['--model', 'general', '--loss', 'bce'], /^--model: found --saliency spectral, .*\n--loss: /m],
    [['--layer', 'x', '--target', 'label', '--grid', 'input'], /^--layer: .*\n--target label: .*\n--grid input: /m],
    [['--blur-sigma', '2', '--device', 'cuda'], /^--blur-sigma: .*\n--device cuda: /m],
    [['--adapt'], /^--saliency spectral: needs no classifier, expected no --adapt$/m],
  ]
  for (const [args, expected] of cases) {
    const found = await run([FASHION, '--saliency', 'spectral', ...args, '--out', out])
    expect(found).toMatchObject({ code: 2, stderr: expect.stringMatching(expected) })
  }
  for (const variant of [['--smooth', '5'], ['--times-input'], ['--integrated', '5']]) {
    const found = await run(['saliency', FASHION, '--saliency', 'spectral', ...variant, '--out', out])
    expect(found).toMatchObject({
      code: 2,
      stderr: expect.stringContaining(`${variant[0]}: found --saliency spectral`),
    })
  }
})
