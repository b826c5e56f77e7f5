/**
 * Memory of a run of many small pictures, sampled from /proc while it goes (Linux); exit 1 above the limits:
 *
 *     node test/bench/memory.js [outputs] [image folder]
 *
 * Without a folder the pictures are copies of the 300 in fixtures/fashion-mnist.
 */
import { spawn } from 'node:child_process'
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { createInterface } from 'node:readline'

const MOST_MB = 700
const MOST_KB_EACH = 1
/** Caches are full and thread pools warm after so many outputs. */
const SETTLED = 5000

const [outputs = '20000', given] = process.argv.slice(2)
const scratch = mkdtempSync(path.join(tmpdir(), 'sage-bench-'))
const root = path.resolve(import.meta.dirname, '../..')

/** A folder of `count` copies of the fixture's pictures. */
function makePictures(count) {
  const fixture = path.join(root, 'fixtures/fashion-mnist')
  const [header, ...rows] = readFileSync(path.join(fixture, 'labels.csv'), 'utf8').trimEnd().split('\n')
  const lines = [header]
  for (let i = 0; i < count; i++) {
    const [file, label] = rows[i % rows.length].split(',')
    copyFileSync(path.join(fixture, file), path.join(scratch, `${i}.png`))
    lines.push(`${i}.png,${label}`)
  }
  writeFileSync(path.join(scratch, 'labels.csv'), `${lines.join('\n')}\n`)
  return scratch
}

const images = given ?? makePictures(Number(outputs))
const args = [images, '--out', path.join(scratch, 'aug'), '--count', outputs, '--json']
const child = spawn(process.execPath, [path.join(root, 'bin/sage-augment.js'), ...args], {
  stdio: ['ignore', 'pipe', 'inherit'],
})
const samples = []
const megabytes = (name) =>
  Number(readFileSync(`/proc/${child.pid}/status`, 'utf8').match(`${name}:\\s+(\\d+)`)?.[1] ?? 0) / 1024
let peak = 0
for await (const line of createInterface({ input: child.stdout })) {
  const event = JSON.parse(line)
  if (event.type !== 'progress' || event.done === event.total) continue
  samples.push({ done: event.done, rss: megabytes('VmRSS') })
  peak = Math.max(peak, megabytes('VmHWM'))
}
rmSync(scratch, { recursive: true })

/** Least-squares slope of memory over outputs, in KB an output. */
function slope(points) {
  const mean = (of) => points.reduce((sum, point) => sum + of(point), 0) / points.length
  const [x, y] = [mean(({ done }) => done), mean(({ rss }) => rss)]
  const [xy, xx] = [mean(({ done, rss }) => (done - x) * (rss - y)), mean(({ done }) => (done - x) ** 2)]
  return (1024 * xy) / xx
}

const growth = slope(samples.filter(({ done }) => done >= SETTLED))
for (const { done, rss } of samples.filter((_, i) => i % Math.ceil(samples.length / 20) === 0)) {
  process.stdout.write(`${String(done).padStart(7)} outputs ${rss.toFixed(0).padStart(5)} MB\n`)
}
process.stdout.write(`peak ${peak.toFixed(0)} MB, ${growth.toFixed(2)} KB an output after ${SETTLED}\n`)
process.exitCode = peak <= MOST_MB && growth <= MOST_KB_EACH ? 0 : 1
