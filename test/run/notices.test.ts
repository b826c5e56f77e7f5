import { expect, test } from 'vitest'
import { readManifest } from '../../src/dataset/manifest.js'
import { noticesOf } from '../../src/run/notices.js'
import { temporaryFolder } from '../helpers/folder.js'

test.each([
  [{ 'cat/a.png': '', 'loose.png': '' }, 'class folders; 1 picture in the folder has no label there and is not used'],
  [
    { 'labels.csv': 'file_name,label\na.png,cat\n', 'a.png': '', 'b.png': '', 'c.png': '' },
    'labels.csv, column label; 2 pictures in the folder have no label there and are not used',
  ],
])('pictures without a label are told, wherever the labels are from', async (files, told) => {
  const [first] = noticesOf(await readManifest(temporaryFolder(files)))
  expect(first!.message).toBe(`labels from ${told}`)
})
