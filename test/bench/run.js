/**
 * Images a second of a whole run and of each of its stages alone, side by side, with all cores:
 *
 *     node test/bench/run.js <image folder> [outputs] [-- more options of the whole run]
 *
 * The stages are timed with the defaults.
 * On a machine without a GPU all stages share the cores, so the time a picture takes is at least the sum of its stages'.
 */
import { spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import path from 'node:path'
import pLimit from 'p-limit'
import { encodeImage } from '../../dist/codec/codec.js'
import { decodeImage } from '../../dist/codec/decode.js'
import { readManifest } from '../../dist/dataset/manifest.js'
import { folderMaker, writeAtomic } from '../../dist/output/atomic.js'
import { parseConfig } from '../../dist/run/config.js'
import { startExplainer } from '../../dist/run/explainer.js'
import { startMixer } from '../../dist/run/mixer.js'

const [folder, count = '5000'] = process.argv.slice(2)
const more = process.argv.includes('--') ? process.argv.slice(process.argv.indexOf('--') + 1) : []
const { root, classes, sources } = await readManifest(folder)
const n = Math.min(Number(count), sources.length, 2000)
const cores = availableParallelism()
const scratch = mkdtempSync(path.join(tmpdir(), 'sage-bench-'))

/** Milliseconds an item of `work` over items 0 to n - 1, `width` at a time. */
async function time(name, width, work) {
  await Promise.all(Array.from({ length: Math.min(n, 64) }, (_, i) => work(i)))
  const limit = pLimit(width)
  const started = performance.now()
  const results = await Promise.all(Array.from({ length: n }, (_, i) => limit(work, i)))
  const each = (performance.now() - started) / n
  process.stdout.write(
    `${name.padEnd(24)} ${each.toFixed(2).padStart(7)} ms ${(1000 / each).toFixed(0).padStart(6)} a second\n`,
  )
  return { each, results }
}

const decode = await time('decode', 2 * cores, async (i) =>
  decodeImage(readFileSync(path.join(root, sources.at(i).file)), sources.at(i).file, { maxPixels: 2 ** 28 }),
)
const config = parseConfig({ images: folder })
const explainer = await startExplainer(config, { root, sources, classes })
const { estimator } = explainer
const saliency = await time('saliency', 4 * estimator.batch, (i) => estimator.estimate(i, decode.results[i]))
await estimator.close()

const views = decode.results.map((image, i) => ({ image, saliency: saliency.results[i].saliency }))
const mixerOf = (shift) =>
  startMixer({ mixes: n }, parseConfig({ shift }), cores, {
    canvasOf: async (i) => [views[i].image.width, views[i].image.height],
    view: async (i) => views[i],
  })
const same = (i) => {
  const { width, height } = views[i].image
  for (let j = (i + 1) % n; j !== i; j = (j + 1) % n) {
    if (views[j].image.width === width && views[j].image.height === height) return j
  }
  return i
}
const timeMix = async (name, shift) => {
  const mixer = mixerOf(shift)
  const timed = await time(name, 4 * cores, (i) => mixer.mix({ index: i, sources: [i, same(i)] }))
  await mixer.close()
  return timed
}
const mix = await timeMix('mask and mix', 'none')
const both = await timeMix('shift, mask and mix', 'exact')
const encode = await time('encode', 2 * cores, (i) => encodeImage(mix.results[i].image, 'jpeg', 95))
const makeFolder = folderMaker()
const write = await time('write (fsync, rename)', 2 * cores, async (i) => {
  await makeFolder(scratch)
  await writeAtomic(path.join(scratch, `${i}.jpg`), encode.results[i], scratch)
})

const started = performance.now()
const out = path.join(scratch, 'aug')
const bin = path.resolve(import.meta.dirname, '../../bin/sage-augment.js')
const child = spawn(process.execPath, [bin, folder, '--out', out, '--count', count, '--json', ...more], {
  stdio: ['ignore', 'pipe', 'inherit'],
})
let [text, peak] = ['', 0]
child.stdout.on('data', (chunk) => {
  text += chunk
})
const sampler = setInterval(() => {
  const status = readFileSync(`/proc/${child.pid}/status`, 'utf8').match(/VmRSS:\s+(\d+)/)
  peak = Math.max(peak, Number(status?.[1] ?? 0) / 1024)
}, 200)
await new Promise((resolve) => child.on('close', resolve))
clearInterval(sampler)
const { made, seconds } = JSON.parse(text.trimEnd().split('\n').at(-1))
rmSync(scratch, { recursive: true })
const sum = decode.each + saliency.each + both.each + encode.each + write.each
const whole = (1000 * seconds) / made
process.stdout.write(
  `${'sum of the stages'.padEnd(24)} ${sum.toFixed(2).padStart(7)} ms ${(1000 / sum).toFixed(0).padStart(6)} a second\n`,
)
process.stdout.write(
  `${'the whole run'.padEnd(24)} ${whole.toFixed(2).padStart(7)} ms ${(1000 / whole).toFixed(0).padStart(6)} a second, start included\n`,
)
process.stdout.write(
  `ratio to the bound ${(sum / whole).toFixed(2)}; ${made} outputs in ${seconds.toFixed(1)} s, wall ${((performance.now() - started) / 1000).toFixed(1)} s, peak RSS ${peak.toFixed(0)} MB\n`,
)
