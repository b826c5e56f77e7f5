#!/usr/bin/env bash
# onnxruntime 1.30.0 (the newest that onnxruntime-node has), CPU: the time to load a graph grows with the square of its nodes,
# if values of its first half are used in its second, as in a network with its gradient.
#
# Expected: four times the nodes, four times the time, whatever reads what, as with a chain of operators alone.
# Seen: each value of a chain of Tanh is read again on the way back, by Neg, whose result a product takes. Four times the
# nodes take ten times as long, and the more nodes, the worse: 24,000 take 2.9 s, where they take 0.6 if the products read the
# values themselves. Gradients of deep networks have both kinds; 1.32.0 takes 0.6 to 0.7 s for either.
#
# Prints seconds of CPU for 6,000 and 24,000 nodes; fails if 1.30.0 is not slower than in proportion, or 1.32.0 is.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
for version in 1.30.0 1.32.0; do
  "$folder/venv/bin/pip" install -q --disable-pip-version-check onnxruntime==$version onnx==1.23.2 numpy==2.4.6
  "$folder/venv/bin/python" - <<'PY'
import time

import onnxruntime
from onnx import TensorProto, helper


def there_and_back(length, by_way_of_neg):
    nodes = [helper.make_node("Tanh", [f"v{i}"], [f"v{i + 1}"]) for i in range(length)]
    last = f"v{length}"
    for i in range(length - 1, 0, -1):
        nodes.append(helper.make_node("Neg", [f"v{i}" if by_way_of_neg else last], [f"n{i}"]))
        nodes.append(helper.make_node("Mul", [f"n{i}", last if by_way_of_neg else f"v{i}"], [f"p{i}"]))
        last = f"p{i}"
    x, y = (helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N", 8]) for name in ("v0", last))
    graph = helper.make_graph(nodes, "g", [x], [y])
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9).SerializeToString()


def seconds(length, by_way_of_neg):
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    model = there_and_back(length, by_way_of_neg)
    start = time.process_time()
    onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    return time.process_time() - start


version = onnxruntime.__version__
growth = {}
for by_way_of_neg in (False, True):
    small, large = seconds(2000, by_way_of_neg), seconds(8000, by_way_of_neg)
    growth[by_way_of_neg] = large / small
    kept = "read by Neg" if by_way_of_neg else "read by the products"
    print(f"onnxruntime {version}, values {kept}: {small:.2f} s, {large:.2f} s, {large / small:.1f} times")
assert growth[False] < 7, "products alone grow faster than the nodes now"
assert (growth[True] > 7) == (version == "1.30.0"), "the growth is another one now"
PY
done
