#!/usr/bin/env bash
# onnxruntime 1.32.0: a ConvTranspose with auto_pad SAME makes too small an output where its stride is larger than its kernel.
#
# Expected: with SAME_UPPER or SAME_LOWER the output is the input's size times the stride, as the standard says: 9 for an input of
# 3, a kernel of 2 and a stride of 3.
# Seen: 8, and 5 instead of 6 for a kernel of 1 and a stride of 2, without a warning. onnx 1.23.2's shape inference says 8 as well,
# its reference evaluator makes 9. What is added to a skip connection behind it no longer fits, or is broadcast.
#
# Prints the sizes; fails if onnxruntime follows the standard.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q --disable-pip-version-check onnxruntime==1.32.0 onnx==1.23.2 numpy==2.4.6
"$folder/venv/bin/python" - <<'PY'
import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper
from onnx.reference import ReferenceEvaluator


def sizes(kernel, stride, pads):
    feeds = {"x": np.ones((1, 1, 3), "float32"), "w": np.ones((1, 1, kernel), "float32")}
    node = helper.make_node("ConvTranspose", ["x", "w"], ["y"], strides=[stride], auto_pad=pads)
    inputs = [helper.make_tensor_value_info(name, TensorProto.FLOAT, value.shape) for name, value in feeds.items()]
    outputs = [helper.make_tensor_value_info("y", TensorProto.FLOAT, None)]
    graph = helper.make_graph([node], "g", inputs, outputs)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 22)], ir_version=10)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    inferred = onnx.shape_inference.infer_shapes(model).graph.output[0].type.tensor_type.shape.dim[-1].dim_value
    found = [run.run(None, feeds)[0].shape[-1] for run in (session, ReferenceEvaluator(model))]
    print(f"{pads}, kernel {kernel}, stride {stride}: onnxruntime {found[0]}, inferred {inferred}, reference {found[1]}")
    return found


for pads in ("SAME_UPPER", "SAME_LOWER"):
    assert sizes(3, 2, pads) == [6, 6], "larger kernels differ too"
    assert sizes(2, 3, pads) == [8, 9], "as the standard says"
    assert sizes(1, 2, pads) == [5, 6], "as the standard says"
PY
