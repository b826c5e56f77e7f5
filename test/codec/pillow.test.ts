import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import sharp from 'sharp'
import { expect, test } from 'vitest'
import { temporaryFolder } from '../helpers/folder.js'
import { needing } from '../helpers/needing.js'
import { maxDifference, readPicture } from '../helpers/pictures.js'
import { pythonWith } from '../helpers/python.js'

const ODD = path.resolve('fixtures/broken/odd')
const python = pythonWith('numpy, PIL.ImageCms')
const page = readFileSync('docs/loading.md', 'utf8')
const reader = page.match(/```python\n(import io, numpy\n[^`]*def read[^`]*)```/)?.[1]

test('the page on loading has a reader', () => {
  expect(reader).toContain('return Image.composite')
})

needing('Python with Pillow and numpy', python !== undefined)(
  "the reader on the page sees this program's pixels",
  async () => {
    const folder = temporaryFolder()
    const photo = sharp('fixtures/photos/chelsea.jpg').resize(60, 40)
    const own = {
      'p3.png': await photo.clone().withIccProfile('p3').png().toBuffer(),
      'press.tif': await photo.clone().toColourspace('cmyk').withIccProfile('cmyk').tiff().toBuffer(),
    }
    const inputs = temporaryFolder(own)
    const names = [
      'exif-6.jpg',
      'wide-gamut.png',
      'alpha.png',
      'grey-alpha.png',
      'palette-alpha.png',
      'grey16.png',
      'rgb16.png',
      'bitmap.png',
      'lossless.webp',
    ]
    const paths = [
      ...names.map((name) => path.join(ODD, name)),
      ...Object.keys(own).map((name) => path.join(inputs, name)),
    ]
    const code = `${reader}\nimport sys\nfor i, file in enumerate(sys.argv[2:]): read(file).save(f"{sys.argv[1]}/{i}.png")\n`
    execFileSync(python!, ['-c', code, folder, ...paths])
    for (const [i, file] of paths.entries()) {
      const difference = maxDifference(await readPicture(file), await readPicture(path.join(folder, `${i}.png`)))
      expect({ file, within: difference <= 1 }).toEqual({ file, within: true })
    }
  },
)
