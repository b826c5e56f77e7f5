/** What a shard looks at before its first picture, and what a finished one looks at when its command is repeated. */
import { copyFileSync, mkdirSync, readdirSync, readFileSync, utimesSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect, test } from 'vitest'
import { FASHION, run, spawned } from '../helpers/cli.js'
import { temporaryFolder, tree } from '../helpers/folder.js'

const COUNT = 600

/** Two class folders of small pictures that have lain there for an hour. */
function pets(): { folder: string; images: string; out: (name: string) => string } {
  const folder = temporaryFolder()
  const images = path.join(folder, 'pets')
  const pictures = (readdirSync(FASHION, { recursive: true }) as string[])
    .filter((file) => file.endsWith('.png'))
    .sort()
  for (let i = 0; i < COUNT; i++) {
    const file = path.join(images, i % 2 === 0 ? 'cat' : 'dog', `${i}.png`)
    mkdirSync(path.dirname(file), { recursive: true })
    copyFileSync(path.join(FASHION, pictures[i % pictures.length]!), file)
  }
  return { folder, images, out: (name) => path.join(folder, name) }
}

/** Longer than what a time stamp may hide. */
const settle = () => new Promise((resolve) => setTimeout(resolve, 2200))

const RUN = ['--method', 'mixup', '--quiet']

/** The pictures below `images` that a run of the program asks the system for, by a hook around the calls of node:fs. */
async function lookedAt(folder: string, images: string, args: readonly string[]): Promise<Set<string>> {
  const [hook, log] = [path.join(folder, 'hook.mjs'), path.join(folder, 'looked.txt')]
  writeFileSync(
    hook,
    `import fs from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
const seen = new Set()
for (const home of [fs, fs.promises])
  for (const name of ['stat', 'statSync', 'lstat', 'lstatSync', 'open', 'openSync', 'readFile', 'readFileSync', 'access']) {
    const own = home[name]
    if (own) home[name] = (file, ...more) => (seen.add(String(file)), own.call(home, file, ...more))
  }
syncBuiltinESMExports()
const write = fs.writeFileSync
process.on('exit', () => write(${JSON.stringify(log)}, [...seen].join('\\n')))`,
  )
  const { code, stderr } = await spawned(args, { NODE_OPTIONS: `--import ${pathToFileURL(hook)}` })
  expect([code, stderr]).toEqual([0, ''])
  const files = readFileSync(log, 'utf8').split('\n')
  return new Set(files.filter((file) => file.startsWith(images) && file.endsWith('.png')))
}

function sourcesOf(out: string): Set<string> {
  const rows = readFileSync(path.join(out, 'provenance.jsonl'), 'utf8').trimEnd().split('\n')
  return new Set(rows.flatMap((row) => JSON.parse(row).sources.map(({ file }: { file: string }) => file)))
}

test('a shard looks at the pictures that it is made of, and at no others', async () => {
  const { folder, images, out } = pets()
  const looked = await lookedAt(folder, images, [images, ...RUN, '--shard', '1/20', '--out', out('a')])
  const sources = sourcesOf(out('a'))
  expect(sources.size).toBeLessThan(COUNT / 5)
  expect([...looked].sort()).toEqual([...sources].map((file) => path.join(images, file)).sort())
  const list = readFileSync(path.join(out('a'), '.sage/inputs.tsv'), 'utf8')
    .trimEnd()
    .split('\n')
    .slice(1)
  expect(list.map((line) => JSON.parse(line.split('\t')[0]!))).toEqual([...sources].sort())
})

test('shards merge into the run in one piece, and it knows the whole again', async () => {
  const { images, out } = pets()
  const args = [images, ...RUN, '--count', '700', '--include-originals']
  const parts = ['1', '2', '3'].map((i) => out(i))
  for (const [i, part] of parts.entries())
    expect((await run([...args, '--shard', `${i + 1}/3`, '--out', part])).code).toBe(0)
  expect((await run(['merge', ...parts, '--out', out('merged'), '--quiet'])).code).toBe(0)
  expect((await run([...args, '--out', out('whole')])).code).toBe(0)
  expect(tree(out('merged'))).toEqual(tree(out('whole')))
  const identity = (name: string) => {
    const { inputs, used } = JSON.parse(readFileSync(path.join(out(name), 'run.json'), 'utf8'))
    return { inputs, used }
  }
  expect(identity('merged')).toEqual(identity('whole'))
  expect(identity('1').inputs).toEqual(identity('whole').inputs)
})

test('shards that saw another size of a picture are not merged, and it is named', async () => {
  const { images, out } = pets()
  const args = (i: number) => [images, ...RUN, '--shard', `${i}/2`, '--out', out(`${i}`)]
  for (const i of [1, 2]) expect((await run(args(i))).code).toBe(0)
  const file = [...sourcesOf(out('1'))].find((name) => sourcesOf(out('2')).has(name))!
  writeFileSync(
    path.join(images, file),
    readFileSync(path.join(images, file === 'cat/0.png' ? 'dog/1.png' : 'cat/0.png')),
  )
  expect((await run([...args(2), '--overwrite'])).code).toBe(0)
  expect(await run(['merge', out('1'), out('2'), '--out', out('all')])).toMatchObject({
    code: 6,
    stderr: expect.stringMatching(new RegExp(`2: "${file}" was \\d+ bytes, label \\d, in .*1 \\d+ bytes, label \\d`)),
  })
})

test('a finished shard knows itself by its own pictures, and reads the folders again once anything is touched', async () => {
  const { folder, images, out } = pets()
  const args = [images, ...RUN, '--shard', '1/20', '--out', out('a')]
  await settle()
  expect((await run(args)).code).toBe(0)
  const before = tree(out('a'))
  const quick = /complete already; nothing that it is made from has been touched since/
  const told = async (...more: string[]) => {
    const { code, stdout } = await run([...args, '--json', ...more])
    expect(code).toBe(0)
    return stdout
  }
  expect(await told('--jobs', '1')).not.toMatch(quick)
  expect(await told()).toMatch(quick)
  expect(tree(out('a'))).toEqual(before)
  const looked = await lookedAt(folder, images, [...args, '--json'])
  expect(looked.size).toBe(sourcesOf(out('a')).size)

  const [file] = [...sourcesOf(out('a'))]
  const picture = path.join(images, file!)
  // The same content again: the folders are read, and nothing has changed.
  writeFileSync(picture, readFileSync(picture))
  expect(await told()).not.toMatch(quick)
  // Another content of the same size and time.
  const bytes = readFileSync(picture)
  bytes[bytes.length - 20]! ^= 1
  writeFileSync(picture, bytes)
  utimesSync(picture, 1, 1)
  expect(await run([...args, '--json'])).toMatchObject({ code: 6, stderr: expect.stringContaining(file!) })
  // A picture more: another plan.
  bytes[bytes.length - 20]! ^= 1
  writeFileSync(picture, bytes)
  copyFileSync(picture, path.join(images, 'cat/more.png'))
  expect(await run([...args, '--json'])).toMatchObject({ code: 6, stderr: expect.stringContaining('601') })
}, 120_000)
