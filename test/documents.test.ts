import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import path from 'node:path'
import { expect, test } from 'vitest'

const ROOT = path.resolve(import.meta.dirname, '..')
const read = (file: string) => readFileSync(path.join(ROOT, file), 'utf8')

/** Markdown pages of the repository. */
const PAGES = ['.', 'docs', 'findings', 'fixtures', 'models'].flatMap((folder) =>
  readdirSync(path.join(ROOT, folder))
    .filter((name) => name.endsWith('.md'))
    .map((name) => path.join(folder, name)),
)

test('links between the pages and to files lead somewhere', () => {
  const broken = PAGES.flatMap((page) =>
    [...read(page).matchAll(/\]\(([^)\s#]+)(?:#[^)]*)?\)/g)]
      .map(([, target]) => target!)
      .filter((target) => !/^[a-z]+:/.test(target))
      .filter((target) => !existsSync(path.join(ROOT, path.dirname(page), target)))
      .map((target) => `${page}: ${target}`),
  )
  expect(broken).toEqual([])
  expect(PAGES.length).toBeGreaterThan(8)
})

test('the map of the house has every room', () => {
  const rooms = readdirSync(path.join(ROOT, 'src')).filter((name) =>
    statSync(path.join(ROOT, 'src', name)).isDirectory(),
  )
  const map = [...read('CONTRIBUTING.md').matchAll(/^\| ((?:`[\w/]+\/`(?:, )?)+) \|/gm)].map(([, cell]) => cell!).join()
  expect(rooms.filter((room) => !map.includes(`\`${room}/\``))).toEqual([])
})
