import { execFileSync } from 'node:child_process'
import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'
import { ROOT } from '../helpers/cli.js'
import { temporaryFolder } from '../helpers/folder.js'

/** What the examples print, in the order of docs/library.md; patterns where it is not always the same. */
const PRINTED = [
  /^(\d of 8\n)*8 of 8\n8 pictures in aug, on (cpu|cuda)\n$/,
  /^interrupted after 1\d\d of 300 outputs\nusage --quality: expected a whole .*\n--blur-kernel: expected an odd number, .*\n$/,
  /^\d+ maps in maps\n$/,
  /^$/,
  /^weight \S+ \d+ x \d+\nweight \S+ \d+\nstate state\/momentum\/\S+ \d+ x \d+\nstate \S+ \d+\n$/,
  /^nchw 10 true\n$/,
  /^0 -1 1\n$/,
]

const text = readFileSync(path.join(ROOT, 'docs/library.md'), 'utf8')
const examples = [...text.matchAll(/```ts\n([\s\S]*?)```/g)].map((match) => match[1]!)

/** A project that has the package installed, and the folders that the examples name. */
function project(): string {
  const folder = temporaryFolder({ 'package.json': '{ "type": "module" }' })
  mkdirSync(path.join(folder, 'node_modules/@types'), { recursive: true })
  symlinkSync(ROOT, path.join(folder, 'node_modules/sage-augment'))
  symlinkSync(path.join(ROOT, 'node_modules/@types/node'), path.join(folder, 'node_modules/@types/node'))
  for (const name of ['fixtures', 'models']) symlinkSync(path.join(ROOT, name), path.join(folder, name))
  return folder
}

test('the examples of docs/library.md have right types and print what they should', () => {
  expect(examples).toHaveLength(PRINTED.length)
  const folder = project()
  const files = examples.map((example, i) => {
    writeFileSync(path.join(folder, `example${i}.ts`), example)
    return `example${i}.ts`
  })
  const tsc = path.join(ROOT, 'node_modules/typescript/bin/tsc')
  const options = ['--strict', '--target', 'es2023', '--module', 'nodenext', '--types', 'node', '--outDir', 'out']
  execFileSync(process.execPath, [tsc, ...options, ...files], { cwd: folder, encoding: 'utf8' })
  for (const [i, expected] of PRINTED.entries()) {
    const printed = execFileSync(process.execPath, [`out/example${i}.js`], {
      cwd: folder,
      encoding: 'utf8',
      stdio: 'pipe',
    })
    expect(printed).toMatch(expected)
  }
  expect(readdirSync(folder)).toEqual(expect.arrayContaining(['aug', 'maps', 'grad.onnx', 'step.onnx', 'trained.onnx']))
}, 900_000)
