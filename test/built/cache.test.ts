import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'
import { FASHION, run } from '../helpers/cli.js'
import { temporaryFolder, tree } from '../helpers/folder.js'

test('a run that finds all maps in the cache makes the same data set, and so does one that finds damaged ones', async () => {
  const folder = temporaryFolder()
  const cache = path.join(folder, 'cache')
  const make = async (name: string, ...more: string[]) => {
    const out = path.join(folder, name)
    const { code, stderr } = await run([FASHION, '--out', out, '--count', '20', ...more])
    expect(code).toBe(0)
    return { dataset: tree(out), told: /--cache .*: (.*)/.exec(stderr)?.[1] }
  }
  const without = await make('without')
  const first = await make('first', '--cache', cache)
  const second = await make('second', '--cache', cache, '--jobs', '3')
  expect(without.told).toBeUndefined()
  expect(first.told).toMatch(/^0 of \d+ saliency maps found$/)
  expect(second.told).toMatch(/^(\d+) of \1 saliency maps found$/)
  const pack = (readdirSync(cache, { recursive: true }) as string[]).find((name) => name.endsWith('.maps'))!
  const bytes = readFileSync(path.join(cache, pack))
  bytes[bytes.length - 5]! ^= 16
  writeFileSync(path.join(cache, pack), bytes)
  const third = await make('third', '--cache', cache)
  expect(third.told).toMatch(/; 1 damaged, made again$/)
  for (const { dataset } of [first, second, third]) expect(dataset).toEqual(without.dataset)

  const compared = await run(['compare', FASHION, '--count', '20', '--methods', 'sage', '--cache', cache])
  expect(compared.stderr).toMatch(/(\d+) of \1 saliency maps found\n/)
  const drawn = await run(['saliency', FASHION, '--out', path.join(folder, 'maps'), '--cache', cache])
  expect(drawn).toMatchObject({ code: 0, stderr: expect.stringMatching(/2\d of 3\d\d saliency maps found/) })
})

test('a cache among the classes is none of them, and a file is refused before anything is written', async () => {
  const folder = temporaryFolder({ file: '' })
  const at = (name: string) => path.join(folder, name)
  for (const [i, name] of ['a', 'a', 'b', 'b'].entries()) {
    mkdirSync(at(`pets/${name}`), { recursive: true })
    copyFileSync(path.join(FASHION, `00${i}.png`), at(`pets/${name}/${i}.png`))
  }
  const make = (out: string, cache: string) =>
    run([
      ...[at('pets'), '--model', 'fashion-mnist', '--target', 'predicted'],
      ...['--out', at(out), '--count', '2', '--cache', at(cache)],
    ])
  expect(await make('no', 'file')).toMatchObject({
    code: 2,
    stderr: expect.stringContaining(`--cache ${at('file')}: found a file, expected a folder`),
  })
  expect(existsSync(at('no'))).toBe(false)
  for (const out of ['one', 'two']) {
    const { code, stderr } = await make(out, 'pets/cache')
    expect({ code, stderr }).toMatchObject({ code: 0, stderr: expect.stringContaining('4 pictures of 2 classes') })
    expect(stderr).not.toContain('left out')
  }
})

test.skipIf(process.platform !== 'linux')('a cache where no folder can be made is told, and the run ends', async () => {
  const folder = temporaryFolder()
  for (const name of ['a', 'b']) {
    mkdirSync(path.join(folder, 'pets', name), { recursive: true })
    copyFileSync(path.join(FASHION, '000.png'), path.join(folder, 'pets', name, '0.png'))
  }
  const args = [path.join(folder, 'pets'), '--model', 'fashion-mnist', '--out', path.join(folder, 'aug')]
  const { code, stderr } = await run([...args, '--cache', '/proc/none'])
  expect({ code, stderr }).toEqual({
    code: 0,
    stderr: expect.stringContaining('new ones not kept: /proc/none: cannot'),
  })
})
