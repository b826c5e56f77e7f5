import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'
import { run } from '../helpers/cli.js'
import { temporaryFolder, tree } from '../helpers/folder.js'
import { readPicture } from '../helpers/pictures.js'
import { encodeTiff } from '../helpers/tiff.js'

const odd = (name: string) => readFileSync(`fixtures/broken/odd/${name}`)
const [WIDTH, HEIGHT] = [24, 20]
const PIXELS = Array.from({ length: WIDTH * HEIGHT }, (_, i) => i)

/** Grey with values from `low` to `high` in 16 bits. */
function deep(low: number, high: number): Buffer {
  const values = PIXELS.map((i) => Math.round(low + (i * (high - low)) / (PIXELS.length - 1)))
  return encodeTiff([values], { width: WIDTH, height: HEIGHT, bits: 16, photometric: 1 })
}

const XRAYS = {
  'a/1.tif': deep(0, 4095),
  'a/2.tif': deep(200, 1000),
  'b/1.tif': deep(10, 3000),
  'b/2.png': odd('plain.png'),
}
const PLAIN = ['--method', 'mixup', '--include-originals', '--format', 'png', '--size', `${WIDTH}x${HEIGHT}`]
const recordOf = (out: string) => JSON.parse(readFileSync(path.join(out, 'run.json'), 'utf8'))
const provenanceOf = (out: string) =>
  readFileSync(path.join(out, 'provenance.jsonl'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))

/** The unmixed outputs' red values by their source. */
async function originals(out: string): Promise<Map<string, number[]>> {
  const rows = provenanceOf(out).filter(({ method }) => method === 'original')
  const pictures = rows.map(async ({ file_name, sources }): Promise<[string, number[]]> => {
    const { data } = await readPicture(path.join(out, file_name))
    return [sources[0].file, [...data].filter((_, i) => i % 3 === 0)]
  })
  return new Map(await Promise.all(pictures))
}

test('12 bits in 16 are told once, counted, and spread over all grey levels by --range', async () => {
  const folder = temporaryFolder({ ...XRAYS })
  const at = (name: string) => path.join(temporaryFolder(), name)
  const full = await run([folder, '--out', at('full'), ...PLAIN])
  expect(full.code).toBe(0)
  expect(full.stderr.match(/levels? of 256 are left/g)).toHaveLength(1)
  expect(full.stderr).toContain('3 nearly of one grey level, with values 0 to 4095 (--range auto spreads them)')
  const auto = at('auto')
  expect(await run([folder, '--out', auto, ...PLAIN, '--range', 'auto'])).toMatchObject({ code: 0 })
  expect(recordOf(auto).pictures).toMatchObject({ depth: 3, narrow: 0, turned: 0 })
  for (const [file, values] of await originals(auto)) {
    if (file.endsWith('.tif')) expect([Math.min(...values), Math.max(...values)]).toEqual([0, 255])
  }
  const dataset = at('dataset')
  expect(await run([folder, '--out', dataset, ...PLAIN, '--range', 'dataset'])).toMatchObject({
    code: 0,
    stderr: expect.stringContaining('--range dataset: 0:4095'),
  })
  expect(recordOf(dataset).options.range).toBe('0:4095')
  const level = (value: number) => Math.round((value * 255) / 4095)
  const found = (await originals(dataset)).get('a/2.tif')!
  expect([Math.min(...found), Math.max(...found)]).toEqual([level(200), level(1000)])
  const given = at('given')
  expect(await run([folder, '--out', given, ...PLAIN, '--range', '0:4095'])).toMatchObject({ code: 0 })
  expect(tree(given)).toEqual(tree(dataset))
  expect(await run([folder, '--out', given, ...PLAIN])).toMatchObject({
    code: 6,
    stderr: expect.stringContaining('options.range "0:4095", now asked for "full"'),
  })
})

test('classes of which no picture could be used are named at the end', async () => {
  const damaged = { 'c/1.png': '', 'd/1.jpg': 'no picture', 'b/3.png': '' }
  const folder = temporaryFolder({
    'a/1.png': odd('plain.png'),
    'a/2.png': odd('plain.png'),
    'b/1.png': odd('plain.png'),
  })
  for (const [name, text] of Object.entries(damaged)) {
    mkdirSync(path.dirname(path.join(folder, name)), { recursive: true })
    writeFileSync(path.join(folder, name), text)
  }
  const out = path.join(temporaryFolder(), 'aug')
  expect(await run([folder, '--out', out, ...PLAIN])).toMatchObject({
    code: 3,
    stderr: expect.stringContaining(
      '2 classes are in no output, as pictures could not be used: "c", "d" (failures.jsonl)',
    ),
  })
})

test('--range takes no range that is none', async () => {
  for (const range of ['9:9', '10:5', '0:65536', '-1:5', 'half', '1:2:3']) {
    const message = '--range: expected full, auto, dataset or <low>:<high>'
    expect(await run(['x', `--range=${range}`])).toMatchObject({ code: 2, stderr: expect.stringContaining(message) })
  }
})

test('run.json counts each picture once that plain loaders read otherwise, also after merging', async () => {
  const folder = temporaryFolder({
    'a/exif.jpg': odd('exif-6.jpg'),
    'a/cmyk.jpg': odd('cmyk.jpg'),
    'a/wide.png': odd('wide-gamut.png'),
    'b/alpha.png': odd('alpha.png'),
    'b/deep.png': odd('rgb16.png'),
    'b/plain.png': odd('plain.png'),
  })
  const out = path.join(temporaryFolder(), 'aug')
  const shards = ['1', '2'].map((i) => `${out}-${i}`)
  const args = [folder, '--method', 'mixup', '--epochs', '3']
  const whole = await run([...args, '--out', out])
  expect(whole.stderr).toContain('1 turned by EXIF, 2 converted to sRGB')
  expect(whole.stderr.match(/pictures that plain loaders read differently/g)).toHaveLength(1)
  const expected = { turned: 1, profile: 2, alpha: 1, depth: 1, bands: 0, narrow: 0 }
  expect(recordOf(out).pictures).toEqual(expected)
  for (const [i, shard] of shards.entries()) await run([...args, '--out', shard, '--shard', `${i + 1}/2`, '--quiet'])
  expect(await run(['merge', ...shards, '--out', `${out}-merged`])).toMatchObject({ code: 0 })
  expect(recordOf(`${out}-merged`).pictures).toEqual(expected)
})

test('nothing is said of pictures that every loader reads alike', async () => {
  const folder = temporaryFolder({ 'a/1.png': odd('plain.png'), 'b/1.bmp': odd('grey.bmp') })
  const out = path.join(temporaryFolder(), 'aug')
  expect((await run([folder, '--out', out, '--method', 'mixup'])).stderr).not.toContain('plain loaders')
  expect(provenanceOf(out).flatMap(({ sources }) => sources.filter((source: object) => 'read' in source))).toEqual([])
})

test('what is left out of class folders is told before anything is written, and fatal with --strict', async () => {
  const heic = Buffer.from('\0\0\0\x18ftypheic\0\0\0\0mif1heic', 'latin1')
  const folder = temporaryFolder({ 'a/1': odd('plain.jpg'), 'a/2.heic': heic, 'b/1.bmp': odd('grey.bmp') })
  const out = path.join(temporaryFolder(), 'aug')
  const args = [folder, '--out', out, '--method', 'mixup']
  const told = expect.stringContaining('found 1 file that is left out, expected a JPEG')
  expect(await run([...args, '--dry-run'])).toMatchObject({ code: 0, stderr: told })
  expect(await run([...args, '--strict'])).toMatchObject({ code: 1, stderr: told })
  expect(await run(args)).toMatchObject({ code: 0, stderr: told })
  const lost = temporaryFolder({ 'a/1': odd('plain.jpg'), 'b/2.heic': heic })
  expect(await run([lost, '--out', `${out}-2`])).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('b: found no picture but 1 .heic'),
  })
})

test('bands that are no picture cost the outputs that need them and no others', async () => {
  const bands = [0, 1, 2, 3].map((band) => PIXELS.map((i) => (3 * i + 40 * band) % 256))
  const four = encodeTiff(bands, { width: WIDTH, height: HEIGHT, bits: 8, photometric: 1 })
  const folder = temporaryFolder({
    'a/1.png': odd('plain.png'),
    'a/2.png': odd('grey.png'),
    'b/4.tif': four,
    'b/1.png': odd('plain.png'),
  })
  const out = path.join(temporaryFolder(), 'aug')
  const message = 'b/4.tif: found 4 bands, expected grey or RGB, with alpha or not'
  expect(await run([folder, '--out', out, '--method', 'mixup'])).toMatchObject({
    code: 3,
    stderr: expect.stringContaining(message),
  })
  expect(recordOf(out).counts).toEqual({ planned: 4, written: 2, skipped: 2 })
})

test('a band that is no alpha is left out, and that is told once', async () => {
  const bands = [0, 1, 2, 3].map((band) => PIXELS.map((i) => (3 * i + 40 * band) % 256))
  const infrared = encodeTiff(bands, { width: WIDTH, height: HEIGHT, bits: 8, photometric: 2, extraSamples: [0] })
  const folder = temporaryFolder({ 'a/1.tif': infrared, 'a/2.tif': infrared, 'b/3.tif': infrared })
  const out = path.join(temporaryFolder(), 'aug')
  const { stderr } = await run([folder, '--out', out, '--method', 'mixup', '--include-originals', '--format', 'png'])
  expect(stderr.match(/left out 1 band/g)).toHaveLength(1)
  expect(stderr).toContain('neither colour nor alpha; such bands of other pictures are left out, too')
  expect(recordOf(out).pictures).toMatchObject({ bands: 3, alpha: 0 })
  for (const values of (await originals(out)).values()) expect(values).toEqual(bands[0])
})
