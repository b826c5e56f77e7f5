#!/usr/bin/env bash
# onnx 1.23.2: the standard's own reference evaluator pads a strided MaxPool with SAME_LOWER at the end, as SAME_UPPER would.
#
# Expected: of an odd number of padding elements SAME_LOWER puts the extra one at the beginning, as the standard says. For 1 to 8,
# windows of 3 and a stride of 2 that is one in front: 2 4 6 8. onnxruntime 1.32.0 gives that, and the evaluator's own Conv,
# AveragePool and LpPool do it too.
# Seen: 3 5 7 8, what SAME_UPPER gives. With windows of 2 and a stride of 3 it is 4 7, one element fewer than its shape inference
# says. Whoever holds a converted model against it finds maps moved by a pixel, and looks for the fault in the converter.
#
# Prints both for the three operators; fails if the reference is right.
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

x = np.arange(1, 9, dtype="float32").reshape(1, 1, 8)
info = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in "xy"]


def compute(operator, pads, kernel=3, stride=2):
    attributes = {"kernel_shape": [kernel], "strides": [stride], "auto_pad": pads}
    node = helper.make_node(operator, ["x"], ["y"], **attributes)
    inputs = [helper.make_tensor_value_info("x", TensorProto.FLOAT, x.shape)]
    graph = helper.make_graph([node], "g", inputs, info[1:])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 22)], ir_version=10)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    found = [run.run(None, {"x": x})[0].ravel().tolist() for run in (session, ReferenceEvaluator(model))]
    print(f"{operator} {pads}, {kernel} every {stride}: onnxruntime {found[0]}, reference {found[1]}")
    return found


for operator in ("AveragePool", "LpPool"):
    right, reference = compute(operator, "SAME_LOWER")
    assert right == reference, f"{operator} differs too"
upper = compute("MaxPool", "SAME_UPPER")[1]
right, reference = compute("MaxPool", "SAME_LOWER")
assert right == [2, 4, 6, 8] and reference == upper == [3, 5, 7, 8], "as the standard says"
right, reference = compute("MaxPool", "SAME_LOWER", kernel=2, stride=3)
assert right == [2, 5, 8] and reference == [4, 7], "as the standard says"
PY
