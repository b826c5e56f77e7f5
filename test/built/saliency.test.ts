import { cpSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'
import { FASHION, ROOT, run } from '../helpers/cli.js'
import { temporaryFolder, tree } from '../helpers/folder.js'
import { readPicture } from '../helpers/pictures.js'

const PHOTOS = path.join(ROOT, 'fixtures/photos')
const NAMES = readdirSync(PHOTOS).filter((name) => name.endsWith('.jpg'))

/** The floats of a .npy file (version 1.0, float32). */
function npy(file: string): Float32Array {
  const bytes = readFileSync(file)
  return new Float32Array(new Uint8Array(bytes.subarray(10 + bytes.readUInt16LE(8))).buffer)
}
/** Equal but for the rounding of float32 sums, whose order onnxruntime chooses by the size of a batch. */
function expectClose(found: Float32Array, expected: (i: number) => number): void {
  const worst = found.reduce((most, value, i) => Math.max(most, Math.abs(value / expected(i) - 1)), 0)
  expect(worst).toBeLessThan(1e-5)
}
const sum = (map: Float32Array) => map.reduce((total, value) => total + value, 0)

test.each([
  ['its own prediction', PHOTOS, NAMES, '32x32'],
  ['the labels', FASHION, ['000.png', '001.png', '002.png'], '28x28'],
])(
  'maps of %s are those that the mixing uses: unshifted, its mask is the first over the sum of both',
  async (kind, images, names, size) => {
    const pairs = names.map((name, i) => ({ a: name, b: names[(i + 1) % names.length], alpha: 0.5, shift: [0, 0] }))
    const folder = temporaryFolder({ 'pairs.json': JSON.stringify({ images, pairs }) })
    const [maps, aug] = [path.join(folder, 'maps'), path.join(folder, 'aug')]
    const common = ['--size', size, '--blur-sigma', '0.8', '--loss', 'bce', '--device', 'cpu']
    expect(await run(['saliency', images, '--out', maps, '--raw', 'npy', ...common])).toMatchObject({
      code: 0,
      stderr: expect.stringContaining(`saliency explains ${kind}`),
    })
    const mix = ['--pairs', path.join(folder, 'pairs.json'), '--out', aug, '--write-masks', ...common]
    expect(await run(mix)).toMatchObject({ code: 0 })
    for (const [i, { a, b }] of pairs.entries()) {
      const mask = npy(path.join(aug, 'masks/00000', `${String(i).padStart(9, '0')}.npy`))
      const [first, second] = [npy(path.join(maps, 'maps', `${a}.npy`)), npy(path.join(maps, 'maps', `${b}.npy`))]
      expectClose(mask, (pixel) => first[pixel]! / (first[pixel]! + second[pixel]!))
      expect(sum(first)).toBeCloseTo(1, 5)
    }
  },
)

test('every picture gets an overlay of its own size; 16-bit PNGs hold the same maps as .npy', async () => {
  const folder = temporaryFolder()
  const [a, b] = [path.join(folder, 'a'), path.join(folder, 'b')]
  const args = ['saliency', PHOTOS, '--target', 'predicted', '--device', 'cpu']
  expect(await run([...args, '--out', a, '--raw', 'npy'])).toMatchObject({ code: 0, stdout: '' })
  expect(await run([...args, '--out', b, '--raw', 'png16', '--batch', '2', '--jobs', '1'])).toMatchObject({ code: 0 })
  for (const name of NAMES) {
    const [overlay, photo] = await Promise.all(
      [path.join(a, 'overlays', `${name}.png`), path.join(PHOTOS, name)].map(readPicture),
    )
    expect([overlay!.width, overlay!.height]).toEqual([photo!.width, photo!.height])
    const png = path.join(b, 'maps', `${name}.png`)
    // Bit depth 16, colour type grey.
    expect([...readFileSync(png).subarray(24, 26)]).toEqual([16, 0])
    const map = npy(path.join(a, 'maps', `${name}.npy`))
    const { data, width, height } = await readPicture(png)
    expect([width, height]).toEqual([32, 32])
    const largest = Math.max(...map)
    map.forEach((value, i) => {
      expect(Math.abs(data[3 * i]! - (255 * value) / largest)).toBeLessThanOrEqual(1)
    })
  }
  const record = JSON.parse(readFileSync(path.join(a, 'saliency.json'), 'utf8'))
  expect(record).toMatchObject({ complete: true, device: 'cpu', counts: { written: NAMES.length, skipped: 0 } })
})

test('an unusable picture is skipped with exit 3, and folders below are mirrored', async () => {
  const folder = temporaryFolder({ 'pets/cat/broken.png': 'not a picture' })
  const pets = path.join(folder, 'pets')
  cpSync(path.join(PHOTOS, 'chelsea.jpg'), path.join(pets, 'cat/a 100%.jpg'))
  const out = path.join(folder, 'maps')
  const { code, stderr } = await run(['saliency', pets, '--out', out])
  expect(code).toBe(3)
  expect(stderr).toMatch(/cat\/broken\.png: found text, expected/)
  expect(Object.keys(tree(out, ['saliency.json']))).toEqual(['failures.jsonl', 'overlays/cat/a 100%25.jpg.png'])
  expect(JSON.parse(readFileSync(path.join(out, 'failures.jsonl'), 'utf8'))).toMatchObject({
    index: 1,
    sources: ['cat/broken.png'],
  })
})

test('an earlier output is replaced; anything else in the way is exit 6 and untouched', async () => {
  const folder = temporaryFolder({ 'mine/notes.txt': 'mine' })
  const at = (name: string) => path.join(folder, name)
  const saliency = (out: string, ...more: string[]) =>
    run(['saliency', PHOTOS, '--out', at(out), '--size', '48x32', '--quiet', ...more])
  expect((await saliency('maps', '--raw', 'npy')).code).toBe(0)
  expect((await saliency('maps')).code).toBe(0)
  expect(existsSync(at('maps/maps'))).toBe(false)
  expect(readdirSync(at('maps/overlays'))).toHaveLength(NAMES.length)
  const augment = (out: string) => run([PHOTOS, '--out', at(out), '--size', '32x32', '--count', '2', '--quiet'])
  expect((await augment('aug')).code).toBe(0)
  const before = ['mine', 'aug', 'maps'].map((name) => tree(at(name), []))
  const refusal = { code: 6, stderr: expect.stringMatching(/: found other files, expected /) }
  expect(await saliency('mine')).toMatchObject(refusal)
  expect(await saliency('aug')).toMatchObject(refusal)
  expect(await augment('maps')).toMatchObject(refusal)
  expect(['mine', 'aug', 'maps'].map((name) => tree(at(name), []))).toEqual(before)
})

test('SmoothGrad is a map too, and depends on its seed alone', async () => {
  const folder = temporaryFolder()
  const smooth = async (name: string, ...more: string[]) => {
    const out = path.join(folder, name)
    const args = ['saliency', PHOTOS, '--out', out, '--raw', 'npy', '--size', '32x32', '--smooth', '4', '--quiet']
    expect(await run([...args, ...more])).toMatchObject({ code: 0, stderr: '' })
    return (name: string) => npy(path.join(out, 'maps', `${name}.npy`))
  }
  const [first, again, other] = [await smooth('a'), await smooth('b', '--jobs', '1'), await smooth('c', '--seed', '1')]
  for (const name of NAMES) {
    const [map, same, different] = [first(name), again(name), other(name)]
    expectClose(map, (i) => same[i]!)
    expect(map.some((value, i) => Math.abs(value / different[i]! - 1) > 0.1)).toBe(true)
    expect(sum(map)).toBeCloseTo(1, 5)
    expect(Math.min(...map)).toBeGreaterThanOrEqual(0)
  }
})

test('gradient times input and integrated gradients are maps of their own, on record', async () => {
  const folder = temporaryFolder()
  const draw = async (...more: string[]) => {
    const out = path.join(folder, more.join(''))
    const args = ['saliency', PHOTOS, '--out', out, '--raw', 'npy', '--size', '32x32', '--device', 'cpu', '--quiet']
    expect(await run([...args, ...more])).toMatchObject({ code: 0, stderr: '' })
    const { options } = JSON.parse(readFileSync(path.join(out, 'saliency.json'), 'utf8'))
    return { options, map: npy(path.join(out, 'maps/chelsea.jpg.npy')) }
  }
  const [plain, times, path9] = [await draw(), await draw('--times-input'), await draw('--integrated', '9')]
  expect([plain.options.timesInput, times.options.timesInput, path9.options.integrated]).toEqual([undefined, true, 9])
  for (const { map } of [times, path9]) {
    expect(sum(map)).toBeCloseTo(1, 5)
    expect(map.some((value, i) => Math.abs(value / plain.map[i]! - 1) > 0.1)).toBe(true)
  }
})

test('misuse is exit 2 and leaves nothing', async () => {
  const folder = temporaryFolder()
  cpSync(path.join(PHOTOS, 'chelsea.jpg'), path.join(folder, 'unlabelled/chelsea.jpg'))
  const out = path.join(folder, 'maps')
  const cases: [string[], RegExp][] = [
    [[], /missing required argument 'images'/],
    [[FASHION, '--raw', 'tiff'], /^--raw: expected npy or png16, got "tiff"$/m],
    [[FASHION, '--smooth', '0'], /expected a whole number between 1 and 1000/],
    [[FASHION, '--integrated', 'x'], /^--integrated: expected a whole number between 1 and 1000, got "x"$/m],
    [[FASHION, '--integrated', '9', '--times-input'], /^--integrated: cannot be used with --smooth or --times-input$/m],
    [[FASHION, '--batch', '0'], /^--batch: expected a whole number between 1 and 4096, got 0$/m],
    [[path.join(folder, 'unlabelled')], /found 1 picture without labels/],
    [
      [path.join(folder, 'nowhere'), '--target', 'predicted'],
      /nowhere: no such file or folder, expected a folder of pictures\n {2}hint: check the spelling/,
    ],
  ]
  for (const [args, expected] of cases) {
    const { code, stderr, stdout } = await run(['saliency', ...args, '--out', out])
    expect({ args, code, stdout }).toEqual({ args, code: 2, stdout: '' })
    expect(stderr).toMatch(expected)
  }
  expect(existsSync(out)).toBe(false)
  writeFileSync(path.join(folder, 'file'), '')
  expect((await run(['saliency', FASHION, '--out', path.join(folder, 'file')])).code).toBe(6)
})
