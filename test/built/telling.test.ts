/** --json and --quiet: results go to stdout, what is for people to stderr. */
import { appendFileSync, existsSync } from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'
import { type Command, commands } from '../../src/options/commands.js'
import { FASHION, ROOT, run } from '../helpers/cli.js'
import { temporaryFolder } from '../helpers/folder.js'

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
