#!/usr/bin/env bash
# onnxruntime-node 1.30.0, CPU: an output that is given its memory is written there, and then copied into new memory all the same.
#
# Expected: session.run(feeds, { y: tensor }) writes into `tensor` and gives it back, as its typings say of
# fetches (a value that is present is used as a pre-allocated one), so that a caller who runs a model again and again pays for no copy.
# Seen: the values are in `tensor`, but result.y is another tensor, with other memory of equal content, and the run takes as long as
# without a tensor: the copy into fresh memory, which the system fills with zeros page by page, costs more than the operator. A graph
# that gives back all that it is fed the next time (weights, a cache of keys and values) pays that in every run. Way out: several steps
# in one run, as a Scan or Loop.
#
# The model is y = -x of 64 MiB beside its largest element. Prints times; fails if what is given back is the tensor that was given.
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
const number = (field, n) => [...varint(field << 3), ...varint(n)]
const SIZE = 2 ** 24
const value = (name, dims) => [
  ...text(1, name),
  ...bytes(2, bytes(1, [...number(1, 1), ...bytes(2, dims.flatMap((n) => bytes(1, number(1, n))))])),
]
const node = (op, to) => [...text(1, 'x'), ...text(2, to), ...text(4, op)]
const keepdims = bytes(5, [...text(1, 'keepdims'), ...number(3, 0), ...number(20, 2)])
const graph = [
  ...bytes(1, node('Neg', 'y')),
  ...bytes(1, [...node('ReduceMax', 'm'), ...keepdims]),
  ...text(2, 'g'),
  ...bytes(11, value('x', [SIZE])),
  ...bytes(12, value('y', [SIZE])),
  ...bytes(12, value('m', [])),
]
const model = Uint8Array.from([...number(1, 8), ...bytes(7, graph), ...bytes(8, number(2, 17))])

const session = await ort.InferenceSession.create(model, { intraOpNumThreads: 1 })
const x = new ort.Tensor('float32', new Float32Array(SIZE).fill(1.5), [SIZE])
const y = new ort.Tensor('float32', new Float32Array(SIZE), [SIZE])
const least = async (job) => {
  let best = Number.POSITIVE_INFINITY
  for (let i = 0; i < 8; i++) {
    const began = performance.now()
    await job()
    best = Math.min(best, performance.now() - began)
  }
  return best.toFixed(0)
}
let given
const times = [
  await least(() => session.run({ x }, ['m'])),
  await least(() => session.run({ x }, ['y'])),
  await least(async () => (given = (await session.run({ x }, { y })).y)),
]
console.log(`ms: largest element ${times[0]}, y ${times[1]}, y into memory that is there ${times[2]}`)
console.log(`written there: ${y.data[SIZE - 1] === -1.5}; given back: ${given === y ? 'it' : 'another tensor'}`)
if (y.data[SIZE - 1] !== -1.5) throw new Error('the memory that was given is not written to now')
if (given === y || given.data.buffer === y.data.buffer) throw new Error('the memory that was given is given back now')
JS
node run.mjs
