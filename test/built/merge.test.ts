import {
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'
import { randomStream } from '../../src/core/random.js'
import { run, start } from '../helpers/cli.js'
import { flatPictures } from '../helpers/flatPictures.js'
import { temporaryFolder, tree } from '../helpers/folder.js'

/** The shards of one run, or the whole: `<folder>/1`, `<folder>/2`, ... */
async function shards(
  images: string,
  count: number,
  outputs: number,
  code = 0,
): Promise<{ folder: string; parts: string[] }> {
  const folder = temporaryFolder()
  const parts = Array.from({ length: count }, (_, i) => path.join(folder, `${i + 1}`))
  for (const [i, out] of parts.entries()) {
    const args = [images, '--method', 'mixup', '--count', `${outputs}`, '--write-masks', '--quiet', '--out', out]
    expect((await run([...args, '--shard', `${i + 1}/${count}`])).code).toBe(code)
  }
  return { folder, parts }
}

function edit(file: string, from: string | RegExp, to: string): void {
  const text = readFileSync(file, 'utf8')
  const edited = text.replaceAll(from, to)
  expect(edited).not.toBe(text)
  writeFileSync(file, edited)
}

const TABLES = ['labels.csv', 'metadata.jsonl', 'provenance.jsonl']
const PICTURE = 'images/00000/000000003.jpg'

type Case = readonly [what: string, change: (shard: string, folder: string) => void, expected: RegExp]

const CASES: readonly Case[] = [
  [
    'a name that climbs',
    (shard) => {
      for (const table of TABLES) edit(path.join(shard, table), PICTURE, '../victim.jpg')
    },
    /2\/provenance\.jsonl:1: file_name: expected images\/<number>/,
  ],
  [
    'an absolute name',
    (shard, folder) => {
      for (const table of TABLES) edit(path.join(shard, table), PICTURE, path.join(folder, 'victim.jpg'))
    },
    /2\/provenance\.jsonl:1: file_name: expected images\/<number>/,
  ],
  [
    'a linked picture',
    (shard, folder) => link(path.join(shard, PICTURE), path.join(folder, 'victim.jpg')),
    /2\/images\/00000\/000000003\.jpg: found a link, expected a picture/,
  ],
  [
    'a linked mask',
    (shard, folder) => link(path.join(shard, 'masks/00000/000000003.npy'), path.join(folder, 'victim.jpg')),
    /2\/masks\/00000\/000000003\.npy: found a link, expected a mask/,
  ],
  [
    'a linked folder',
    (shard, folder) => {
      renameSync(path.join(shard, 'images/00000'), path.join(folder, 'elsewhere'))
      symlinkSync(path.join(folder, 'elsewhere'), path.join(shard, 'images/00000'))
    },
    /2\/images\/00000\/000000003\.jpg: found a link, expected a picture/,
  ],
  [
    'a linked table',
    (shard, folder) => link(path.join(shard, 'failures.jsonl'), path.join(folder, 'victim.jpg')),
    /2\/failures\.jsonl: found a link/,
  ],
  [
    'a linked record',
    (shard, folder) => {
      renameSync(path.join(shard, 'run.json'), path.join(folder, 'run.json'))
      symlinkSync(path.join(folder, 'run.json'), path.join(shard, 'run.json'))
    },
    /2\/run\.json: found a link/,
  ],
  [
    'tables short of a row',
    (shard) => {
      for (const table of TABLES) edit(path.join(shard, table), /[^\n]*\n$/g, '')
    },
    /2\/run\.json: found 3 written, expected 2, the number of rows/,
  ],
  [
    'one table short of a row',
    (shard) => edit(path.join(shard, 'labels.csv'), /[^\n]*\n$/g, ''),
    /2\/labels\.csv: found 2 rows, expected 3 as in metadata\.jsonl/,
  ],
  [
    'another picture',
    (shard) => cpSync(path.join(shard, 'images/00000/000000004.jpg'), path.join(shard, PICTURE)),
    /2\/images\/00000\/000000003\.jpg: found SHA-256/,
  ],
  [
    'the rows of another shard',
    (shard, folder) => {
      for (const table of TABLES) cpSync(path.join(folder, '1', table), path.join(shard, table))
      cpSync(path.join(folder, '1/images'), path.join(shard, 'images'), { recursive: true })
    },
    /2\/provenance\.jsonl:1: found output 0, which is not part of this run/,
  ],
  [
    'a source that changed between the shards',
    (shard) => edit(path.join(shard, 'provenance.jsonl'), /("file":"cat\/4\.pgm","sha256":")../g, '$1ff'),
    /was made from another content of cat\/4\.pgm/,
  ],
]

function link(place: string, target: string): void {
  rmSync(place, { force: true })
  symlinkSync(target, place)
}

test('what is wrong with a shard is named before anything is written, and nothing outside is touched', async () => {
  const { folder, parts } = await shards(flatPictures(6), 2, 6)
  const spare = path.join(temporaryFolder(), 'spare')
  cpSync(parts[1]!, spare, { recursive: true })
  const victim = path.join(folder, 'victim.jpg')
  for (const [what, change, expected] of CASES) {
    rmSync(parts[1]!, { recursive: true })
    cpSync(spare, parts[1]!, { recursive: true })
    writeFileSync(victim, 'mine')
    change(parts[1]!, folder)
    const merged = await run(['merge', ...parts, '--out', path.join(folder, 'all')])
    expect(merged, what).toMatchObject({ code: 6, stderr: expect.stringMatching(expected) })
    expect(existsSync(path.join(folder, 'all')), what).toBe(false)
    expect(readFileSync(victim, 'utf8'), what).toBe('mine')
  }
})

test('a merge writes through no link that it finds in its folder', async () => {
  const { folder, parts } = await shards(flatPictures(6), 2, 6)
  const out = path.join(folder, 'all')
  expect((await run(['merge', ...parts, '--out', out])).code).toBe(0)
  const away = path.join(folder, 'away')
  mkdirSync(away)
  renameSync(path.join(out, 'images/00000'), path.join(away, '00000'))
  symlinkSync(path.join(away, '00000'), path.join(out, 'images/00000'))
  const before = tree(away)
  expect(await run(['merge', ...parts, '--out', out])).toMatchObject({
    code: 6,
    stderr: expect.stringMatching(/images\/00000\S*: (found a link|not there)/),
  })
  expect(tree(away)).toEqual(before)
})

test('more shards than outputs: the empty ones are shards like others', async () => {
  const images = flatPictures(4)
  const { folder, parts } = await shards(images, 7, 4)
  const whole = await shards(images, 1, 4)
  for (const part of parts) expect(await run(['verify', part])).toMatchObject({ code: 0 })
  const all = path.join(folder, 'all')
  expect(await run(['merge', ...parts, '--out', all])).toMatchObject({ code: 0 })
  expect(tree(all)).toEqual(tree(whole.parts[0]!))
  expect(await run(['verify', all])).toMatchObject({ code: 0, stderr: `${all}: 4 pictures, all right\n` })
})

test('shards of which all outputs failed are merged and verified', async () => {
  const images = temporaryFolder({ 'cat/a.pgm': 'P5 16 16 255\n', 'cat/b.pgm': 'P5 16 16 255\n' })
  const { folder, parts } = await shards(images, 2, 2, 3)
  const all = path.join(folder, 'all')
  expect(await run(['merge', ...parts, '--out', all])).toMatchObject({ code: 0 })
  for (const made of [...parts, all]) expect(await run(['verify', made])).toMatchObject({ code: 0 })
  expect(readFileSync(path.join(all, 'failures.jsonl'), 'utf8').trimEnd().split('\n')).toHaveLength(2)
})

for (const layout of ['webdataset', 'parquet']) {
  test(`the ${layout} shards of a merge are those of its parts, also after kills and where pictures failed`, async () => {
    // Every mix with the broken picture fails, so that no file of a part has a thousand samples.
    const images = flatPictures(12)
    writeFileSync(path.join(images, 'cat/0.pgm'), 'P5 16 16 255\n')
    const folder = temporaryFolder()
    const at = (name: string) => path.join(folder, name)
    const args = [images, '--method', 'mixup', '--count', '3300', '--quiet', '--layout', layout]
    expect((await run([...args, '--out', at('whole')])).code).toBe(3)
    for (const i of [1, 2, 3]) expect((await run([...args, '--out', at(`${i}`), '--shard', `${i}/3`])).code).toBe(3)
    const merge = ['merge', at('1'), at('2'), at('3'), '--out', at('all'), '--quiet']
    const random = randomStream(7, 0)
    const began = performance.now()
    expect(await start(merge).ended).toMatchObject({ code: 0 })
    const duration = performance.now() - began
    rmSync(at('all'), { recursive: true })
    for (let kill = 0; kill < 5; kill++) {
      const { child, ended } = start(merge)
      const timer = setTimeout(() => child.kill('SIGKILL'), (0.2 + 0.8 * random.uniform()) * duration)
      await ended
      clearTimeout(timer)
    }
    expect(await run(merge)).toMatchObject({ code: 0, stderr: '' })
    expect(tree(at('all'))).toEqual(tree(at('whole')))
    const files = (name: string) =>
      readdirSync(path.join(at(name), layout))
        .filter((file) => /^\d/.test(file))
        .map((file) => statSync(path.join(at(name), layout, file)).ino)
    expect(files('all')).toHaveLength(4)
    expect(files('all')).toEqual(['1', '2', '3'].flatMap(files))
    expect(await run(['verify', at('all')])).toMatchObject({ code: 0 })
  }, 300_000)
}

test.each([
  ['webdataset', '"soft_label": [0.'],
  ['parquet', '"names":["ca'],
])(
  'a %s shard whose pictures are right, but not what it says of them, is not linked into the whole',
  async (layout, said) => {
    const images = flatPictures(4)
    const folder = temporaryFolder()
    const at = (name: string) => path.join(folder, name)
    const make = [images, '--method', 'mixup', '--count', '1100', '--layout', layout, '--quiet']
    for (const shard of ['1', '2'])
      expect((await run([...make, '--shard', `${shard}/2`, '--out', at(shard)])).code).toBe(0)
    const [name] = readdirSync(at(`2/${layout}`)).filter((file) => /\.(tar|parquet)$/.test(file))
    const file = at(`2/${layout}/${name}`)
    const bytes = readFileSync(file)
    const place = bytes.indexOf(said)
    expect(place).toBeGreaterThan(0)
    bytes[place + said.length]! ^= 1
    writeFileSync(file, bytes)
    const { code, stderr } = await run(['merge', at('1'), at('2'), '--out', at('whole')])
    expect({ code, stderr }).toMatchObject({ code: 6, stderr: expect.stringContaining(`${layout}/${name}`) })
    expect(existsSync(at('whole'))).toBe(false)
  },
)
