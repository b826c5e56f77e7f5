/**
 * This checkout against an older one, in turn, both built: medians of the time on the clock, the time on the processors and the
 * peak memory of the same work, and how many times less the newer build takes.
 *
 *     node test/bench/against.js <older checkout> [options]
 *
 * Pictures are links to those of --cifar (class folders, such as CIFAR-10's 50,000) and to the 300 in fixtures/fashion-mnist.
 * A table for a few minutes: --rounds 1 --pictures 1000 --inputs 20000 --outputs 2000. --keep <folder> --prepare first, then --keep
 * <folder> alone needs a quiet machine only for what is measured. Stopped by SIGTERM it prints the rounds that are whole.
 */
import { execSync, spawn } from 'node:child_process'
import {
  copyFileSync,
  existsSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { pathToFileURL } from 'node:url'
import { parseArgs } from 'node:util'

const HERE = path.resolve(import.meta.dirname, '../..')
const SPENT = path.join(import.meta.dirname, 'spent.js')
/** More names than that a file may not have on ext4. */
const MOST_LINKS = 60_000

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    cifar: { type: 'string' },
    pictures: { type: 'string', default: '20000' },
    epochs: { type: 'string', default: '8' },
    /** Of the plan whose first shard of a thousand is made. */
    inputs: { type: 'string', default: '1000000' },
    /** That are verified. */
    outputs: { type: 'string', default: '100000' },
    rounds: { type: 'string', default: '5' },
    /** Names of the rows wanted, with commas; all by default. */
    only: { type: 'string' },
    scratch: { type: 'string', default: tmpdir() },
    /** Where pictures, and what a row needs before it is measured, are kept for later calls. */
    keep: { type: 'string' },
    /** Makes that and measures nothing: the measuring alone needs a quiet machine. */
    prepare: { type: 'boolean', default: false },
    /** Files of their own in place of links, as pictures are: a million take 4 GB. */
    copies: { type: 'boolean', default: false },
    /** Before each work Linux forgets what it has read of the disk (as root only). */
    cold: { type: 'boolean', default: false },
  },
})
const [older = '.'] = positionals
const [pictures, rounds] = [Number(values.pictures), Number(values.rounds)]
const builds = { older: path.resolve(older), newer: HERE }
const scratch = mkdtempSync(path.join(values.scratch, 'sage-bench-'))
const kept = values.keep ?? scratch

/** Another name for a file in `scratch`; a copy where it has none to spare or lies elsewhere. */
const originals = new Map()
function linkTo(file, target) {
  const known = originals.get(file)
  if (values.copies) copyFileSync(file, target)
  else if (known === undefined || known.names >= MOST_LINKS) {
    copyFileSync(file, target)
    originals.set(file, { place: target, names: 1 })
  } else {
    linkSync(known.place, target)
    known.names++
  }
}

/** Class folders with `count` of the pictures of `folder`, as many of each class as of the others. */
function someOf(folder, count) {
  const out = path.join(kept, `cifar-${count}`)
  if (existsSync(out)) return out
  const classes = readdirSync(folder).sort()
  for (const [k, name] of classes.entries()) {
    const share = Math.floor(((k + 1) * count) / classes.length) - Math.floor((k * count) / classes.length)
    mkdirSync(path.join(out, name), { recursive: true })
    for (const file of readdirSync(path.join(folder, name)).sort().slice(0, share))
      linkTo(path.join(folder, name, file), path.join(out, name, file))
  }
  return out
}

/** `count` grey pictures of 28 x 28, the same 300 again and again, a thousand in a folder, and their labels.csv. */
function greyPictures(count) {
  const [out, fixture] = [path.join(kept, `grey-${count}`), path.join(HERE, 'fixtures/fashion-mnist')]
  if (existsSync(path.join(out, 'labels.csv'))) return out
  const [header, ...rows] = readFileSync(path.join(fixture, 'labels.csv'), 'utf8').trimEnd().split('\n')
  const lines = [header]
  for (let i = 0; i < count; i++) {
    const home = String(Math.floor(i / 1000)).padStart(5, '0')
    if (i % 1000 === 0) mkdirSync(path.join(out, home), { recursive: true })
    const [file, label] = rows[i % rows.length].split(',')
    const name = `${home}/${String(i).padStart(9, '0')}.png`
    linkTo(path.join(fixture, file), path.join(out, name))
    lines.push(`${name},${label}`)
  }
  writeFileSync(path.join(out, 'labels.csv'), `${lines.join('\n')}\n`)
  return out
}

/** Seconds on the processors of a process that still runs (Linux). */
function cpuOf(pid) {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  const [user, system] = stat
    .slice(stat.lastIndexOf(')') + 2)
    .split(' ')
    .slice(11, 13)
  return (Number(user) + Number(system)) / 100
}

/** Runs the program of a checkout to its end; also what had been spent when its first output was there. */
async function run(build, args) {
  if (values.cold) execSync('sync && echo 3 > /proc/sys/vm/drop_caches')
  const file = path.join(scratch, 'spent.json')
  const env = { ...process.env, SPENT: file, NODE_OPTIONS: `--import ${pathToFileURL(SPENT)}` }
  const started = performance.now()
  const seconds = () => (performance.now() - started) / 1000
  const program = path.join(builds[build], 'bin/sage-augment.js')
  const child = spawn(process.execPath, [program, ...args], { env, stdio: ['ignore', 'pipe', 'inherit'] })
  const ended = new Promise((resolve) => child.on('close', resolve))
  let first
  for await (const line of createInterface({ input: child.stdout })) {
    if (first === undefined && line.startsWith('{"type":"progress"')) {
      const peak = Number(readFileSync(`/proc/${child.pid}/status`, 'utf8').match(/VmHWM:\s+(\d+)/)[1]) / 1024
      first = { wall: seconds(), cpu: cpuOf(child.pid), peak }
    }
  }
  const code = await ended
  if (code !== 0) throw new Error(`${program} ${args.join(' ')}: exit code ${code}`)
  return { whole: { wall: seconds(), ...JSON.parse(readFileSync(file, 'utf8')) }, first }
}

const knownOptions = { newer: await helpOf('newer'), older: await helpOf('older') }
async function helpOf(build) {
  const child = spawn(process.execPath, [path.join(builds[build], 'bin/sage-augment.js'), '--help-all'])
  let text = ''
  for await (const chunk of child.stdout) text += chunk
  return text
}

const out = (build) => path.join(scratch, `out-${build}`)
const clear = (build) => rmSync(out(build), { recursive: true, force: true })

/** A row that is a run into a new folder. */
function fresh(name, args) {
  return {
    names: [name],
    async measure(build) {
      clear(build)
      return [(await run(build, [...args, '--quiet', '--out', out(build)])).whole]
    },
  }
}

function cachedRow(cifar) {
  const cached = (build) =>
    /--cache\b/.test(knownOptions[build]) ? ['--cache', path.join(kept, `cache-${build}-${pictures}`)] : []
  return {
    names: [`${pictures} CIFAR pictures, another method after SAGE (--cache)`],
    async prepare(build) {
      if (cached(build).length === 0 || existsSync(cached(build)[1])) return
      clear(build)
      await run(build, [cifar, '--quiet', '--out', out(build), ...cached(build)])
    },
    async measure(build) {
      clear(build)
      return [
        (await run(build, [cifar, '--quiet', '--method', 'saliencymix', '--out', out(build), ...cached(build)])).whole,
      ]
    },
  }
}

function shardRow(inputs) {
  const folder = greyPictures(inputs)
  const args = (build) => [folder, '--out', out(build), '--shard', '1/1000', '--json']
  return {
    names: [`shard 1/1000 of ${inputs} inputs, to the first picture`, `the same shard, finished, again`],
    async measure(build) {
      clear(build)
      const { first } = await run(build, args(build))
      return [first, (await run(build, args(build))).whole]
    },
  }
}

function verifyRow(outputs) {
  const folder = greyPictures(300)
  const made = (build) => path.join(kept, `verified-${build}-${outputs}`)
  return {
    names: [`verify of ${outputs} outputs`],
    async prepare(build) {
      if (existsSync(made(build))) return
      await run(build, [folder, '--count', String(outputs), '--method', 'mixup', '--quiet', '--out', made(build)])
    },
    measure: async (build) => [(await run(build, ['verify', made(build)])).whole],
  }
}

/** The rows by their names in --only, each made when its turn comes. */
const table = {
  ...(values.cifar !== undefined && {
    epochs: () =>
      fresh(`${pictures} CIFAR pictures, --epochs ${values.epochs}`, [
        someOf(values.cifar, pictures),
        '--epochs',
        values.epochs,
      ]),
    cifar: () => fresh(`${pictures} CIFAR pictures, one epoch`, [someOf(values.cifar, pictures)]),
    cache: () => cachedRow(someOf(values.cifar, pictures)),
  }),
  mixup: () =>
    fresh(`${pictures} Fashion-MNIST pictures, mixup, one epoch`, [greyPictures(pictures), '--method', 'mixup']),
  shard: () => shardRow(Number(values.inputs)),
  verify: () => verifyRow(Number(values.outputs)),
}

function median(numbers) {
  const sorted = [...numbers].sort((a, b) => a - b)
  return (sorted[Math.floor((sorted.length - 1) / 2)] + sorted[Math.ceil((sorted.length - 1) / 2)]) / 2
}

const seconds = (number) => number.toFixed(number < 10 ? 2 : 1)

/** Prints the lines of a row: medians of what has been found. */
function print({ names }, found) {
  for (const [i, name] of names.entries()) {
    const of = (build, what) => median(found[build].map((measured) => measured[i][what]))
    const cells = ['wall', 'cpu'].flatMap((what) => {
      const [before, now] = [of('older', what), of('newer', what)]
      return [seconds(before), seconds(now), `**${(before / now).toFixed(1)}**`]
    })
    const memory = ['older', 'newer'].map((build) => of(build, 'peak').toFixed(0))
    process.stdout.write(`| ${[name, ...cells, ...memory].join(' | ')} |\n`)
  }
}

/** Ends with the rounds that are whole. */
let stop = () => process.exit(143)
process.on('SIGTERM', () => stop())

/** Measures a row's builds in turn, the first of a round being the second of the next, and prints its lines. */
async function report(row) {
  const found = { older: [], newer: [] }
  for (const build of ['older', 'newer']) await row.prepare?.(build)
  if (values.prepare) return
  stop = () => {
    const whole = Math.min(found.older.length, found.newer.length)
    if (whole > 0) print(row, { older: found.older.slice(0, whole), newer: found.newer.slice(0, whole) })
    process.stdout.write(`stopped after ${whole} of ${rounds} rounds\n`)
    process.exit(143)
  }
  for (let round = 0; round < rounds; round++) {
    const order = round % 2 === 0 ? ['older', 'newer'] : ['newer', 'older']
    for (const build of order) found[build].push(await row.measure(build))
  }
  print(row, found)
}

process.stdout.write(
  '| work | s before | now | times | s of CPU before | now | times | MB before | now |\n|---|---|---|---|---|---|---|---|---|\n',
)
try {
  const wanted = values.only?.split(',') ?? Object.keys(table)
  for (const name of wanted) {
    await report(await table[name]())
    rmSync(scratch, { recursive: true })
    originals.clear()
    mkdirSync(scratch)
  }
} finally {
  rmSync(scratch, { recursive: true })
}
