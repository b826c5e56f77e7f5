#!/usr/bin/env bash
# onnxruntime-node 1.30.0: the session option freeDimensionOverrides has no effect.
#
# Expected: the typings have `freeDimensionOverrides: { batch: 3 }` and say that it is available in the Node.js binding. A
# session made with it has an input of 3 rows and refuses other batches, as with Python's
# SessionOptions.add_free_dimension_override_by_name.
# Seen: the session still says "batch" and runs any number of rows, so shape inference and constant folding that need the
# size do not happen. Way out: write dim_value into the model's bytes before loading it.
#
# Prints what the input's shape is; fails if the override is taken.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
npm init -y >/dev/null
ONNXRUNTIME_NODE_INSTALL=skip npm install --silent --no-audit --no-fund --ignore-scripts onnxruntime-node@1.30.0
cat > run.mjs <<'JS'
import ort from 'onnxruntime-node'

const bytes = (field, content) => [(field << 3) | 2, content.length, ...content]
const text = (field, s) => bytes(field, [...Buffer.from(s)])
const shape = bytes(2, [...bytes(1, text(2, 'batch')), ...bytes(1, [1 << 3, 4])])
const value = (name) => [...text(1, name), ...bytes(2, bytes(1, [1 << 3, 1, ...shape]))]
const node = [...text(1, 'x'), ...text(2, 'y'), ...text(4, 'Relu')]
const graph = [...bytes(1, node), ...text(2, 'g'), ...bytes(11, value('x')), ...bytes(12, value('y'))]
const model = Uint8Array.from([1 << 3, 8, ...bytes(7, graph), ...bytes(8, [2 << 3, 17])])

const session = await ort.InferenceSession.create(model, { freeDimensionOverrides: { batch: 3 } })
const [{ shape: declared }] = session.inputMetadata
const five = await session.run({ x: new ort.Tensor('float32', new Float32Array(20), [5, 4]) })
console.log(`asked for batch = 3; the session says [${declared}] and gives [${five.y.dims}] for 5 rows`)
if (declared[0] !== 'batch' || five.y.dims[0] !== 5) throw new Error('the override is taken now')
JS
node run.mjs
