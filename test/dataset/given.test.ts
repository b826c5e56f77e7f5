import path from 'node:path'
import { expect, test } from 'vitest'
import { expanded, givenFiles } from '../../src/dataset/given.js'
import { temporaryFolder } from '../helpers/folder.js'

test.each([
  ['a/{0000..0002}.tar', ['a/0000.tar', 'a/0001.tar', 'a/0002.tar']],
  ['{9..11}.tar', ['9.tar', '10.tar', '11.tar']],
  ['{a,b}-{0..1}.tar', ['a-0.tar', 'a-1.tar', 'b-0.tar', 'b-1.tar']],
  ['plain.tar', ['plain.tar']],
])('%s means what it does in a shell', (pattern, names) => {
  expect(expanded(pattern)).toEqual(names)
})

test('a pattern must be whole, and a file that is called so is meant itself', async () => {
  const root = temporaryFolder({ '0.tar': '', '2.tar': '', '{0..2}.zip': '', 'sub/0.tar': '', 'sub/1.tar': '' })
  await expect(givenFiles(path.join(root, '{0..2}.tar'))).rejects.toThrow(
    'found 1 file missing of 3, such as 1.tar, expected all of them',
  )
  expect(await givenFiles(path.join(root, '{0..2}.zip'))).toEqual({ root, files: ['{0..2}.zip'] })
  expect(await givenFiles(path.join(root, 'sub/{0..1}.tar'))).toEqual({
    root: path.join(root, 'sub'),
    files: ['0.tar', '1.tar'],
  })
  await expect(givenFiles('{3..1}.tar')).rejects.toThrow('expected two numbers, the smaller one first')
  expect(await givenFiles(root)).toBeUndefined()
})
