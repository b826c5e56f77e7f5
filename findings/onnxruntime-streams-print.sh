#!/usr/bin/env bash
# onnxruntime 1.32.0: a session that spreads its nodes over two streams prints lines of its planner on stdout, whatever the log level.
#
# Expected: with the log level `fatal` a session prints nothing, and never on stdout, where a program has its own output.
# Seen: with `session.node_partition_config_file`, the way to two branches at a time on the CPU, each value that another one shares memory
# with is a line such as "m reused by r as input" on stdout. One training graph of ours made 129 of them.
#
# Prints what a session prints with one stream and with two; fails if two are as silent as one.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q --disable-pip-version-check onnxruntime==1.32.0 onnx==1.23.2 numpy==2.4.6
cd "$folder"
cat >session.py <<'PY'
import json
import sys

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

NODES = [("Mul", ["x", "x"], "m"), ("Reshape", ["m", "size"], "r"), ("Relu", ["r"], "a"), ("Sqrt", ["r"], "b"), ("Add", ["a", "b"], "y")]
values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [4]) for name in "xy"]
nodes = [helper.make_node(kind, inputs, [name], name=name) for kind, inputs, name in NODES]
graph = helper.make_graph(nodes, "g", values[:1], values[1:], [numpy_helper.from_array(np.array([4]), "size")])
onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9), "m.onnx")
streams = [["m", "r", "a", "y"], ["b"]] if sys.argv[1] == "two" else [["m", "r", "a", "b", "y"]]
with open("streams.json", "w") as file:
    json.dump({"type": "DeviceBasedPartitioner", "devices": ["0"] * len(streams), "streams": streams}, file)
options = onnxruntime.SessionOptions()
options.log_severity_level = 4
options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
options.add_session_config_entry("session.node_partition_config_file", "streams.json")
session = onnxruntime.InferenceSession("m.onnx", options, providers=["CPUExecutionProvider"])
found = session.run(None, {"x": np.full(4, 2, "float32")})[0]
assert (found == 6).all(), found
PY
one=$(venv/bin/python session.py one 2>log)
two=$(venv/bin/python session.py two 2>log)
printf 'one stream: "%s"\ntwo streams: "%s"\n' "$one" "$two"
[ -z "$one" ] && [ "$two" = "m reused by r as input" ]
