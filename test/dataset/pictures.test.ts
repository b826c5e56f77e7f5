import { readFileSync } from 'node:fs'
import path from 'node:path'
import sharp from 'sharp'
import { expect, test } from 'vitest'
import { EXPECTED_FORMATS } from '../../src/codec/format.js'
import { findPictures } from '../../src/dataset/pictures.js'
import { temporaryFolder } from '../helpers/folder.js'
import { readManifest } from '../helpers/manifest.js'

const ODD = 'fixtures/broken/odd'
const odd = (name: string) => readFileSync(path.join(ODD, name))
const HEIC = Buffer.from('\0\0\0\x18ftypheic\0\0\0\0mif1heic', 'latin1')
const DICOM = Buffer.concat([Buffer.alloc(128), Buffer.from('DICM')])
const JXL = Buffer.from('\xff\x0a\xfa\x1f\x41\x91', 'latin1')

test('what a name does not say the first bytes do', async () => {
  const folder = temporaryFolder({
    'a/1': odd('plain.jpg'),
    'a/2.dat': odd('plain.png'),
    'a/3.heic': odd('plain.jpg'),
    'a/4.mpo': odd('plain.jpg'),
    'a/5.BMP': odd('bitmap.png'),
    'a/6': odd('plain.ppm'),
    'a/7': await sharp(odd('plain.png')).avif().toBuffer(),
    'a/8.HEIC': HEIC,
    'a/9.heic': HEIC,
    'a/b/10': DICOM,
    'a/11.jxl': JXL,
    'a/12.nef': odd('plain.tif'),
    'a/notes.txt': 'These are my pictures.',
    'a/Thumbs.db': Buffer.from([0xd0, 0xcf, 0x11, 0xe0]),
    'a/checksums': 'abc  1.jpg\n',
    'a/_SUCCESS': '',
  })
  const files = ['1', '2.dat', '3.heic', '4.mpo', '5.BMP', '6', '7', '8.HEIC', '9.heic', 'b/10', '11.jxl', '12.nef']
  const beside = ['notes.txt', 'Thumbs.db', 'checksums', '_SUCCESS']
  const found = await findPictures(
    folder,
    [...files, ...beside].map((file) => `a/${file}`),
  )
  expect(found.pictures).toEqual(['a/1', 'a/2.dat', 'a/3.heic', 'a/4.mpo', 'a/5.BMP', 'a/6', 'a/7'])
  expect(found.unread).toEqual([
    { folder: 'a', ending: '.heic', what: 'a HEIC', count: 2 },
    { folder: 'a', ending: '.jxl', what: 'a JPEG XL', count: 1 },
    { folder: 'a', ending: '.nef', what: 'a camera raw file', count: 1 },
    { folder: 'a/b', ending: '', what: 'a DICOM file', count: 1 },
  ])
})

test('an empty file, and text that is named like a picture, is a picture that somebody misses', async () => {
  const folder = temporaryFolder({
    'cat/1.png': odd('plain.png'),
    'cat/2.heic': '',
    'cat/3.HEIC': '404: Not Found',
    'cat/4': '',
    'cat/5.dcm': '<html>',
    'cat/empty.txt': '',
    'cat/notes': 'taken in May',
    'cat/notes.old': 'taken in April',
    'cat/.gitkeep': '',
    'dog/1.png': odd('plain.png'),
  })
  const { unread } = await readManifest(folder)
  expect(unread).toMatch(/: found 4 files that are left out, expected /)
  const kinds = ['without an ending (an empty file)', '.dcm (text)', '.heic (an empty file)', '.heic (text)']
  expect(unread!.split(': ').at(-1)).toBe(kinds.map((kind) => `1 ${kind} in cat`).join(', '))
})

test('classes of BMP, PNM and JPEG without an ending are there like all others', async () => {
  const pictures = Object.fromEntries(
    [0, 1].flatMap((i): [string, Buffer][] => [
      [`stop/${i}.jpg`, odd('plain.jpg')],
      [`yield/${i}.bmp`, odd('grey.bmp')],
      [`merge/${i}.ppm`, odd('plain.ppm')],
      [`exit/${i}`, odd('plain.jpg')],
    ]),
  )
  const manifest = await readManifest(temporaryFolder(pictures))
  expect(manifest.classes).toEqual(['exit', 'merge', 'stop', 'yield'])
  expect(manifest.sources).toHaveLength(8)
  expect(manifest).toMatchObject({ unread: null, notices: [], ignored: 0 })
})

test('files that are left out are counted by folder and ending', async () => {
  const folder = temporaryFolder({
    'cat/1.png': odd('plain.png'),
    'cat/2.heic': HEIC,
    'cat/3.heic': HEIC,
    'cat/new/4': DICOM,
    'dog/1.png': odd('plain.png'),
  })
  const { unread, sources } = await readManifest(folder)
  expect(sources).toHaveLength(2)
  const named = '2 .heic (a HEIC) in cat, 1 without an ending (a DICOM file) in cat/new'
  expect(unread).toBe(`${folder}: found 3 files that are left out, expected ${EXPECTED_FORMATS}: ${named}`)
})

test('a class of which nothing would be left is refused, all of them at once', async () => {
  const folder = temporaryFolder({ 'cat/1.png': odd('plain.png'), 'dog/1.heic': HEIC, 'cow/x/1.jxl': JXL })
  const error = await readManifest(folder).catch((thrown: unknown) => thrown)
  expect(error).toMatchObject({
    code: 'usage',
    message: [
      `${path.join(folder, 'cow')}: found no picture but 1 .jxl (a JPEG XL), expected ${EXPECTED_FORMATS}`,
      `${path.join(folder, 'dog')}: found no picture but 1 .heic (a HEIC), expected ${EXPECTED_FORMATS}`,
    ].join('\n'),
    hint: expect.stringContaining('PNG'),
  })
})

test('a folder without pictures is named, since it is no class', async () => {
  const folder = temporaryFolder({
    'ant/1.png': odd('plain.png'),
    'bee/readme.txt': 'later',
    'cow/1.png': odd('plain.png'),
  })
  const { classes, notices } = await readManifest(folder)
  expect(classes).toEqual(['ant', 'cow'])
  expect(notices).toEqual([
    '1 folder without a picture is not a class: "bee"; the classes after them have lower indices (classes.txt)',
  ])
})

test('a gap in integer labels is named, unless --classes sets the indices', async () => {
  const labels = `file_name,label\n${[0, 1, 3].map((label) => `${label}.png,${label}`).join('\n')}\n`
  const files = Object.fromEntries([0, 1, 3].map((i) => [`${i}.png`, odd('plain.png')]))
  const folder = temporaryFolder({ ...files, 'labels.csv': labels, 'names.txt': '0\n1\n2\n3\n' })
  expect((await readManifest(folder)).notices).toEqual([
    'class names are numbers, but there is no class 2: class 3 has index 2 (classes.txt), and so on; --classes sets the indices',
  ])
  expect((await readManifest(folder, { classes: path.join(folder, 'names.txt') })).notices).toEqual([])
})
