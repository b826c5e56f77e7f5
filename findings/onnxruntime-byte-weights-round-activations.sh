#!/usr/bin/env bash
# onnxruntime 1.32.0, CPU: MatMul by weights that a DequantizeLinear makes of bytes rounds what they are multiplied with.
#
# Expected: weights stored as uint8 with scales, to make the file small, and dequantised in the graph give what the standard
# says, float32 products of the dequantised weights: optimisation changes a result by rounding of float32, about 1e-7.
# Seen: from the default optimisation level on the two nodes become one MatMulNBits that rounds the activations to int8, too:
# relative errors of half a percent. With optimisation off the result is right.
#
# Prints the largest relative errors, off and on; fails if the second is below 1e-3.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q --disable-pip-version-check onnxruntime==1.32.0 onnx==1.23.2 numpy==2.4.6
"$folder/venv/bin/python" - <<'PY'
import numpy as np
import onnxruntime
from onnx import TensorProto, checker, helper, numpy_helper

rng = np.random.default_rng(0)
rows, columns = 64, 8
packed = rng.integers(0, 256, (rows, columns), dtype=np.uint8)
scale = rng.uniform(0.01, 0.02, columns).astype(np.float32)
zero = np.full(columns, 128, dtype=np.uint8)
nodes = [
    helper.make_node("DequantizeLinear", ["packed", "scale", "zero"], ["w"], axis=1),
    helper.make_node("MatMul", ["x", "w"], ["y"]),
]
weights = [numpy_helper.from_array(a, n) for a, n in ((packed, "packed"), (scale, "scale"), (zero, "zero"))]
info = lambda name, dims: helper.make_tensor_value_info(name, TensorProto.FLOAT, dims)
graph = helper.make_graph(nodes, "g", [info("x", ["N", rows])], [info("y", ["N", columns])], weights)
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
checker.check_model(model, full_check=True)
x = rng.standard_normal((4, rows)).astype(np.float32)
right = x.astype(float) @ ((packed.astype(float) - 128) * scale)


def error(level):
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = level
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return float(np.linalg.norm(session.run(None, {"x": x})[0] - right) / np.linalg.norm(right))


levels = onnxruntime.GraphOptimizationLevel
off, on = error(levels.ORT_DISABLE_ALL), error(levels.ORT_ENABLE_ALL)
print(f"onnxruntime {onnxruntime.__version__}: relative error {off:.1e} without optimisation, {on:.1e} with the default")
assert on > 1e-3, "the activations are not rounded any more"
PY
