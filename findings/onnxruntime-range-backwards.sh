#!/usr/bin/env bash
# onnxruntime 1.32.0, numpy 2.4.6: pictures of an open batch picked by Range(N - 1, -1, -1), N from Shape, as a flip along the
# batch is written. Expected: the pictures in reverse order. Seen: an empty result [0, 6] without an error; right if the
# indices are an output of the model, too. Exits non-zero if that changes.
set -euo pipefail
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
python3 -m venv "$work/venv"
"$work/venv/bin/pip" install -q onnx==1.23.2 onnxruntime==1.32.0 numpy==2.4.6
"$work/venv/bin/python" - <<'PYTHON'
import numpy as np
import onnxruntime as ort
from onnx import TensorProto, checker, helper, numpy_helper


def integer(name, value):
    return numpy_helper.from_array(np.array(value, dtype=np.int64), name)


def run(outputs):
    nodes = [
        helper.make_node("Shape", ["x"], ["shape"], start=0, end=1),
        helper.make_node("Squeeze", ["shape"], ["n"]),
        helper.make_node("Sub", ["n", "one"], ["last"]),
        helper.make_node("Range", ["last", "minus", "minus"], ["r"]),
        helper.make_node("Gather", ["x", "r"], ["y"], axis=0),
    ]
    x = helper.make_tensor_value_info("x", TensorProto.FLOAT, ["N", 6])
    weights = [integer("one", 1), integer("minus", -1)]
    model = helper.make_model(
        helper.make_graph(nodes, "g", [x], outputs, weights), opset_imports=[helper.make_opsetid("", 17)], ir_version=8
    )
    checker.check_model(model, full_check=True)
    session = ort.InferenceSession(model.SerializeToString())
    return session.run(["y"], {"x": np.arange(12, dtype=np.float32).reshape(2, 6)})[0]


y = helper.make_tensor_value_info("y", TensorProto.FLOAT, ["M", 6])
r = helper.make_tensor_value_info("r", TensorProto.INT64, ["M"])
alone, both = run([y]), run([y, r])
print("alone:", alone.shape, alone.tolist())
print("with the indices as an output:", both.shape, both.tolist())
raise SystemExit(not (alone.shape == (0, 6) and both.shape == (2, 6)))
PYTHON
