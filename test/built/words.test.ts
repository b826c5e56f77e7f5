import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'
import { FASHION, run } from '../helpers/cli.js'
import { temporaryFolder } from '../helpers/folder.js'
import { needing } from '../helpers/needing.js'

/** Names of all commands, from the list in --help. */
const commandsOf = (help: string) =>
  [.../\nCommands:\n([\s\S]*?)\n\n/.exec(help)![1]!.matchAll(/^ {2}(\w+)/gm)].map((m) => m[1]!)

test('the help of every command fits a screen and has an example; --help-all has the rest', async () => {
  const { stdout: main } = await run(['--help'])
  const commands = commandsOf(main)
  expect(commands).toEqual(expect.arrayContaining(['saliency', 'grad', 'inspect', 'verify', 'merge', 'doctor']))
  const helps = await Promise.all(commands.map((name) => run([name, '--help'])))
  for (const text of [main, ...helps.map(({ stdout }) => stdout)]) {
    const lines = text.trimEnd().split('\n')
    expect({ text, lines: lines.length <= 40, columns: lines.every((line) => line.length <= 80) }).toEqual({
      text,
      lines: true,
      columns: true,
    })
    expect(text).toMatch(/^Examples?:\n {2}\S/m)
  }
  const { code, stdout: all } = await run(['--help-all'])
  expect(code).toBe(0)
  for (const flag of ['--blur-sigma', '--quality', '--upper-lambda']) {
    expect(main).not.toContain(flag)
    expect(all).toContain(flag)
  }
})

/** Defaults as the interface has them, by command and flag. */
const DEFAULTS: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  augment: {
    '--out': 'aug',
    '--labels': 'found, else folders',
    '--count': 'one per picture and epoch',
    '--epochs': '1',
    '--pairing': 'any',
    '--seed': '0',
    '--size': "the sample's own size",
    '--format': 'jpeg',
    '--quality': '95',
    '--labels-format': 'csv',
    '--layout': 'flat',
    '--method': 'sage',
    '--shift': 'exact',
    '--shift-step': 'one cell of the maps',
    '--saliency': 'auto',
    '--layer': 'chosen',
    '--grid': 'at most 32 a side',
    '--blur-sigma': '1, or a 32nd of the longer side',
    '--blur-kernel': '2 sigma to each side',
    '--loss': 'ce',
    '--target': 'auto',
    '--channel-norm': 'mean',
    '--model': 'auto',
    '--mean': "the model's .json",
    '--std': "the model's .json",
    '--input-layout': "the model's .json",
    '--color-order': "the model's .json",
    '--input-size': "the model's .json",
    '--device': 'auto',
    '--jobs': 'all cores it may use',
    '--batch': 'what fits',
    '--max-pixels': '268402689',
  },
  saliency: { '--out': 'maps', '--seed': '0', '--device': 'auto', '--target': 'auto' },
  compare: { '--out': 'figure.png', '--count': '200', '--methods': 'all', '--pairing': 'any' },
  grad: { '--loss': 'ce', '--wrt': 'the first', '--output': 'found' },
  doctor: { '--out': 'aug', '--device': 'auto' },
}

/** The default that a help text gives each option. */
function defaultsOf(help: string): Record<string, string> {
  const options = help.split(/\n(?= {2}(?:-\w, )?--)/).map((part) => part.split('\n\n')[0]!.replace(/\s+/g, ' '))
  const found = options.flatMap((text) => {
    const [, flag, value] = /^ (--[a-z-]+) .*\((?:[^()]*; )?default: ([^()]+)\)/.exec(text) ?? []
    return flag === undefined ? [] : [[flag, value!]]
  })
  return Object.fromEntries(found)
}

test('the defaults that --help-all prints are those of the interface', async () => {
  for (const [command, defaults] of Object.entries(DEFAULTS)) {
    const { stdout } = await run([command, ['grad', 'doctor'].includes(command) ? '--help' : '--help-all'])
    expect(defaultsOf(stdout)).toMatchObject(defaults)
  }
})

test('a word misspelt is answered with the one that was meant', async () => {
  const cases: [string[], RegExp][] = [
    [['docter'], /^docter: found neither a folder nor a command.*\n {2}hint: did you mean sage-augment doctor\?$/m],
    [['verfy', 'aug'], /did you mean sage-augment verify\?/],
    [['saliency', FASHION, '--smoth', '3'], /Did you mean --smooth\?/],
    [[FASHION, '--method', 'puzlemix'], /got "puzlemix"; did you mean puzzlemix\?$/m],
    [[FASHION, '--device', 'gpu'], /^--device: expected auto, cuda, webgpu or cpu, got "gpu"$/m],
    [['completion', 'tcsh'], /expected bash, zsh or fish$/m],
  ]
  const out = path.join(temporaryFolder(), 'aug')
  for (const [args, expected] of cases) {
    const { code, stderr } = await run(args[0] === FASHION ? [...args, '--out', out] : args)
    expect({ args, code }).toEqual({ args, code: 2 })
    expect(stderr).toMatch(expected)
  }
})

test('a configuration file gives the options, relative to itself; the command line wins', async () => {
  const config = { images: FASHION, out: 'aug', method: 'cutmix', count: 3, seed: 5, parameters: { mixupAlpha: 0.5 } }
  const folder = temporaryFolder({
    'here/sage-augment.json': JSON.stringify({ $schema: './sage-augment.schema.json', ...config }),
    'wrong.json': JSON.stringify({ sead: 1, quality: 0, method: 'cutmic', jobs: 1 }),
  })
  const file = path.join(folder, 'here/sage-augment.json')
  expect(await run(['--config', file, '--count', '4', '--quiet'])).toMatchObject({ code: 0, stderr: '' })
  const { options, counts } = JSON.parse(readFileSync(path.join(folder, 'here/aug/run.json'), 'utf8'))
  expect({ options, counts }).toMatchObject({
    options: { method: 'cutmix', seed: 5, count: 4, parameters: { mixupAlpha: 0.5 } },
    counts: { written: 4 },
  })
  const wrong = path.join(folder, 'wrong.json')
  const { code, stderr } = await run([FASHION, '--config', wrong])
  expect(code).toBe(2)
  for (const problem of [
    'sead: unknown option; did you mean seed?',
    'quality: expected a whole number between 1 and 100, got 0',
    'got "cutmic"; did you mean cutmix?',
  ]) {
    expect(stderr).toContain(problem)
  }
  expect(stderr.split(`${wrong}: `)).toHaveLength(4)
  expect(await run(['--config', path.join(folder, 'none.json')])).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/none\.json: no such file or folder, expected a JSON object of options\n {2}hint: /),
  })
})

/** What `shell` offers after these words, the last of which is being typed. */
function completed(script: string, words: readonly string[]): string[] {
  const list = words.map((word) => `'${word}'`).join(' ')
  const lines = [
    `COMP_WORDS=(sage-augment ${list})`,
    `COMP_CWORD=${words.length}`,
    '_sage_augment',
    `echo "\${COMPREPLY[@]}"`,
  ]
  const out = execFileSync('bash', ['-c', `${script}\n${lines.join('\n')}`], { encoding: 'utf8' })
  return out.trim().split(' ').filter(Boolean)
}

needing('bash', process.platform !== 'win32')('bash completes commands, options and their values', async () => {
  const { code, stdout } = await run(['completion', 'bash'])
  expect(code).toBe(0)
  expect(completed(stdout, ['do'])).toEqual(['doctor'])
  expect(completed(stdout, ['pets', '--blur-'])).toEqual(['--blur-sigma', '--blur-kernel'])
  expect(completed(stdout, ['pets', '--device', 'c'])).toEqual(['cuda', 'cpu'])
  expect(completed(stdout, ['saliency', 'pets', '--times'])).toEqual(['--times-input'])
  expect(completed(stdout, ['saliency', '--raw', 'n'])).toEqual(['npy'])
  expect(completed(stdout, ['saliency', '--method', ''])).not.toContain('cutmix')
  expect(completed(stdout, ['pets', '--method', 'puz'])).toEqual(['puzzlemix'])
  expect(completed(stdout, ['models', 'pull', '--mi'])).toEqual(['--mirror'])
  // A file name: left to bash.
  expect(completed(stdout, ['pets', '--labels', ''])).toEqual([])
})

const available = (shell: string) => {
  try {
    execFileSync(shell, ['-c', 'true'])
    return true
  } catch {
    return false
  }
}

test.each(['zsh', 'fish'])('%s takes its script', async (shell) => {
  const { code, stdout } = await run(['completion', shell])
  expect(code).toBe(0)
  expect(stdout).toMatch(/doctor/)
  if (!available(shell)) return
  const file = path.join(temporaryFolder({ script: stdout }), 'script')
  execFileSync(shell, ['-n', file])
  if (shell !== 'fish') return
  const offered = execFileSync('fish', ['-c', `source ${file}; complete -C 'sage-augment saliency --raw n'`], {
    encoding: 'utf8',
  })
  expect(offered.trim()).toBe('npy')
})
