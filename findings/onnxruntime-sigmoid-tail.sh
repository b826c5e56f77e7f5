#!/usr/bin/env bash
# onnxruntime 1.30.0, CPU: Sigmoid of a float32 below about -16 is exactly 0, and just above it is wrong by factors.
#
# Expected: as in PyTorch and NumPy, 1 / (1 + exp(-x)) to a few units in the last place down to x = -87, where float32 ends.
# Seen: a rational approximation, clamped at -18, right to 1e-7 in absolute terms only. At x = -18 it gives 8.9e-8 for
# 1.5e-8 (relative error 4.7), from -15.9 down it may give 0. A multi-label classifier that ends in a Sigmoid so has a log
# loss of infinity, and a gradient p (1 - p) of 0, where its logits give 16 and 1e-7. Softmax is not concerned.
#
# Prints the largest relative error on [-30, 0] and the first zero; fails if it is below one percent.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q --disable-pip-version-check onnxruntime==1.30.0 onnx==1.23.2 numpy==2.4.6
"$folder/venv/bin/python" - <<'PY'
import numpy as np
import onnxruntime
from onnx import TensorProto, helper

info = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n"]) for name in "xy"]
graph = helper.make_graph([helper.make_node("Sigmoid", ["x"], ["y"])], "g", info[:1], info[1:])
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
x = np.linspace(-30, 0, 300001).astype("float32")
found = session.run(None, {"x": x})[0]
right = 1 / (1 + np.exp(-x.astype("float64")))
error = np.abs(found - right) / right
worst = error.argmax()
print(f"onnxruntime {onnxruntime.__version__}: relative error at most {error[worst]:.2f}, at {x[worst]:.2f} "
      f"({found[worst]:.2g} for {right[worst]:.2g}); zero at {x[found == 0].max():.2f}")
assert error[worst] > 0.01 and (found == 0).any(), "the tail is right now"
PY
