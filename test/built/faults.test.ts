import { spawnSync } from 'node:child_process'
import {
  cpSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { afterAll, expect, test } from 'vitest'
import { FASHION, type Finished, ROOT, run, spawned, start } from '../helpers/cli.js'
import { injectFault } from '../helpers/fileFaults.js'
import { temporaryFolder, tree } from '../helpers/folder.js'
import { needing } from '../helpers/needing.js'

/** One copy of the pictures that tests may damage, and what a run makes of it when nothing goes wrong. */
const home = mkdtempSync(path.join(tmpdir(), 'sage-augment-'))
const images = path.join(home, 'pictures')
cpSync(FASHION, images, { recursive: true })
const COMMAND = [images, '--count', '80', '--batch', '8', '--quiet', '--out']
expect(await run([...COMMAND, path.join(home, 'whole')])).toMatchObject({ code: 0 })
const whole = tree(path.join(home, 'whole'))
/** The same without maps, which takes a third of the time: for faults that have nothing to do with them. */
const PLAIN = [images, '--method', 'mixup', ...COMMAND.slice(1)]
expect(await run([...PLAIN, path.join(home, 'plain')])).toMatchObject({ code: 0 })
const plain = tree(path.join(home, 'plain'))
const provenance: { sources: [{ file: string }, { file: string }] }[] = whole['provenance.jsonl']!.trimEnd()
  .split('\n')
  .map((line) => JSON.parse(line))
afterAll(() => rmSync(home, { recursive: true }))

const preload = (name: string) => ({ NODE_OPTIONS: `--import ${path.join(ROOT, 'test/helpers', name)}` })
type FileFault = [call: string, where: string, code: string, after?: number]

const faultOf = ([call, path, code, after = 0]: FileFault) => ({ call, path, code, after })

/** Runs the program in this process while files fail. */
async function runWithFault(args: readonly string[], fault: FileFault): Promise<Finished> {
  const mend = injectFault(faultOf(fault))
  return run(args).finally(mend)
}

/** A message of one line and a hint, nothing half-written, and the same command without the fault ends as if nothing had been. */
async function expectOrderlyFailure(ended: Finished, code: number, message: RegExp, out: string, command = COMMAND) {
  const expected = command === PLAIN ? plain : whole
  expect(ended).toMatchObject({ code, stdout: '', stderr: expect.stringMatching(message) })
  expect(ended.stderr).toMatch(/^[^\n]+\n {2}hint: [^\n]+\n$/)
  const left = existsSync(out) ? tree(out, ['run.json', '.sage/inputs.tsv']) : {}
  for (const [name, bytes] of Object.entries(left)) {
    if (name.startsWith('images/')) expect(bytes === expected[name], name).toBe(true)
    else expect(expected[name]!.startsWith(bytes), name).toBe(true)
  }
  expect(await run([...command, out])).toMatchObject({ code: 0, stderr: '' })
  expect(tree(out)).toEqual(expected)
}

const FILE_FAULTS: FileFault[] = [
  ['write', 'tmp/.*jpg', 'ENOSPC', 20],
  ['sync', 'tmp/.*jpg', 'EIO', 20],
  ['open', 'tmp/.*jpg', 'EACCES', 0],
  ['rename', 'tmp/.*jpg', 'EACCES', 20],
  ['open', 'tmp/.*jpg', 'EMFILE', 20],
  ['open', 'pictures/.*png', 'EMFILE', 20],
  ['read', 'pictures/.*png', 'EIO', 40],
  ['write', 'labels\\.csv', 'ENOSPC', 1],
  ['write', 'metadata\\.jsonl', 'EIO', 0],
  ['write', 'provenance\\.jsonl', 'ENOSPC', 0],
  ['sync', 'provenance\\.jsonl', 'EIO', 0],
  ['write', 'run\\.json', 'ENOSPC', 1],
  ['write', 'inputs\\.tsv', 'ENOSPC', 0],
  ['open', 'lock', 'EACCES', 0],
]

/** An input, an output and a table while maps are made. */
const WITH_MAPS = new Set([0, 6, 9].map((i) => FILE_FAULTS[i]))

test.for(FILE_FAULTS)('where %s of %s fails with %s the run ends in order and can be completed', async (fault) => {
  const out = path.join(temporaryFolder(), 'aug')
  const command = WITH_MAPS.has(fault) ? COMMAND : PLAIN
  const ended = await runWithFault([...command, out], fault)
  await expectOrderlyFailure(ended, 1, new RegExp(`^\\S+: [a-z ]+ \\(${fault[2]}\\)$`, 'm'), out, command)
})

needing('ulimit', process.platform !== 'win32').for([22, 28])(
  'a limit of %i open files is told in one line',
  (limit) => {
    const out = path.join(temporaryFolder(), 'aug')
    const program = [process.execPath, path.join(ROOT, 'bin/sage-augment.js'), ...COMMAND, out]
    const script = `ulimit -n ${limit}; exec "$0" "$@"`
    const { status, stderr } = spawnSync('bash', ['-c', script, ...program], { encoding: 'utf8' })
    expect(status).toBe(1)
    expect(stderr).toMatch(/^[^\n]+\n {2}hint: raise the limit of open files \(ulimit -n\)[^\n]*\n$/)
    expect(existsSync(out)).toBe(false)
  },
)

test.for(['inference', 'mixing'])('a crashed thread of %s is told in one line and loses nothing', async (kind) => {
  const out = path.join(temporaryFolder(), 'aug')
  const ended = await spawned([...COMMAND, out], { ...preload('threadFault.js'), CRASH: kind })
  await expectOrderlyFailure(ended, 1, /^worker thread: stopped unexpectedly \(injected\)/, out)
})

test('a model that runs out of memory gets smaller batches, which change nothing', async () => {
  const out = path.join(temporaryFolder(), 'aug')
  const memory = (fits: number) => ({ ...preload('memoryFault.js'), FITS: `${fits}` })
  const ended = await spawned([...COMMAND, out], memory(0))
  await expectOrderlyFailure(ended, 1, /^fashion-mnist: not enough memory for 1 picture of 28 x 28/, out)
  const small = `${out}-small`
  expect(await spawned([...COMMAND, small], memory(3))).toMatchObject({ code: 0, stderr: '' })
  expect(tree(small)).toEqual(whole)
})

test('an input that cannot be read or has vanished is skipped, and retried when it is back', async () => {
  const file = provenance.at(-1)!.sources[0].file
  const source = path.join(images, file)
  const skipped = async (out: string, ended: Finished, message: RegExp) => {
    expect(ended).toMatchObject({ code: 3, stderr: '' })
    const failures = readFileSync(path.join(out, 'failures.jsonl'), 'utf8').trimEnd().split('\n')
    for (const line of failures) expect(JSON.parse(line)).toMatchObject({ message: expect.stringMatching(message) })
    expect(await run([...COMMAND, out, '--retry-failed'])).toMatchObject({ code: 0, stderr: '' })
    expect(tree(out)).toEqual(whole)
  }
  const closed = path.join(temporaryFolder(), 'aug')
  const ended = await runWithFault([...COMMAND, closed], ['open', `pictures/${file}`, 'EACCES'])
  await skipped(closed, ended, new RegExp(`^${file}: permission denied, expected a readable picture$`))
  const out = path.join(temporaryFolder(), 'aug')
  const { ended: going } = await underWay(out)
  renameSync(source, `${source}.away`)
  const without = await going
  renameSync(`${source}.away`, source)
  await skipped(out, without, new RegExp(`^${file}: not there any more, expected a picture$`))
})

test('an input that changes during the run ends it, and only the picture as it was continues it', async () => {
  const source = path.join(images, provenance.at(-1)!.sources[0].file)
  const [bytes, { mtime }] = [readFileSync(source), statSync(source)]
  const out = path.join(temporaryFolder(), 'aug')
  const { ended: going } = await underWay(out)
  writeFileSync(source, bytes.subarray(0, bytes.length - 1))
  const ended = await going
  expect(await run([...COMMAND, out])).toMatchObject({
    code: 6,
    stderr: expect.stringContaining(`${bytes.length - 1} bytes`),
  })
  writeFileSync(source, bytes)
  utimesSync(source, mtime, mtime)
  await expectOrderlyFailure(
    ended,
    6,
    /^\d+\.png: found \d+ bytes of .*Z, expected \d+ bytes of .*Z as when the run began/,
    out,
  )
})

test('an input of a finished output that has other content by now is refused, and one merely copied again is not', async () => {
  const file = provenance[0]!.sources[0].file
  const source = path.join(images, file)
  const bytes = readFileSync(source)
  const out = path.join(temporaryFolder(), 'aug')
  const { ended: going } = await underWay(out, 'SIGTERM')
  expect(await going).toMatchObject({ code: 75 })
  writeFileSync(source, Uint8Array.from(bytes).reverse())
  const ended = await run([...COMMAND, out])
  writeFileSync(source, bytes)
  await expectOrderlyFailure(
    ended,
    6,
    new RegExp(`^${file}: found other content, expected what the run began with`),
    out,
  )
})

test.for(['truncate', 'rm'])('a run killed at the %s of going back to its failures can go back again', async (call) => {
  const file = provenance[40]!.sources[0].file
  const out = path.join(temporaryFolder(), 'aug')
  expect(await runWithFault([...COMMAND, out], ['open', `pictures/${file}`, 'EACCES'])).toMatchObject({ code: 3 })
  const killed = {
    ...preload('fileFaults.js'),
    FAULT: JSON.stringify(faultOf([call, '(provenance|failures)\\.jsonl', 'SIGKILL'])),
  }
  expect(await spawned([...COMMAND, out, '--retry-failed'], killed)).toMatchObject({ code: null })
  expect(await run([...COMMAND, out, '--retry-failed'])).toMatchObject({ code: 0, stderr: '' })
  expect(tree(out)).toEqual(whole)
})

/** Starts a run and waits for its first picture, which is written before it has its name. */
async function underWay(out: string, signal?: NodeJS.Signals): Promise<{ ended: Promise<Finished> }> {
  const { child, ended } = start([...COMMAND, out])
  const written = path.join(out, '.sage/tmp')
  const isWritten = () => existsSync(written) && readdirSync(written).some((name) => name.includes('.jpg'))
  while (!isWritten() && child.exitCode === null) await wait(2)
  if (signal !== undefined) child.kill(signal)
  return { ended }
}
