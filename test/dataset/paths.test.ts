import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'
import { temporaryFolder } from '../helpers/folder.js'
import { readManifest, readPairs } from '../helpers/manifest.js'

const FILES = ['sub/0.png', 'sub/1.png', 'Other/Two.PNG', 'root.jpg', 'left/same.png', 'right/same.png']

/** Folders `pets` with these pictures and `link`, which points to it. */
function pets() {
  const base = temporaryFolder(Object.fromEntries(FILES.map((file) => [`pets/${file}`, ''])))
  symlinkSync('pets', path.join(base, 'link'))
  return base
}

/** The files that the names of a table mean, or the error. */
async function named(root: string, names: readonly string[]) {
  const labels = path.join(path.dirname(root), 'labels.csv')
  writeFileSync(labels, `file_name,label\n${names.map((name, i) => `"${name}",${'ab'[i % 2]}`).join('\n')}\n`)
  return (await readManifest(root, { labels })).sources.map((source) => source.file)
}

test('absolute paths inside the folder are read, also by way of a link to it', async () => {
  const base = pets()
  const [real, link] = [path.join(base, 'pets'), path.join(base, 'link')]
  const files = ['sub/0.png', 'sub/1.png']
  for (const [root, written] of [
    [real, real],
    [link, link],
    [link, real],
    [real, link],
    [real, `${real}/sub/..`],
  ] as const) {
    expect(
      await named(
        root,
        files.map((file) => `${written}/${file}`),
      ),
    ).toEqual(files)
  }
})

test.each([
  ['sub\\0.png', 'sub/0.png', 'with / between folders'],
  ['.\\sub\\0.png', 'sub/0.png', 'with / between folders, relative to'],
  ['pets\\sub\\0.png', 'sub/0.png', 'with / between folders, relative to'],
  ['C:\\data\\pets\\sub\\0.png', 'sub/0.png', 'with / between folders, relative to'],
  ['\\\\server\\share\\sub\\0.png', 'sub/0.png', 'with / between folders, relative to'],
  ['pets/sub/0.png', 'sub/0.png', 'relative to'],
  ['/home/ann/data/pets/sub/0.png', 'sub/0.png', 'relative to'],
  ['../pets/sub/0.png', 'sub/0.png', 'relative to'],
  ['0.png', 'sub/0.png', 'relative to'],
  ['pets/root.jpg', 'root.jpg', 'relative to'],
  ['sub/0.PNG', 'sub/0.png', 'in capital and small letters as on the disk'],
  ['SUB/0.png', 'sub/0.png', 'in capital and small letters as on the disk'],
  ['other/two.png', 'Other/Two.PNG', 'in capital and small letters as on the disk'],
  ['sub/0.jpg', 'sub/0.png', 'with the endings on the disk'],
  ['pets\\other\\two.png', 'Other/Two.PNG', 'with / between folders, relative to .* in capital and small letters'],
])('%j is refused with the hint that it is %j', async (name, file, way) => {
  const root = path.join(pets(), 'pets')
  const refusal = named(root, [name])
  await expect(refusal).rejects.toMatchObject({
    code: 'usage',
    message: expect.stringMatching(/does not exist|leaves the folder/),
  })
  const told = await refusal.catch((error: { hint: string }) => error.hint)
  expect(told).toContain(`${JSON.stringify(name)} is found as ${JSON.stringify(file)}: write names `)
  expect(told).toMatch(new RegExp(`write names ${way}`))
})

test.each(['same.png', 'none.png', 'else/0.png', 'sub', '', '../secret.png'])(
  '%j has no hint: no file is meant, or more than one',
  async (name) => {
    const base = pets()
    writeFileSync(path.join(base, 'secret.png'), '')
    const error = await named(path.join(base, 'pets'), [name]).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: 'usage', hint: undefined })
  },
)

test('paths that leave the folder are refused, however they are written', async () => {
  const base = pets()
  writeFileSync(path.join(base, 'secret.png'), '')
  symlinkSync(base, path.join(base, 'pets/up'))
  const root = path.join(base, 'pets')
  for (const name of [
    `${base}/secret.png`,
    `${root}/../secret.png`,
    `${root}/up/secret.png`,
    `${base}/link/up/secret.png`,
    'sub/../../secret.png',
    'up/secret.png',
    `${root}-more/0.png`,
  ]) {
    await expect(named(root, [name])).rejects.toMatchObject({ message: expect.stringContaining('leaves the folder') })
  }
})

test('thousands of such rows have one hint', async () => {
  const root = path.join(pets(), 'pets')
  const error = await named(
    root,
    Array.from({ length: 5000 }, (_, i) => `C:\\pets\\sub\\${i}.png`),
  ).catch((thrown: unknown) => thrown)
  const { message, hint } = error as { message: string; hint: string }
  expect(message.split('\n')).toHaveLength(101)
  expect(hint).toMatch(/^"C:\\\\pets\\\\sub\\\\0.png" is found as "sub\/0.png"/)
})

test('pairs have the same hint', async () => {
  const root = path.join(pets(), 'pets')
  writeFileSync(path.join(root, 'labels.csv'), 'id,label\nsub/0.png,a\nsub/1.png,b\n')
  writeFileSync(path.join(root, 'pairs.json'), JSON.stringify([['sub/0.png', 'sub\\1.png']]))
  await expect(readPairs(path.join(root, 'pairs.json'))).rejects.toMatchObject({
    hint: '"sub\\\\1.png" is found as "sub/1.png": write names with / between folders',
  })
})

/** A subset made of links into a store beside it, as on a cluster. */
function subset() {
  const base = temporaryFolder({
    'store/x/0.png': '',
    'store/x/1.png': '',
    'store/deep/y/2.png': '',
    'subset/c/own.png': '',
  })
  const root = path.join(base, 'subset')
  mkdirSync(path.join(root, 'a'))
  symlinkSync(path.join(base, 'store/x/0.png'), path.join(root, 'a/0.png'))
  symlinkSync('../../store/x/1.png', path.join(root, 'a/1.png'))
  symlinkSync(path.join(base, 'store/deep'), path.join(root, 'b'))
  return { base, root }
}

test('links out of the folder are refused with a hint, and followed where that is asked for', async () => {
  const { root } = subset()
  const hint = '--follow-links reads what links point to, wherever it is'
  await expect(readManifest(root)).rejects.toMatchObject({ code: 'usage', hint })
  await expect(named(root, ['a/0.png'])).rejects.toMatchObject({ hint })
  await expect(named(root, ['b/y/2.png'])).rejects.toMatchObject({ hint })
  const { sources, classes, notices } = await readManifest(root, { followLinks: true })
  expect(classes).toEqual(['a', 'b', 'c'])
  expect(sources.map(({ file }) => file)).toEqual(['a/0.png', 'a/1.png', 'b/y/2.png', 'c/own.png'])
  expect(notices).toEqual([])
})

test('followed links end where they go in circles', async () => {
  const { base, root } = subset()
  symlinkSync('.', path.join(root, 'a/self'))
  symlinkSync(root, path.join(base, 'store/deep/back'))
  symlinkSync(base, path.join(root, 'c/up'))
  symlinkSync('nowhere', path.join(root, 'c/dangling.png'))
  const labels = path.join(base, 'labels.csv')
  writeFileSync(labels, 'id,label\na/0.png,x\nb/y/2.png,y\n')
  expect((await readManifest(root, { labels, followLinks: true })).sources).toHaveLength(2)
  await expect(readManifest(root, { followLinks: true })).rejects.toMatchObject({
    message: `${root}/c/dangling.png: "c/dangling.png" is a link that leads nowhere ("nowhere")`,
  })
})

test('links that lead nowhere are named as such, be they pictures, classes or folders in a path', async () => {
  const base = temporaryFolder({ 'set/a/0.png': '', 'set/b/1.png': '' })
  const root = path.join(base, 'set')
  symlinkSync('/gone/cats', path.join(root, 'cats'))
  symlinkSync('gone', path.join(root, 'b/IMG_2'))
  symlinkSync('../gone.jpg', path.join(root, 'b/2.jpg'))
  symlinkSync('gone.txt', path.join(root, 'b/notes.txt'))
  const lines = [
    `${root}/b/2.jpg: "b/2.jpg" is a link that leads nowhere ("../gone.jpg")`,
    `${root}/b/IMG_2: "b/IMG_2" is a link that leads nowhere ("gone")`,
    `${root}/cats: "cats" is a link that leads nowhere ("/gone/cats")`,
  ]
  for (const followLinks of [false, true]) {
    const error = await readManifest(root, { followLinks }).catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: 'usage' })
    expect((error as Error).message.split('\n').sort()).toEqual(lines)
  }
  await expect(named(root, ['cats/x.png'])).rejects.toMatchObject({
    message: expect.stringContaining('"cats" is a link that leads nowhere ("/gone/cats")'),
  })
  await expect(named(root, ['b/3.png'])).rejects.toMatchObject({
    message: expect.stringContaining('"b/3.png" does not exist'),
  })
})

test('without --follow-links, too, links in the folder that name a picture once more are told', async () => {
  const base = temporaryFolder({ 'set/a/0.png': '', 'set/a/1.png': '', 'set/b/9.png': '', 'set/.store/s.png': '' })
  const root = path.join(base, 'set')
  symlinkSync('../a/0.png', path.join(root, 'b/0.png'))
  symlinkSync(path.join(root, '.store/s.png'), path.join(root, 'a/s.png'))
  symlinkSync('../.store/s.png', path.join(root, 'b/s.png'))
  const told = 'links make 2 pictures appear twice: "b/0.png" is also "a/0.png", "b/s.png" is also "a/s.png"'
  for (const followLinks of [false, true])
    expect(await readManifest(root, { followLinks })).toMatchObject({ notices: [told], classes: ['a', 'b'] })
  const labels = path.join(base, 'labels.csv')
  const notices = async (...files: string[]) => {
    writeFileSync(labels, `id,label\n${files.map((file, i) => `${file},${'xy'[i % 2]}\n`).join('')}`)
    return (await readManifest(root, { labels })).notices
  }
  expect(await notices('b/0.png', 'a/1.png')).toEqual([])
  expect(await notices('b/0.png', 'a/1.png', 'a/0.png', 'b/9.png')).toEqual([
    'links make 1 picture appear twice: "b/0.png" is also "a/0.png"',
  ])
  expect(await notices('b/s.png', 'a/s.png')).toEqual([
    expect.stringMatching(/^links make 1 picture appear twice: "b\/s.png" is also "a\/s.png"$/),
  ])
})

test('so they are for pairs that bring their own labels', async () => {
  const root = temporaryFolder({ 'a.png': '' })
  symlinkSync('a.png', path.join(root, 'b.png'))
  const pairs = path.join(root, 'pairs.json')
  writeFileSync(pairs, JSON.stringify([{ a: 'a.png', b: 'b.png', label_a: 'x', label_b: 'y' }]))
  const { manifest } = await readPairs(pairs)
  expect(manifest.notices).toEqual(['links make 1 picture appear twice: "b.png" is also "a.png"'])
})

test('pictures that links name more than once are told', async () => {
  const { base, root } = subset()
  symlinkSync(path.join(base, 'store/x'), path.join(root, 'd'))
  const { notices, sources } = await readManifest(root, { followLinks: true })
  expect(sources).toHaveLength(6)
  expect(notices).toEqual([
    'links make 2 pictures appear twice: "d/0.png" is also "a/0.png", "d/1.png" is also "a/1.png"',
  ])
})
