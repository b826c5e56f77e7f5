import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'
import { ROOT, run } from '../helpers/cli.js'
import { temporaryFolder, tree } from '../helpers/folder.js'

const BROKEN = path.join(ROOT, 'fixtures/broken')
const pictures = (folder: string) =>
  readdirSync(path.join(BROKEN, folder)).filter((name) => name !== 'expected' && !name.startsWith('.'))
const rows = (file: string) =>
  readFileSync(file, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))

/** A folder of one class with two good pictures and those named. */
function pets(folder: string, from: string, names: readonly string[]): string {
  const images = path.join(folder, 'images')
  mkdirSync(path.join(images, 'pets'), { recursive: true })
  for (const name of ['chelsea.jpg', 'coffee.jpg']) {
    cpSync(path.join(ROOT, 'fixtures/photos', name), path.join(images, 'pets', name))
  }
  for (const name of names) cpSync(path.join(BROKEN, from, name), path.join(images, 'pets', name))
  return images
}

test('unusual but whole pictures are all mixed', async () => {
  const folder = temporaryFolder()
  const images = pets(folder, 'odd', pictures('odd'))
  const out = path.join(folder, 'aug')
  const { code, stderr } = await run([images, '--out', out, '--quiet'])
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  expect(rows(path.join(out, 'provenance.jsonl'))).toHaveLength(2 + pictures('odd').length)
})

test('each damaged picture is skipped with one line of its own, leaving nothing partial', async () => {
  const folder = temporaryFolder()
  const names = pictures('refused')
  const images = pets(folder, 'refused', names)
  const out = path.join(folder, 'aug')
  const { code, stderr } = await run([images, '--out', out, '--seed', '1'])
  expect(code).toBe(3)
  expect(stderr).not.toMatch(/^\s+at /m)
  const failures = rows(path.join(out, 'failures.jsonl'))
  for (const name of names) {
    const own = failures.filter(({ message }) => message.startsWith(`pets/${name}: found `))
    expect(own.length, name).toBeGreaterThan(0)
    expect(own[0].message).toMatch(/^[^\n]+, expected [^\n]+$/)
  }
  const provenance = existsSync(path.join(out, 'provenance.jsonl'))
    ? readFileSync(path.join(out, 'provenance.jsonl'), 'utf8')
    : ''
  const finished = provenance.split('\n').length - 1
  expect(finished + failures.length).toBe(2 + names.length)
  expect(Object.keys(tree(out)).filter((name) => name.startsWith('images/'))).toHaveLength(finished)
})

test('each broken manifest is exit 2 with all its problems and no output', async () => {
  const manifests = path.join(BROKEN, 'manifests')
  const problems: Record<string, string[] | null> = JSON.parse(
    readFileSync(path.join(manifests, 'expected/problems.json'), 'utf8'),
  )
  const out = path.join(temporaryFolder(), 'aug')
  for (const [name, expected] of Object.entries(problems)) {
    const labels = path.join(manifests, name)
    const { code, stderr } = await run([path.join(manifests, 'pictures'), '--labels', labels, '--out', out])
    expect({ name, code }).toEqual({ name, code: 2 })
    expect(stderr).not.toMatch(/^\s+at /m)
    const told = stderr.replaceAll(`${manifests}${path.sep}`, '')
    for (const line of expected ?? []) expect(told).toContain(line)
  }
  expect(existsSync(out)).toBe(false)
}, 120_000)
