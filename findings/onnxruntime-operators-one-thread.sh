#!/usr/bin/env bash
# onnxruntime 1.32.0 and 1.30.0, CPU: four operators that only move numbers use one thread, however many the session has.
#
# Expected: with `intra_op_num_threads` 2, what moves 50 MB shares the work like what computes on them: each element of Pad,
# Slice and Cast is independent of all others, and Gather, Concat and a Mul of the same size do use both threads.
# Seen: Pad, Slice with steps, Cast from bool to float32, and a Transpose that moves two axes are busy on one thread.
# A network whose convolutions are followed by an explicit Pad (as exporters of TensorFlow write "same" padding with strides), or a
# gradient in ONNX, waits for it; a depthwise convolution with ones and `pads` frames values faster.
#
# Prints seconds of CPU in a second of the clock for each operator (2 is both threads all the time); needs two cores. Fails if
# one of the four is above 1.3, or one of the others below 1.3.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
for version in 1.30.0 1.32.0; do
  "$folder/venv/bin/pip" install -q --disable-pip-version-check onnxruntime==$version onnx==1.23.2 numpy==2.4.6
  "$folder/venv/bin/python" - <<'PY'
import time

import numpy as np
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

SIZES = [8, 32, 224, 224]
PICTURES = [8, 32, 224 * 224]
BLOCKS = [32, 3, 32, 9, 16, 16]


def ints(name, values):
    return numpy_helper.from_array(np.array(values, np.int64), name)


# operator, extra inputs, attributes, sizes and type of its operand
CASES = {
    "Pad": ([ints("a", [0, 0, 1, 1, 0, 0, 1, 1])], {}, SIZES, TensorProto.FLOAT),
    "Slice": ([ints("a", [0]), ints("b", [224]), ints("c", [3]), ints("d", [2])], {}, SIZES, TensorProto.FLOAT),
    "Cast": ([], {"to": TensorProto.FLOAT}, SIZES, TensorProto.BOOL),
    "Transpose": ([], {"perm": [0, 2, 4, 1, 3, 5]}, BLOCKS, TensorProto.FLOAT),
    "Gather": ([ints("a", list(range(31, -1, -1)))], {"axis": 1}, PICTURES, TensorProto.FLOAT),
    "Mul": ([], {}, SIZES, TensorProto.FLOAT),
}
ONE_THREAD = {"Pad", "Slice", "Cast", "Transpose"}


def busy(operator):
    extra, attributes, sizes, kind = CASES[operator]
    inputs = ["x", *(["x"] if operator == "Mul" else []), *(t.name for t in extra)]
    nodes = [helper.make_node(operator, inputs, ["y"], **attributes)]
    x = helper.make_tensor_value_info("x", kind, sizes)
    y = helper.make_tensor_value_info("y", TensorProto.FLOAT, None)
    model = helper.make_model(
        helper.make_graph(nodes, "g", [x], [y], extra), opset_imports=[helper.make_opsetid("", 17)], ir_version=9
    )
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 2
    # A thread that waits would spin, and count as busy.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
    feed = {"x": np.ones(sizes, bool if kind == TensorProto.BOOL else np.float32)}
    session.run(None, feed)
    clock, cpu = time.perf_counter(), time.process_time()
    for _ in range(20):
        session.run(None, feed)
    return (time.process_time() - cpu) / (time.perf_counter() - clock)


for operator in CASES:
    share = busy(operator)
    print(f"onnxruntime {onnxruntime.__version__}, {operator}: {share:.2f}")
    assert (share < 1.3) == (operator in ONE_THREAD), f"{operator} shares its work in another way now"
PY
done
