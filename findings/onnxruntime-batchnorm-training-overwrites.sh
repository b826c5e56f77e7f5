#!/usr/bin/env bash
# onnxruntime 1.32.0, CPU: a BatchNormalization in training mode writes the next running statistics over those that it is given.
#
# Expected: runs of a session do not depend on each other, a model's constants stay, and so do equal constants of other nodes.
# Seen, where the next statistics are read by another node (to be averaged, say) and are no output of the model: the constants
# of the model are overwritten, so that the second run of the same picture gives other statistics than the first. Where mean
# and scale have equal values, which "basic" optimisation stores once, the scale is overwritten too, and the normalised
# picture itself is wrong in the first run. As outputs of the model the statistics are right.
#
# Prints statistics and pictures of two runs; fails if runs agree or equal constants are safe.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q --disable-pip-version-check onnxruntime==1.32.0 onnx==1.23.2 numpy==2.4.6
"$folder/venv/bin/python" - <<'PY'
import numpy as np
import onnxruntime
from onnx import TensorProto, checker, helper, numpy_helper

SCALE = [0.5, 0.6, 0.7]


def session(mean, level):
    constant = lambda name, values: numpy_helper.from_array(np.array(values, dtype=np.float32), name)
    nodes = [
        helper.make_node("BatchNormalization", ["x", "scale", "bias", "mean", "variance"], ["y0", "mean0", "variance0"],
                         training_mode=1, momentum=0.5),
        helper.make_node("Neg", ["y0"], ["y"]),
        helper.make_node("Neg", ["mean0"], ["next"]),
    ]
    weights = [constant("scale", SCALE), constant("bias", [0, 0, 0]), constant("mean", mean), constant("variance", [4, 4, 4])]
    info = lambda name, dims: helper.make_tensor_value_info(name, TensorProto.FLOAT, dims)
    graph = helper.make_graph(nodes, "g", [info("x", [2, 3, 5])], [info("y", [2, 3, 5]), info("next", [3])], weights)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    checker.check_model(model, full_check=True)
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = level
    return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


x = np.sin(1.3 * np.arange(30, dtype=np.float32)).reshape(2, 3, 5)
levels = onnxruntime.GraphOptimizationLevel
plain = session([0.1, 0.2, 0.3], levels.ORT_DISABLE_ALL)
first, second = [plain.run(["next"], {"x": x})[0] for _ in range(2)]
print(f"onnxruntime {onnxruntime.__version__}: next means of the same picture, first run {first}, second {second}")
right = session(SCALE, levels.ORT_DISABLE_ALL).run(["y"], {"x": x})[0]
wrong = session(SCALE, levels.ORT_ENABLE_BASIC).run(["y"], {"x": x})[0]
print(f"with mean equal to scale: normalised {right[0, 0]}, with basic optimisation {wrong[0, 0]}")
assert not np.allclose(first, second), "runs are independent now"
assert not np.allclose(right, wrong, atol=0.01), "equal constants are safe now"
PY
