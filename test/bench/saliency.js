/**
 * Times the maps of a bundled classifier in units of its own forward pass, for docs/saliency.md.
 *   npm run build && node test/bench/saliency.js [model] [pictures a batch] [rounds]
 * Each kind is run in turn with the forward pass, on one thread; the least of all rounds counts, in processor time.
 */
import { resolveModel } from '../../dist/classifiers/resolveModel.js'
import { MODEL_KINDS } from '../../dist/core/saliencyKinds.js'
import { forwardModel } from '../../dist/saliency/forwardModel.js'
import { saliencyModel } from '../../dist/saliency/saliencyModel.js'
import { createSession } from '../../dist/saliency/session.js'

const [name = 'general', batch = 1, rounds = 20] = process.argv.slice(2).map((text, i) => (i > 0 ? Number(text) : text))

const { bytes, preprocessing, width, height } = await resolveModel(name, [], {})
const input = { preprocessing, width, height }
const forward = await forwardModel(bytes, name, input, 'probabilities')
const models = [['forward', forward, null]]
for (const kind of MODEL_KINDS) {
  const options = { ...input, kind, loss: 'ce', target: 'label', channelNorm: 'mean' }
  const model = await saliencyModel(bytes, name, options)
  models.push([kind, model, model.classes])
}

const size = width * height * 3
const data = Uint8Array.from({ length: batch * size }, (_, i) => 128 + 100 * Math.sin(i / 97) * Math.cos(i / 4001))
const runs = []
for (const [kind, model, classes] of models) {
  const session = await createSession(model.bytes, { device: 'cpu', threads: 1 })
  const target = classes && Float32Array.from({ length: batch * classes }, (_, i) => (i % classes === 7 ? 1 : 0))
  const feeds = {
    pixels: { type: 'uint8', dims: [batch, height, width, 3], data },
    ...(classes && { target: { type: 'float32', dims: [batch, classes], data: target } }),
  }
  runs.push({ kind, least: Number.POSITIVE_INFINITY, run: () => session.run(feeds) })
}
for (let round = 0; round < rounds; round++) {
  for (const one of runs) {
    const before = process.cpuUsage()
    await one.run()
    const { user, system } = process.cpuUsage(before)
    one.least = Math.min(one.least, (user + system) / 1000)
  }
}
const [{ least: unit }] = runs
for (const { kind, least } of runs) {
  const time = `${(least / batch).toFixed(1)} ms a picture, ${(least / unit).toFixed(2)} forward passes`
  process.stdout.write(`${kind}: ${time}\n`)
}
