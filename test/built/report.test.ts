import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { type Browser, chromium, type Page } from 'playwright-core'
import { expect, onTestFinished, test } from 'vitest'
import { decodeImage } from '../../src/codec/decode.js'
import type { Image } from '../../src/core/image.js'
import { FASHION, ROOT, run, start } from '../helpers/cli.js'
import { temporaryFolder, tree } from '../helpers/folder.js'
import { needing } from '../helpers/needing.js'
import { readPicture } from '../helpers/pictures.js'

const PHOTOS = path.join(ROOT, 'fixtures/photos')

/** A Chromium to drive: $CHROMIUM, or one in PATH. */
const CHROMIUM =
  process.env.CHROMIUM ??
  (process.env.PATH ?? '')
    .split(path.delimiter)
    .flatMap((folder) => ['chromium', 'chromium-browser', 'google-chrome'].map((name) => path.join(folder, name)))
    .find((file) => existsSync(file))

interface ShownRow {
  readonly index: number
  readonly text: string
  readonly pictures: readonly Image[]
}

/** The rows of a report's table of outputs, their pictures decoded. */
async function shownRows(html: string): Promise<ShownRow[]> {
  const rows = html.split('<tr data-index="').slice(1)
  return Promise.all(
    rows.map(async (text) => {
      const uris = [...text.matchAll(/src="data:image\/webp;base64,([^"]+)"/g)].map((match) => match[1]!)
      const pictures = uris.map((uri) => decodeImage(Buffer.from(uri, 'base64'), 'webp', { maxPixels: 2 ** 20 }))
      return { index: Number.parseInt(text, 10), text, pictures: await Promise.all(pictures) }
    }),
  )
}

const provenanceOf = (out: string) =>
  readFileSync(path.join(out, 'provenance.jsonl'), 'utf8')
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))

/** Largest difference between `mix` and sample and shifted partner under the mask, in grey levels. */
function blendError(pictures: readonly Image[], [dx, dy]: readonly [number, number]): number {
  const [sample, partner, , , mask, mix] = pictures as [Image, Image, Image, Image, Image, Image]
  const { width, height } = mix
  let worst = 0
  for (let i = 0; i < mix.data.length; i++) {
    const [x, y] = [(Math.floor(i / 3) % width) - dx, Math.floor(i / 3 / width) - dy]
    const covered = x >= 0 && x < width && y >= 0 && y < height
    const moved = covered ? partner.data[(y * width + x) * 3 + (i % 3)]! : 0
    const m = mask.data[i]! / 255
    worst = Math.max(worst, Math.abs(m * sample.data[i]! + (1 - m) * moved - mix.data[i]!))
  }
  return worst
}

test('a report holds the pictures that a mix is made of, and is the same whenever it is made', async () => {
  const out = path.join(temporaryFolder(), 'aug')
  const args = [FASHION, '--out', out, '--count', '12', '--format', 'png', '--device', 'cpu']
  expect(await run([...args, '--report'])).toMatchObject({ code: 0, stderr: expect.stringContaining('report.html') })
  const rows = await shownRows(readFileSync(path.join(out, 'report.html'), 'utf8'))
  const provenance = provenanceOf(out)
  expect(rows.map(({ index }) => index)).toEqual(provenance.map(({ index }) => index))
  for (const [i, { pictures, text }] of rows.entries()) {
    const { file_name: file, sources, shift, lambda } = provenance[i]
    expect(pictures[0]).toEqual(await readPicture(path.join(FASHION, sources[0].file)))
    expect(pictures[1]).toEqual(await readPicture(path.join(FASHION, sources[1].file)))
    expect(pictures[5]).toEqual(await readPicture(path.join(out, file)))
    // The mask is in 255 levels, the mix is rounded.
    expect(blendError(pictures, shift)).toBeLessThanOrEqual(1)
    expect(text).toContain(lambda.toFixed(3))
  }
  const sheet = await readPicture(path.join(out, '.sage/contact-sheet.png'))
  expect([sheet.width, sheet.height]).toEqual([16 + 3 * (6 * 66 - 2 + 16), 16 + 4 * (64 + 16)])
  const before = tree(out, [])
  expect(await run([...args, '--report'])).toMatchObject({
    code: 0,
    stderr: expect.stringContaining('nothing was missing'),
  })
  expect(tree(out, [])).toEqual(before)
  // Loaders see no picture beside the dataset's own, and a fresh start leaves no report of the old run.
  expect(Object.keys(before).filter((name) => /^[^.].*\.png$/.test(name))).toEqual(
    provenance.map(({ file_name }) => file_name),
  )
  expect((await run([...args, '--overwrite', '--quiet'])).code).toBe(0)
  const { 'report.html': _, '.sage/contact-sheet.png': __, ...rest } = before
  expect(tree(out)).toEqual(Object.fromEntries(Object.entries(rest).filter(([name]) => name !== 'run.json')))
})

test('methods without saliency and groups get a report too, failures and originals counted', async () => {
  const folder = temporaryFolder()
  const photos = path.join(folder, 'photos')
  cpSync(PHOTOS, photos, { recursive: true })
  writeFileSync(path.join(photos, 'coffee.jpg'), '<script>not a picture</script>')
  const report = async (method: string, ...more: string[]) => {
    const out = path.join(folder, method)
    const args = [
      photos,
      '--method',
      method,
      '--size',
      '48x32',
      '--out',
      out,
      '--report',
      '--quiet',
      '--include-originals',
    ]
    expect((await run([...args, ...more])).code).toBe(3)
    return { html: readFileSync(path.join(out, 'report.html'), 'utf8'), provenance: provenanceOf(out) }
  }
  const mixup = await report('mixup')
  const rows = await shownRows(mixup.html)
  expect(rows.map(({ pictures }) => pictures.length)).toEqual(Array(7).fill(4))
  expect(mixup.html).toContain('<dd>15<small>7 mixes, 8 originals</small></dd>')
  expect(mixup.html).toContain('3 outputs were left out')
  expect(mixup.html).not.toMatch(/Total saliency|<script>not/)
  const comixup = await report('comixup', '--group-size', '3')
  const mixes = comixup.provenance.filter(({ method }) => method === 'comixup')
  expect((await shownRows(comixup.html)).map(({ index }) => index)).toEqual(mixes.map(({ index }) => index))
})

test('a run that was killed and continued has the very report of one that was not', async () => {
  const folder = temporaryFolder()
  const args = (name: string) => [FASHION, '--out', path.join(folder, name), '--count', '100', '--device', 'cpu']
  expect((await run([...args('whole'), '--report', '--quiet'])).code).toBe(0)
  const { child, ended } = start([...args('killed'), '--report'])
  while (!existsSync(path.join(folder, 'killed/images/00000/000000040.jpg'))) await wait(5)
  child.kill('SIGKILL')
  expect((await ended).code).toBe(null)
  expect(existsSync(path.join(folder, 'killed/report.html'))).toBe(false)
  expect((await run([...args('killed'), '--report', '--quiet'])).code).toBe(0)
  expect(tree(path.join(folder, 'killed'))).toEqual(tree(path.join(folder, 'whole')))
  expect(existsSync(path.join(folder, 'killed/report.html'))).toBe(true)
})

async function openReport(
  file: string,
  dark: boolean,
  viewport = { width: 1320, height: 900 },
): Promise<{ page: Page; browser: Browser; strange: string[] }> {
  const browser = await chromium.launch({ executablePath: CHROMIUM!, args: ['--no-sandbox'] })
  onTestFinished(() => browser.close())
  const page = await browser.newPage({ colorScheme: dark ? 'dark' : 'light', viewport })
  const strange: string[] = []
  page.on('console', (message) => strange.push(message.text()))
  page.on('pageerror', (error) => strange.push(String(error)))
  page.on('dialog', (dialog) => strange.push(dialog.message()))
  page.on('request', (request) => {
    if (!request.url().startsWith('data:') && request.url() !== `file://${file}`) strange.push(request.url())
  })
  await page.goto(`file://${file}`)
  return { page, browser, strange }
}

const SCRIPT = `<script>alert('class')</script>`
const HOSTILE = `"><img src=x onerror=alert(1)>&amp;'.png`

/** A report of pictures whose names and classes try to become HTML. */
async function hostileReport(): Promise<string> {
  const folder = temporaryFolder()
  const images = path.join(folder, '<b>images')
  mkdirSync(images)
  const names = readdirSync(FASHION)
    .filter((name) => name.endsWith('.png'))
    .slice(0, 12)
  const files = names.map((name, i) => (i === 0 ? HOSTILE : name))
  for (const [i, name] of names.entries()) cpSync(path.join(FASHION, name), path.join(images, files[i]!))
  const rows = files.map((file, i) => ({
    file_name: file,
    label: i % 3 === 0 ? SCRIPT : i % 3 === 1 ? '</script>' : 'bag',
  }))
  writeFileSync(path.join(images, 'metadata.jsonl'), rows.map((row) => JSON.stringify(row)).join('\n'))
  const out = path.join(folder, 'aug')
  expect(await run([images, '--out', out, '--report', '--quiet', '--device', 'cpu'])).toMatchObject({
    code: 0,
    stderr: '',
  })
  return path.join(out, 'report.html')
}

needing('Chromium', CHROMIUM !== undefined)(
  'in a browser: names stay text, rows are filtered and sorted by mouse and keyboard, nothing is asked of a network',
  async () => {
    const file = await hostileReport()
    const { page, strange } = await openReport(file, false)
    const cell = (column: string) => page.locator(`#outputs tbody tr:visible ${column}`)
    const lambdas = async () => (await cell('td:nth-child(9)').allTextContents()).map(Number)
    const sorted = (values: number[], sign: number) => values.slice().sort((a, b) => sign * (a - b))

    expect(await page.getByRole('heading', { level: 1 }).textContent()).toBe('<b>images')
    expect(await page.locator('script').count()).toBe(1)
    expect(await page.getByAltText(HOSTILE, { exact: false }).count()).toBeGreaterThan(0)
    // Rejected where a picture is broken; eager, since those far below would not be loaded yet.
    const decodeAll =
      'Promise.all([...document.images].map((i) => Object.assign(i, { loading: "eager" }).decode())).then((all) => all.length)'
    expect(await page.evaluate(decodeAll)).toBe(12 * 6)

    const select = page.getByLabel('Class', { exact: true })
    await select.selectOption({
      label: (await select.locator('option').allTextContents()).find((text) => text.startsWith(SCRIPT))!,
    })
    const filtered = await cell('td:nth-child(8)').allTextContents()
    expect(filtered.length).toBeGreaterThan(0)
    expect(filtered.length).toBeLessThan(12)
    expect(filtered.every((text) => text.includes(SCRIPT))).toBe(true)
    expect(await page.locator('#shown').textContent()).toBe(`${filtered.length} of 12 shown`)
    await select.selectOption('')

    const button = page.getByRole('button', { name: 'Lambda' })
    await button.click()
    expect(await lambdas()).toEqual(sorted(await lambdas(), 1))
    expect(await page.locator('th[aria-sort]').getAttribute('aria-sort')).toBe('ascending')
    await button.press('Enter')
    expect(await lambdas()).toEqual(sorted(await lambdas(), -1))
    expect(await page.locator('th[aria-sort]').getAttribute('aria-sort')).toBe('descending')
    expect(strange).toEqual([])
  },
)

needing('Chromium', CHROMIUM !== undefined)(
  'in a browser: everything is reached with the Tab key, is named, and is dark where the system is',
  async () => {
    const file = await hostileReport()
    const { page, strange } = await openReport(file, true)
    const focused = () =>
      page.evaluate(
        `(() => { const e = document.activeElement; return e.id || e.getAttribute('aria-label') || e.textContent })()`,
      )
    const reached: unknown[] = []
    for (let i = 0; i < 12; i++) {
      await page.keyboard.press('Tab')
      reached.push(await focused())
    }
    const links = ['Skip to the outputs', 'Distributions', 'Outputs', 'Failures', 'The run']
    expect(reached).toEqual([...links, 'Numbers', 'Numbers', 'class', 'Outputs', '#', 'Lambda', 'Total saliency'])
    expect(await page.evaluate(`getComputedStyle(document.activeElement).outlineStyle`)).toBe('solid')
    const background = await page.evaluate('getComputedStyle(document.body).backgroundColor')
    const luminance = String(background).match(/\d+/g)!.slice(0, 3).map(Number)
    expect(Math.max(...luminance)).toBeLessThan(40)
    expect(await page.locator('img:not([alt]), img[alt=""]').count()).toBe(0)
    expect(await page.getByRole('img', { name: /^Histogram of / }).count()).toBe(2)
    expect(strange).toEqual([])
  },
)

needing('Chromium', CHROMIUM !== undefined)(
  'in a browser: on a narrow screen only the outputs scroll sideways, whatever the names, and labels can be read',
  async () => {
    const folder = temporaryFolder()
    const rows = readdirSync(FASHION)
      .filter((name) => name.endsWith('.png'))
      .slice(0, 6)
      .map((file, i) => ({ file_name: file, label: `${i % 2}${'long'.repeat(20)}` }))
    const labels = path.join(folder, 'labels.jsonl')
    writeFileSync(labels, rows.map((row) => JSON.stringify(row)).join('\n'))
    const out = path.join(folder, 'aug')
    expect((await run([FASHION, '--labels', labels, '--out', out, '--report', '--device', 'cpu'])).code).toBe(0)
    for (const width of [320, 360, 480, 820]) {
      const { page } = await openReport(path.join(out, 'report.html'), width === 360, { width, height: 740 })
      expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(width)
      const smallest = `Math.min(...[...document.querySelectorAll('svg text')].map((t) => t.getScreenCTM().a * parseFloat(getComputedStyle(t).fontSize)))`
      expect(await page.evaluate(smallest)).toBeGreaterThan(7)
      // What the table hides is reached by scrolling it.
      const last = page.locator('#outputs tbody tr:first-child > :last-child')
      await last.scrollIntoViewIfNeeded()
      const box = (await last.boundingBox())!
      expect(box.x + box.width).toBeLessThanOrEqual(width)
      expect(await page.evaluate('document.documentElement.scrollWidth')).toBe(width)
    }
  },
)
