#!/usr/bin/env bash
# onnxruntime-node 1.30.0: a tensor given to run() for an output is never written to.
#
# Expected: `run(feeds, { y: tensor })` fills the tensor: onnxruntime-common says of fetches that a tensor is "used as a
# pre-allocated value by the inference engine". A loop that carries its state (a step of training, a recurrent network) would then need no new memory.
# Seen: the result is another tensor, and the given one still holds what it held. A program that reads the tensor it gave, as one
# does in Python with an IO binding, goes on with zeros, without a word. Way out: read the result.
#
# Prints both; fails if the given tensor is filled.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
python3 -m venv venv
venv/bin/pip install -q --disable-pip-version-check onnx==1.23.2
venv/bin/python - <<'PY'
import onnx
from onnx import TensorProto, helper

x, y = (helper.make_tensor_value_info(name, TensorProto.FLOAT, [3]) for name in 'xy')
graph = helper.make_graph([helper.make_node('Neg', ['x'], ['y'])], 'negative', [x], [y])
onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid('', 17)], ir_version=9), 'model.onnx')
PY
npm init -y >/dev/null
ONNXRUNTIME_NODE_INSTALL=skip npm install --silent --no-audit --no-fund --ignore-scripts onnxruntime-node@1.30.0
cat >run.cjs <<'JS'
const { InferenceSession, Tensor } = require('onnxruntime-node')

async function main() {
  const session = await InferenceSession.create('model.onnx')
  const given = new Tensor('float32', new Float32Array(3), [3])
  const { y } = await session.run({ x: new Tensor('float32', Float32Array.of(1, 2, 3), [3]) }, { y: given })
  console.log('given:', [...given.data], 'result:', [...y.data], 'the same tensor:', y === given)
  if (y === given || [...given.data].some((value) => value !== 0)) throw new Error('the given tensor is filled now')
}
main().catch((error) => {
  console.error(error.message)
  process.exitCode = 1
})
JS
node run.cjs
