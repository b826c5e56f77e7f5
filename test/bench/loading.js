/**
 * Time and memory from a model file to a session of its gradient, in a process of its own:
 *   npm run build && node --expose-gc test/bench/loading.js <model.onnx>
 */
import path from 'node:path'
import { readModelFile } from '../../dist/classifiers/modelFile.js'
import { gradientModel } from '../../dist/saliency/gradientModel.js'
import { createSession } from '../../dist/saliency/session.js'

const MB = 1e6
const start = performance.now()
let size = 0

async function differentiated(file) {
  const bytes = await readModelFile(file)
  size = bytes.length
  return gradientModel(bytes, path.basename(file))
}

function report(stage) {
  const peak = process.resourceUsage().maxRSS * 1024
  const { user, system } = process.cpuUsage()
  const figures = [
    `${((performance.now() - start) / 1000).toFixed(1)} s`,
    `${((user + system) / 1e6).toFixed(1)} s of CPU`,
    `peak ${(peak / MB).toFixed(0)} MB, ${(peak / size).toFixed(2)} times the file`,
  ]
  process.stdout.write(`${stage}: ${figures.join(', ')}\n`)
}

const bytes = await differentiated(process.argv[2])
report('differentiated')
globalThis.gc?.()
const session = await createSession(bytes, { device: 'cpu', threads: 2 })
report('loaded')
await session.release()
