#!/usr/bin/env bash
# onnxruntime 1.30.0 and 1.32.0, CPU: Log, Sin, Atan, Softplus, Mish, Elu ... of one float32 have other bits at another place.
#
# Expected: that an elementwise operator gives a number the same result wherever it stands in a tensor, as Exp, Tanh, Erf,
# Gelu, Sigmoid and Sqrt do, so that a row of probabilities or a loss does not depend on how many others are in its batch.
# Seen: what is left behind the last whole vector of a tensor is computed by another formula than the rest: of 4,096 numbers,
# each alone and all in one tensor, the logarithms of 612 differ in the last bit, the arcus tangents of 1,562 (counts of
# 1.32.0 on a processor with AVX-512). A tensor [N, 1], such as the log-sum-exp of each row, so gets bits that go with N.
#
# Prints how many results differ, by operator, Elu, Selu and Celu of negative numbers; fails if an operator changes sides.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
for version in 1.30.0 1.32.0; do
  "$folder/venv/bin/pip" install -q --disable-pip-version-check onnxruntime==$version onnx==1.23.2 numpy==2.4.6
  "$folder/venv/bin/python" - <<'PY'
import numpy as np
import onnxruntime
from onnx import TensorProto, helper

info = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["n"]) for name in "xy"]
x = np.random.default_rng(0).uniform(0.1, 8, 4096).astype("float32")


def differing(op, x=x):
    graph = helper.make_graph([helper.make_node(op, ["x"], ["y"])], "g", info[:1], info[1:])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 20)], ir_version=9)
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    run = lambda values: session.run(None, {"x": values})[0]
    return int((run(x) != np.concatenate([run(x[i : i + 1]) for i in range(len(x))])).sum())


steady = {op: differing(op) for op in "Exp Tanh Erf Gelu Sigmoid Sqrt".split()}
moved = {op: differing(op) for op in "Log Sin Cos Atan Softplus Mish".split()}
moved |= {op: differing(op, -x) for op in "Elu Selu Celu".split()}
print(f"onnxruntime {onnxruntime.__version__}: of {len(x)} numbers differ alone: {moved}; {steady}")
assert all(moved.values()) and not any(steady.values()), "other operators depend on the place now"
PY
done
