import { copyFileSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { pathToFileURL } from 'node:url'
import { expect, test } from 'vitest'
import { checked } from '../../src/options/schema.js'
import { trialOptions } from '../../src/options/trial.js'
import { conclude } from '../../src/run/trialConclusion.js'
import type { TrialRecord, TrialRun } from '../../src/run/trialRecord.js'
import { type Arm, armOf, CLEAN } from '../../src/trial/arms.js'
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

/** Makes a folder of classes with one picture each. */
function put(folder: string, pictures: Readonly<Record<string, string>>): void {
  for (const [name, file] of Object.entries(pictures)) {
    mkdirSync(path.join(folder, name), { recursive: true })
    copyFileSync(path.join(FASHION, file), path.join(folder, name, file))
  }
}

/** Of each run all but how long it took. */
const findings = ({ runs }: TrialRecord) =>
  runs
    .map(({ seconds: _, once: __, ...rest }) => rest)
    .sort((a, b) => a.repetition - b.repetition || a.arm.localeCompare(b.arm))

test('arms are compared by the same pictures, whatever the threads and interruptions', async () => {
  const { at, args, fixed } = prepared()
  const { code, stdout, stderr } = await run([...args('a.json'), ...fixed])
  expect({ code, stderr }).toMatchObject({ code: 0 })
  expect(stderr).toMatch(/^one repetition judged by 60 pictures can show differences from about 11.7 points on/m)
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
  // A run that says nothing of some pictures is damage.
  const text = readFileSync(at('b.json'), 'utf8')
  writeFileSync(at('b.json'), text.replace(/("right":"[01]+)[01]"/, '$1"'))
  expect((await run([...args('b.json'), ...fixed])).stderr).toContain('b.json: found no trial of sage-augment in it')
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

test('the last line repeats what was given, and a set that lacks classes is told of', async () => {
  const { at, args } = prepared()
  put(at('my two'), { 'Ankle boot': '000.png', Pullover: '001.png' })
  const line = [...args('t.json'), '--val', at('my two'), '--pictures', '100', '--steps', '2', '--repetitions', '1']
  const { code, stdout, stderr } = await run([...line, '--overwrite'])
  expect(code).toBe(0)
  expect(stderr).toMatch(
    /two: has pictures of 2 of 10 classes; how well Bag, .*, Shirt and 3 more are told is not judged$/m,
  )
  const words = (stdout.trim().split('\n').at(-1) as string)
    .match(/'[^']*'|\S+/g)!
    .map((word) => word.replaceAll("'", ''))
  // Two pictures cannot tell anything apart, so that more repetitions of the same are due.
  expect(words[0]).toBe('sage-augment')
  const sorted = (all: readonly string[]) => [...all].sort()
  expect(sorted(words.slice(1))).toEqual(sorted(line.map((word) => (word === '1' ? '4' : word))))
})

test('what is recommended for augment has the options that trial was given', () => {
  const arm = armOf({ method: 'mixup' })
  const right = (share: number) => Array.from({ length: 400 }, (_, i) => Number(i < share * 400)).join('')
  const one = (name: string, accuracy: number, logLoss: number, repetition: number): TrialRun => ({
    ...{
      arm: name,
      repetition,
      accuracy,
      logLoss,
      calibration: 0,
      noise: 0,
      fgsm: 0,
      seconds: 1,
      once: 0,
      curve: [{ step: 100, loss: 0.6, accuracy }],
    },
    right: right(accuracy),
  })
  const clean = [one('clean', 0.5, 1, 0), one('clean', 0.5, 1.02, 1)]
  const runs = [...clean, one('mixup', 0.9, 0.7, 0), one('mixup', 0.9, 0.71, 1)]
  const bench = {
    runs,
    of: (of: Arm, repetition: number) => runs.find((r) => r.arm === of.name && r.repetition === repetition),
  }
  const given = { labels: 'my labels.csv', seed: 3, val: 'other', methods: ['mixup'] as const, steps: 10, jobs: 1 }
  const config = checked(trialOptions, given)
  const record = { images: 'my pets', pictures: 1000, heldOut: 400, batch: 10, classes: ['cat', 'dog'] } as const
  const known = record as unknown as TrialRecord
  const design = { kind: 'validation' } as const
  const { recommendation, verdict } = conclude(
    { config, given, bench, design },
    { arms: [CLEAN, arm], steps: 100 },
    known,
  )
  // Differences -.30 and -.31: .01 / sqrt(2) apart, and half of that the error of their mean.
  expect(verdict).toContain('log loss changes, lower is better: mixup (-0.305 ± 0.005)')
  expect(verdict.at(-1)).toMatch(/^the training loss of clean ended at 0.60, guessing has 0.69: longer training, /)
  expect(recommendation).toBe(
    "sage-augment 'my pets' --method mixup --include-originals --labels 'my labels.csv' --seed 3 --jobs 1 --out aug",
  )
})

test('a model of an arm that changed is told of, before anything is made with it', async () => {
  const { at, args, fixed } = prepared()
  const [model, json] = ['fashion-mnist.onnx', 'fashion-mnist.json'].map((name) => path.join(ROOT, 'models', name))
  copyFileSync(model!, at('m.onnx'))
  copyFileSync(json!, at('m.json'))
  writeFileSync(at('arms.json'), JSON.stringify([{ method: 'sage', model: at('m.onnx') }]))
  const line = [...args('m-trial.json'), ...fixed, '--arms', at('arms.json'), '--pictures', '60', '--methods', 'mixup']
  expect((await run(line)).code).toBe(0)
  expect((await run(line)).code).toBe(0)
  writeFileSync(at('m.json'), JSON.stringify({ ...JSON.parse(readFileSync(json!, 'utf8')), mean: [0.1] }))
  const { code, stderr } = await run(line)
  expect(stderr).toMatch(/m-trial.json: found maps of another \S+m.onnx, expected the same file\n.*--overwrite/)
  expect(code).toBe(6)
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
  put(at('boots'), { 'Ankle boot': '000.png' })
  writeFileSync(at('arms.json'), JSON.stringify([{ method: 'sage', share: 2 }, { method: 'magic' }]))
  writeFileSync(at('other.json'), '{}')
  // Of the five cats two are no pictures.
  for (const name of ['0.png', '1.png']) writeFileSync(path.join(few, 'cat', name), 'no picture')
  const cases: [string[], number, RegExp][] = [
    [args('no.json', at('one')), 2, /one: found 1 class, expected at least 2 to tell apart$/m],
    [
      args('no.json', few),
      2,
      /few: found 2 pictures of a zebra that can be used, .*\n.*found 3 pictures of cat .*\n.*found 3 pictures of dog/,
    ],
    [
      [...args('no.json'), '--val', at('boots')],
      2,
      /boots: found 1 picture of 1 class, expected at least 2 to tell apart$/m,
    ],
    [[...args('no.json'), '--methods', ','], 2, /^--methods: expected some of [^\n]*\n +hint/],
    [[...args('no.json'), '--arms', at('arms.json')], 2, /arms.json: arm 0.share: .*\n.*arms.json: arm 1.method: /],
    [[...args('no.json'), '--minutes', '0', '--steps', '0'], 2, /--minutes: .*\n--steps: /],
    [args('no.txt'), 2, /--out: expected the name of a .json file/],
    [[...args('other.json'), ...fixed], 6, /other.json: found no trial of sage-augment in it/],
    [[...args('other.json', at('nowhere')), '--overwrite'], 2, /nowhere: no such file or folder/],
    [[...args('other.json'), '--arms', at('other.json'), '--overwrite'], 2, /^--out: found .*other.json, which this/],
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
