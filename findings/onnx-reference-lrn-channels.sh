#!/usr/bin/env bash
# onnx 1.23.2: the standard's own reference evaluator normalises only as many channels of an LRN as there are pictures.
#
# Expected: ReferenceEvaluator, which people hold exported AlexNets and GoogLeNets against, follows the standard: each
# channel is divided by (bias + alpha / size * sum of squares of its neighbours) ^ beta. onnxruntime 1.30.0 does, to 1e-6.
# Seen: the loop over channels runs to the size of the batch. With one picture only channel 0 is right, with two pictures
# channels 0 and 1, and so on; all others are divided by bias ^ beta alone. With a batch as large as the channels it is right.
#
# Prints the error of each channel in batches of 1 and 2; fails if the reference is right.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q --disable-pip-version-check onnxruntime==1.30.0 onnx==1.23.2 numpy==2.4.6
"$folder/venv/bin/python" - <<'PY'
import numpy as np
import onnxruntime
from onnx import TensorProto, helper
from onnx.reference import ReferenceEvaluator

SIZE, ALPHA, BETA, BIAS, CHANNELS = 5, 0.5, 0.75, 1.0, 7
node = helper.make_node("LRN", ["x"], ["y"], size=SIZE, alpha=ALPHA, beta=BETA, bias=BIAS)
info = [helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N", CHANNELS, 4, 4]) for name in "xy"]
graph = helper.make_graph([node], "g", info[:1], info[1:])
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 13)], ir_version=8)
session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
for batch in (1, 2):
    x = np.random.default_rng(batch).standard_normal((batch, CHANNELS, 4, 4)).astype("float32")
    around = [x[:, max(0, c - SIZE // 2) : c + SIZE // 2 + 1] for c in range(CHANNELS)]
    sums = np.stack([(part.astype("float64") ** 2).sum(axis=1) for part in around], axis=1)
    right = x / (BIAS + ALPHA / SIZE * sums) ** BETA
    errors = {
        name: np.abs(found - right).max(axis=(0, 2, 3))
        for name, found in (
            ("onnxruntime", session.run(None, {"x": x})[0]),
            ("reference", ReferenceEvaluator(model).run(None, {"x": x})[0]),
        )
    }
    for name, error in errors.items():
        print(f"batch {batch}, {name}: " + " ".join(f"{value:.1e}" for value in error))
    assert errors["onnxruntime"].max() < 1e-5
    assert errors["reference"][:batch].max() < 1e-5 and errors["reference"][batch:].min() > 1e-3, "it has changed"
PY
