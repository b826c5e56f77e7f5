#!/usr/bin/env bash
# onnxruntime-node 1.30.0, CPU: InferenceSession.run returns a promise and yet holds the event loop.
#
# Expected: while a run is in flight, timers fire and a second run can overlap, as with sharp or fs.promises.
# Seen: a timer of 1 ms does not fire while two runs of some hundred milliseconds are awaited together, and the two take
# as long as one after the other. A server or a progress bar in the same thread stands still: use a worker thread.
#
# The model is one MatMul, written byte by byte below. Prints times and ticks; fails if timers fire during a run.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
ONNXRUNTIME_NODE_INSTALL=skip npm install --silent --no-audit --no-fund --ignore-scripts onnxruntime-node@1.30.0
cat > run.mjs <<'JS'
import ort from 'onnxruntime-node'

const varint = (n) => (n < 128 ? [n] : [(n & 127) | 128, ...varint(n >> 7)])
const bytes = (field, content) => [(field << 3) | 2, ...varint(content.length), ...content]
const text = (field, s) => bytes(field, [...Buffer.from(s)])
const number = (field, n) => [field << 3, ...varint(n)]
const SIDE = 1024
const matrix = [...number(1, 1), ...bytes(2, [SIDE, SIDE].flatMap((n) => bytes(1, number(1, n))))]
const value = (name) => [...text(1, name), ...bytes(2, bytes(1, matrix))]
const node = (a, b) => [...text(1, 'x'), ...text(1, a), ...text(2, b), ...text(4, 'MatMul')]
const chain = Array.from({ length: 8 }, (_, i) => bytes(1, node(i === 0 ? 'x' : `h${i}`, i === 7 ? 'y' : `h${i + 1}`)))
const graph = [...chain.flat(), ...text(2, 'g'), ...bytes(11, value('x')), ...bytes(12, value('y'))]
const model = Uint8Array.from([...number(1, 8), ...bytes(7, graph), ...bytes(8, number(2, 17))])

const session = await ort.InferenceSession.create(model, { intraOpNumThreads: 1 })
const feeds = { x: new ort.Tensor('float32', new Float32Array(SIDE * SIDE), [SIDE, SIDE]) }
const once = () => session.run(feeds)
await once()
let ticks = 0
const timer = setInterval(() => ticks++, 1)
const wait = () => new Promise((done) => setTimeout(done, 0))
await wait()
ticks = 0
const began = performance.now()
await Promise.all([once(), once()])
const took = performance.now() - began
const during = ticks
clearInterval(timer)
console.log(`two runs awaited together: ${took.toFixed(0)} ms, timer of 1 ms fired ${during} times`)
if (took < 20) throw new Error('too fast to tell')
if (during > took / 10) throw new Error('the event loop goes on during a run now')
JS
node run.mjs
