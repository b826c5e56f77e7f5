import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'
import { ROOT } from '../helpers/cli.js'
import { temporaryFolder } from '../helpers/folder.js'
import { packed } from '../helpers/packed.js'

test('the package is at most 12 MB, has what it needs and nothing else, and starts', () => {
  const { folder, files, bytes } = packed(temporaryFolder())
  expect(bytes).toBeLessThan(12e6)
  const needed = ['package.json', 'README.md', 'LICENSE', 'CHANGELOG.md', 'sage-augment.schema.json']
  expect(files).toEqual(expect.arrayContaining([...needed, 'bin/sage-augment.js', 'dist/index.js', 'dist/index.d.ts']))
  expect(files).toEqual(expect.arrayContaining(['models/cifar10.onnx', 'models/cifar10.json', 'models/README.md']))
  expect(files).toEqual(expect.arrayContaining(['models/general.onnx', 'models/LICENSE-general.txt']))
  const others = files.filter((file) => !needed.includes(file) && !/^(bin|dist|models|docs|loaders)\//.test(file))
  expect(others).toEqual([])
  expect(files.filter((file) => /\.ts$/.test(file) && !/\.d\.ts$/.test(file))).toEqual([])
  expect(files.filter((file) => /test|fixture|models\/train|node_modules|\.env|\.map$/.test(file))).toEqual([])
  const { version, exports, bin } = JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8'))
  for (const file of [exports['.'].types, exports['.'].default, bin['sage-augment']]) {
    expect(existsSync(path.join(folder, file))).toBe(true)
  }
  for (const page of files.filter((file) => /^(README|docs\/.*)\.md$/.test(file))) {
    for (const [, link] of readFileSync(path.join(folder, page), 'utf8').matchAll(/\]\((?!https?:)([^)#]+)/g)) {
      expect(existsSync(path.join(folder, path.dirname(page), link!)), `${page}: ${link}`).toBe(true)
    }
  }
  const script = path.join(folder, bin['sage-augment'])
  expect(execFileSync(process.execPath, [script, '--version'], { encoding: 'utf8' }).trim()).toBe(version)
})

test('the changelog begins with the version of the package', () => {
  const { version } = JSON.parse(readFileSync(path.join(ROOT, 'package.json'), 'utf8'))
  expect(readFileSync(path.join(ROOT, 'CHANGELOG.md'), 'utf8')).toMatch(
    new RegExp(`^# Changelog\\n\\n## ${version}\\n`),
  )
})
