/** --json and --quiet: results go to stdout, what is for people to stderr. */
import { appendFileSync, copyFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { type Command, commands } from '../../src/options/commands.js'
import { FASHION, ROOT, run } from '../helpers/cli.js'
import { temporaryFolder } from '../helpers/folder.js'
import { linearModel, linearNet } from '../helpers/linearNet.js'

const MODEL = path.join(ROOT, 'models/fashion-mnist.onnx')
const SILENT = { code: 0, stdout: '', stderr: '' }

const events = (text: string) =>
  text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))

test('every command has both options', () => {
  const own = Object.entries(commands as Readonly<Record<string, Command>>).map(([name, { own }]) => [
    name,
    Object.keys(own).filter((option) => ['json', 'quiet'].includes(option)),
  ])
  // `models` alone is `models list`.
  expect(own.filter(([name]) => name !== 'models')).toEqual(
    own.filter(([name]) => name !== 'models').map(([name]) => [name, ['json', 'quiet']]),
  )
  expect(own.length).toBeGreaterThan(10)
})

test('merge and verify tell programs how they ended, and with --quiet nothing but problems', async () => {
  const folder = temporaryFolder()
  const at = (name: string) => path.join(folder, name)
  const make = ['--count', '4', '--method', 'mixup', '--quiet']
  for (const shard of ['1', '2']) {
    expect(await run([FASHION, ...make, '--shard', `${shard}/2`, '--out', at(shard)])).toEqual(SILENT)
  }
  const merged = await run(['merge', at('1'), at('2'), '--out', at('aug'), '--json'])
  expect({ ...merged, stdout: events(merged.stdout) }).toEqual({
    code: 0,
    stdout: [{ type: 'done', out: at('aug'), written: 4, shards: 2 }],
    stderr: '',
  })
  expect(await run(['merge', at('1'), at('2'), '--out', at('whole'), '--quiet'])).toEqual(SILENT)
  expect(existsSync(at('whole/labels.csv'))).toBe(true)

  expect(await run(['verify', at('aug'), '--quiet'])).toEqual(SILENT)
  const good = await run(['verify', at('aug'), '--json'])
  expect({ ...good, stdout: events(good.stdout) }).toEqual({
    code: 0,
    stdout: [{ folder: at('aug'), rows: 4, problems: [] }],
    stderr: '',
  })
  appendFileSync(at('aug/images/00000/000000002.jpg'), 'x')
  const problem = expect.stringContaining('000000002.jpg')
  const bad = await run(['verify', at('aug'), '--json'])
  expect({ ...bad, stdout: events(bad.stdout) }).toEqual({
    code: 1,
    stdout: [{ folder: at('aug'), rows: 4, problems: [problem] }],
    stderr: '',
  })
  const quiet = await run(['verify', at('aug'), '--quiet'])
  expect(quiet).toEqual({ code: 1, stdout: '', stderr: problem })
  expect(quiet.stderr.trimEnd().split('\n')).toHaveLength(1)
})

test('what a command was asked for is on stdout, also with --quiet; with --json on one line', async () => {
  const grad = path.join(temporaryFolder(), 'grad.onnx')
  expect(await run(['grad', MODEL, '--out', grad, '--quiet'])).toEqual(SILENT)
  const { stdout } = await run(['grad', MODEL, '--out', grad, '--json'])
  expect(events(stdout)).toEqual([{ out: grad, bytes: expect.any(Number) }])
  const asked = [
    ['inspect', MODEL],
    ['models'],
    ['models', 'list'],
    ['models', 'show', 'cifar10'],
    ['completion', 'bash'],
  ]
  for (const words of asked) {
    const plain = await run(words)
    expect(plain).toMatchObject({ code: 0, stderr: '' })
    expect(await run([...words, '--quiet'])).toEqual(plain)
    const { code, stdout, stderr } = await run([...words, '--json'])
    expect({ code, stderr, values: events(stdout).length }).toEqual({ code: 0, stderr: '', values: 1 })
  }
})

describe.each(['--quiet', '--json'])('with %s every command names what it does not use:', (how) => {
  /** Class folders of four classes, with a cut picture and a file that is none. */
  const odd = () => {
    const folder = temporaryFolder({
      'in/Bag/none.heic': '',
      'in/Bag/cut.png': readFileSync(path.join(FASHION, '000.png')).subarray(0, 90),
      'net.onnx': linearNet.bytes,
      'net.json': linearNet.json,
      'rgb.onnx': linearModel(3, 4),
    })
    const labels = readFileSync(path.join(FASHION, 'labels.csv'), 'utf8').trimEnd().split('\n').slice(1)
    for (const line of labels) {
      const [file, name] = line.split(',') as [string, string]
      if (!['Bag', 'Coat', 'Dress', 'Shirt'].includes(name)) continue
      mkdirSync(path.join(folder, 'in', name), { recursive: true })
      copyFileSync(path.join(FASHION, file), path.join(folder, 'in', name, file))
    }
    return folder
  }
  test.each([
    ['adapt', ['adapt', 'IN', '--model', 'fashion-mnist', '--out', 'DIR/mine.onnx']],
    ['saliency --score', ['saliency', 'IN', '--score', '--model', 'fashion-mnist', '--saliency', 'gradient']],
    ['compare', ['compare', 'IN', '--model', 'fashion-mnist', '--methods', 'mixup']],
    ['inspect --try', ['inspect', 'DIR/rgb.onnx', '--try', 'IN']],
    ['train', ['train', 'IN', '--model', 'DIR/net.onnx', '--out', 'DIR/mine.onnx', '--epochs', '1']],
    [
      'trial',
      [
        'trial',
        'IN',
        '--student',
        'DIR/net.onnx',
        '--methods',
        'mixup',
        '--steps',
        '2',
        '--repetitions',
        '1',
        '--out',
        'DIR/trial.json',
      ],
    ],
  ])('%s', async (_, args) => {
    const folder = odd()
    const given = args.map((arg) => arg.replace('IN', path.join(folder, 'in')).replace('DIR', folder))
    const { code, stdout, stderr } = await run([...given, how])
    expect({ code, stderr: code === 0 ? '' : stderr }).toEqual({ code: 0, stderr: '' })
    const told = how === '--quiet' ? stderr : stdout + stderr
    expect(told).toMatch(/found 1 file that is left out, expected .*\.heic/)
    expect(told).toMatch(/left out: .*cut\.png/)
  })
})
