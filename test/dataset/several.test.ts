import { expect, test } from 'vitest'
import { dense } from '../../src/core/softLabel.js'
import { temporaryFolder } from '../helpers/folder.js'
import { type ManifestOptions, readManifest } from '../helpers/manifest.js'

async function read(name: string, content: string, options: ManifestOptions = { multiLabel: true }) {
  const folder = temporaryFolder({ 'a.png': '', 'b.png': '', 'c.png': '', [name]: content })
  const { sources, classes, told, notices } = await readManifest(folder, options)
  const labels = Object.fromEntries(sources.map(({ file, label }) => [file[0], [...dense(label, classes.length)]]))
  return { classes, labels, told, notices }
}

const SAME = {
  classes: ['cat', 'dog', 'owl'],
  labels: { a: [1, 1, 0], b: [0, 0, 0], c: [0, 0, 1] },
}

test.each([
  ['labels.csv', 'file_name,cat,dog,owl\na.png,1,1,0\nb.png,0,0,0\nc.png,0,0,1\n'],
  ['labels.csv', 'file_name,cat,dog,owl\na.png,True,True,False\nb.png,False,False,False\nc.png,False,False,True\n'],
  ['labels.csv', 'file_name,label\na.png,cat|dog\nb.png,\nc.png,owl\n'],
  ['labels.csv', 'file_name,label\na.png, dog | cat |dog\nb.png,|\nc.png,owl\n'],
  [
    'labels.json',
    '[{"file_name":"a.png","label":["dog","cat"]},{"file_name":"b.png","label":[]},{"file_name":"c.png","label":["owl"]}]',
  ],
  [
    'labels.json',
    '[{"file_name":"a.png","label":"cat|dog"},{"file_name":"b.png","label":{}},{"file_name":"c.png","label":"owl"}]',
  ],
])('--multi-label reads several classes, or none, from %s', async (name, content) => {
  expect(await read(name, content, { multiLabel: true })).toMatchObject({ ...SAME, notices: [] })
})

test('weights between 0 and 1 are kept as they are', async () => {
  const { labels } = await read('labels.csv', 'file_name,cat,dog\na.png,0.9,0.8\nb.png,0,0.25\nc.png,1,0\n')
  expect(labels).toEqual({ a: [0.9, 0.8], b: [0, 0.25], c: [1, 0] })
})

test('labels of several classes without --multi-label are one problem with a hint, not one a row', async () => {
  const content = 'file_name,cat,dog,owl\na.png,1,0,0\nb.png,1,1,0\nc.png,0,0,0\n'
  await expect(read('labels.csv', content, {})).rejects.toMatchObject({
    message: 'labels.csv:3: found 2 classes, and 1 more row like it, expected one class a row',
    hint: '--multi-label keeps several classes of a picture, for binary cross-entropy',
  })
})

test('cells of several classes without --multi-label are classes of their own, which is said', async () => {
  const { classes, notices } = await read('labels.csv', 'file_name,label\na.png,cat|dog\nb.png,cat\nc.png,dog\n', {})
  expect(classes).toEqual(['cat', 'cat|dog', 'dog'])
  expect(notices).toEqual([expect.stringContaining('"cat|dog" is taken as a class of its own; --multi-label keeps')])
})

test('what is no weight is refused', async () => {
  await expect(read('labels.csv', 'file_name,cat,dog\na.png,1,2\nb.png,0,1\n')).rejects.toMatchObject({
    message: expect.stringContaining('labels.csv:2: found a weight of 2 for "dog", expected a number between 0 and 1'),
  })
})
