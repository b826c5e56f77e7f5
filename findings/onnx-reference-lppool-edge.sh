#!/usr/bin/env bash
# onnx 1.23.2: the standard's own reference evaluator counts elements of an LpPool repeatedly where a window ends behind the input.
#
# Expected: with ceil_mode 1 the last window may hold fewer elements, and the norm is that of those it holds. For 1 to 5, windows
# and a stride of 2, p = 1: 3 7 5. onnxruntime 1.32.0 gives that.
# Seen: 3 7 10: the mean over the elements that are there times the size of the whole window. In two dimensions the corner is
# four times too large for windows of 2 x 2.
#
# Prints both; fails if the reference is right.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q --disable-pip-version-check onnxruntime==1.32.0 onnx==1.23.2 numpy==2.4.6
"$folder/venv/bin/python" - <<'PY'
import numpy as np
import onnxruntime
from onnx import TensorProto, helper
from onnx.reference import ReferenceEvaluator


def compute(x):
    window = [2] * (x.ndim - 2)
    node = helper.make_node("LpPool", ["x"], ["y"], kernel_shape=window, strides=window, ceil_mode=1, p=1)
    inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, x.shape)]
    outputs = [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)]
    graph = helper.make_graph([node], "g", inputs, outputs)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 22)], ir_version=10)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    found = [run.run(None, {"x": x})[0].ravel().tolist() for run in (session, ReferenceEvaluator(model))]
    print(f"{list(x.shape)}: onnxruntime {found[0]}, reference {found[1]}")
    return found


right, reference = compute(np.arange(1, 6, dtype="float32").reshape(1, 1, 5))
assert right == [3, 7, 5] and reference == [3, 7, 10], "as the standard says"
right, reference = compute(np.arange(1, 10, dtype="float32").reshape(1, 1, 3, 3))
assert right[-1] == 9 and reference[-1] == 36, "as the standard says"
PY
