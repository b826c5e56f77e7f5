/** Preloaded with `node --import`: a worker thread, of `inference` or of `mixing` as CRASH says, dies after a few answers. */
import { isMainThread, parentPort, workerData } from 'node:worker_threads'

if (!isMainThread && process.env.CRASH === (workerData === null ? 'mixing' : 'inference')) {
  const answer = parentPort.postMessage.bind(parentPort)
  let left = 2
  parentPort.postMessage = (...message) => {
    if (left-- > 0) return answer(...message)
    setImmediate(() => {
      throw new Error('injected')
    })
  }
}
