import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect, test } from 'vitest'
import type { TrialRecord } from '../../src/run/trialRecord.js'
import { FASHION, ROOT, run } from '../helpers/cli.js'
import { temporaryFolder } from '../helpers/folder.js'
import { linearNet } from '../helpers/linearNet.js'

/** A folder with a student that learns in a moment, and a command that compares two methods in `repetitions` of 20 steps. */
function prepared() {
  const folder = temporaryFolder({ 'net.onnx': linearNet.bytes, 'net.json': linearNet.json })
  const at = (name: string) => path.join(folder, name)
  const args = (out: string, images = FASHION) => [
    ...['trial', images, '--student', at('net.onnx'), '--out', at(out), '--methods', 'mixup,comixup'],
    ...['--batch', '30', '--rate', '0.02', '--jobs', '2'],
  ]
  return { at, args, fixed: ['--steps', '20', '--repetitions', '2'] }
}

const recordIn = (file: string) => JSON.parse(readFileSync(file, 'utf8')) as TrialRecord

/** Of each run all but how long it took. */
const findings = ({ runs }: TrialRecord) =>
  runs
    .map(({ seconds: _, once: __, ...rest }) => rest)
    .sort((a, b) => a.repetition - b.repetition || a.arm.localeCompare(b.arm))

test('arms are compared by the same pictures, whatever the threads and interruptions', async () => {
  const { at, args, fixed } = prepared()
  const { code, stdout, stderr } = await run([...args('a.json'), ...fixed])
  expect({ code, stderr }).toMatchObject({ code: 0 })
  expect(stderr).toMatch(/^one repetition judged by 60 pictures can show differences from about 11.5 points on/)
  const lines = stdout.trim().split('\n')
  expect(lines[0]).toMatch(/^2 repetitions with 300 pictures can show differences from [\d.]+ points on; .* pictures$/)
  expect(lines.at(-1)).toMatch(/^sage-augment (trial )?\S+fashion-mnist /)
  const record = recordIn(at('a.json'))
  expect(record).toMatchObject({ complete: true, pictures: 300, heldOut: 60, steps: 20, design: 'holdOuts' })
  expect(record.arms.map(({ name }) => name)).toEqual(['clean', 'mixup', 'sage, untrained net', 'comixup'])
  expect(record.runs).toHaveLength(8)
  for (const { right, accuracy, curve, logLoss, noise } of record.runs) {
    expect(right).toHaveLength(60)
    expect(right.split('1').length - 1).toBe(Math.round(60 * accuracy))
    expect(curve.at(-1)).toMatchObject({ step: 20, accuracy })
    const sum = (part: typeof curve) => part.reduce((total, { loss }) => total + loss, 0)
    expect(sum(curve.slice(0, 10))).toBeGreaterThan(sum(curve.slice(10)))
    // Ten classes: far above chance.
    expect(accuracy).toBeGreaterThan(0.25)
    expect(logLoss).toBeLessThan(Math.log(10))
    expect(noise).toBeGreaterThan(0.2)
  }
  // An attack finds what noise does not.
  const sum = (name: 'noise' | 'fgsm') => record.runs.reduce((total, one) => total + one[name], 0)
  expect(sum('fgsm')).toBeLessThan(sum('noise'))
  const clean = record.runs.filter(({ arm }) => arm === 'clean')
  const mixed = record.runs.filter(({ arm }) => arm === 'mixup')
  const gain = clean.reduce((total, { accuracy, repetition }) => {
    return total + mixed.find((one) => one.repetition === repetition)!.accuracy - accuracy
  }, 0)
  expect(stdout).toContain(`${gain < 0 ? '-' : '+'}${(Math.abs(100 * gain) / 2).toFixed(1)} ± `)
  const load = (file: string) => import(pathToFileURL(path.join(ROOT, 'dist', file)).href)
  const { trial } = (await load('index.js')) as typeof import('../../src/index.js')
  const options = {
    ...{ student: at('net.onnx'), out: at('b.json'), methods: ['mixup', 'comixup'] as const, batch: 30, rate: 0.02 },
    ...{ jobs: 1, steps: 20, repetitions: 2 },
  }
  const controller = new AbortController()
  const stopped = async () => {
    for await (const event of trial(FASHION, options, controller.signal))
      if (event.type === 'notice' && /^repetition 1/.test(event.message)) controller.abort()
  }
  await expect(stopped()).rejects.toThrow(/^interrupted after 4 finished runs/)
  expect(recordIn(at('b.json'))).toMatchObject({ complete: false })
  const again = await run([...args('b.json'), ...fixed, '--jobs', '1'])
  expect(again.stderr).toContain('continuing after 4 finished runs')
  // What is there must be of the same steps.
  const other = await run([...args('b.json'), '--steps', '21'])
  expect(other).toMatchObject({
    code: 6,
    stderr: expect.stringMatching(/b.json: found runs of 20 steps, expected 21$/m),
  })
  expect(findings(recordIn(at('b.json')))).toEqual(findings(recordIn(at('a.json'))))
})

test('minutes decide steps and repetitions', async () => {
  const { at, args } = prepared()
  const { code, stderr } = await run([...args('short.json'), '--minutes', '0.01'])
  expect(code).toBe(0)
  expect(stderr).toMatch(
    /a step takes \d+ ms: about 1 repetition of \d+ steps fits? into 0.01 minutes; no time for comixup/,
  )
  expect(recordIn(at('short.json')).runs).toHaveLength(3)
})

test('other pictures judge with --val, and further arms come from a file', async () => {
  const { at, args } = prepared()
  const arms = [
    { method: 'sage', parameters: { upperLambda: 0.9 }, saliency: 'gradient', grid: '7x7', share: 0.8 },
    { name: 'looks at itself', method: 'sage', model: 'student' },
  ]
  writeFileSync(at('arms.json'), JSON.stringify(arms))
  const more = [
    '--val',
    FASHION,
    '--pictures',
    '100',
    '--arms',
    at('arms.json'),
    '--repetitions',
    '1',
    '--steps',
    '11',
    '--report',
  ]
  const { code, stdout } = await run([...args('val.json'), ...more, '--json'])
  expect(code).toBe(0)
  expect(stdout).toContain('100 pictures of --val are also learnt from')
  const done = JSON.parse(stdout.trim().split('\n').at(-1)!)
  expect(done).toMatchObject({ type: 'done', pictures: 100, heldOut: 300, steps: 11 })
  expect(done.rows.map(({ arm }: { arm: string }) => arm)).toEqual([
    ...['clean', 'mixup', 'sage, untrained net', 'comixup'],
    ...['sage, upper-lambda 0.9, 80 % mixes, gradient, grid 7x7', 'looks at itself'],
  ])
  const page = readFileSync(at('val.html'), 'utf8')
  for (const { arm } of done.rows) expect(page).toContain(`<h3>${arm}</h3>`)
  // Six mixes of each arm, but of the one whose maps are the student's own.
  expect(page.match(/<img /g)).toHaveLength(30)
  const { runs } = recordIn(at('val.json'))
  // Another net looks elsewhere.
  expect(new Set(runs.filter(({ arm }) => /sage|itself/.test(arm)).map(({ curve }) => curve.at(-1)!.loss)).size).toBe(3)
})

test('a search confirms its winner on seeds that have chosen nothing', async () => {
  const { at, args } = prepared()
  const few = ['--steps', '8', '--search', '--candidates', '4', '--pictures', '60', '--minutes', '0.01']
  const { code, stdout, stderr } = await run([...args('a.json'), ...few])
  expect({ code, stderr }).toMatchObject({ code: 0 })
  const { search, runs, arms } = recordIn(at('a.json'))
  expect(search).toHaveLength(4)
  expect(search!.map(({ repetitions }) => repetitions).sort()).toEqual([1, 1, 2, 2])
  expect(arms.map(({ name }) => name)).toEqual(
    expect.arrayContaining(['clean', 'mixup', 'cutmix', 'sage', search![0]!.arm]),
  )
  const fresh = runs.filter(({ repetition }) => repetition >= 1000)
  expect(new Set(fresh.map(({ repetition }) => repetition)).size).toBe(5)
  const of = (arm: string) =>
    fresh.filter((one) => one.arm === arm).reduce((sum, { accuracy }) => sum + accuracy / 5, 0)
  expect(stdout).toContain(`the winner of 4 settings is ${search![0]!.arm}; on fresh seeds `)
  expect(stdout).toMatch(new RegExp(`^clean +${(100 * of('clean')).toFixed(1)} `, 'm'))
})

test('what cannot be used is refused in a line, and nothing is written', async () => {
  const { at, args, fixed } = prepared()
  const few = at('few')
  for (const [name, count] of Object.entries({ cat: 5, dog: 3, 'a zebra': 2 })) {
    mkdirSync(path.join(few, name), { recursive: true })
    for (let i = 0; i < count; i++) copyFileSync(path.join(FASHION, `00${i}.png`), path.join(few, name, `${i}.png`))
  }
  mkdirSync(path.join(at('one'), 'cat'), { recursive: true })
  copyFileSync(path.join(FASHION, '000.png'), path.join(at('one'), 'cat', '0.png'))
  writeFileSync(at('arms.json'), JSON.stringify([{ method: 'sage', share: 2 }, { method: 'magic' }]))
  writeFileSync(at('other.json'), '{}')
  const cases: [string[], number, RegExp][] = [
    [args('no.json', at('one')), 2, /one: found 1 class, expected at least 2 to tell apart$/m],
    [
      args('no.json', few),
      2,
      /few: found 2 pictures of a zebra, expected at least 4 of every class\n.*few: found 3 pictures of dog/,
    ],
    [[...args('no.json'), '--arms', at('arms.json')], 2, /arms.json: arm 0.share: .*\n.*arms.json: arm 1.method: /],
    [[...args('no.json'), '--minutes', '0', '--steps', '0'], 2, /--minutes: .*\n--steps: /],
    [args('no.txt'), 2, /--out: expected the name of a .json file/],
    [[...args('other.json'), ...fixed], 6, /other.json: found no trial of sage-augment in it/],
  ]
  for (const [line, code, message] of cases) {
    const found = await run(line)
    expect(found.stderr).toMatch(message)
    expect(found.code).toBe(code)
  }
  expect(existsSync(at('no.json'))).toBe(false)
  expect(readFileSync(at('other.json'), 'utf8')).toBe('{}')
})

test('augment ends with a line that names trial, until there has been one', async () => {
  const { at } = prepared()
  const images = at("my cat's pictures")
  mkdirSync(path.join(images, 'cat'), { recursive: true })
  for (const i of [0, 1]) copyFileSync(path.join(FASHION, `00${i}.png`), path.join(images, 'cat', `${i}.png`))
  const last = async (...more: string[]) =>
    (await run([images, '--method', 'mixup', '--out', at('aug'), ...more])).stderr.trim().split('\n').at(-1)!
  expect(await last()).toBe(`does it help? sage-augment trial '${images.replace("'", "'\\''")}'`)
  // Nothing new was made.
  expect(await last()).not.toContain('trial')
  expect(await last('--overwrite', '--quiet')).toBe('')
  writeFileSync(path.join(images, 'trial.json'), '{}')
  expect(await last('--overwrite')).not.toContain('trial')
})
