#!/usr/bin/env bash
# onnxruntime 1.32.0, CPU: a product with a scalar is tens of times slower where the last axis has one element.
#
# Expected: [1280, 320, 1, 1] times a scalar takes what [1280, 320] times that scalar takes: the elements lie in memory alike. The
# filters of every convolution of 1 x 1 have that shape, so updates of an optimiser in ONNX do little else.
# Seen: element by element, about 80 times as long (4 ms instead of 0.05), for a scalar of no axis or of one; as fast as expected
# with a scalar of as many axes as the tensor, [1, 1, 1, 1]. The results are the same. Way out: such a scalar, or a Reshape before.
#
# Prints the times; fails if the slow form is less than 10 times slower.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q --disable-pip-version-check onnxruntime==1.32.0 onnx==1.23.2 numpy
"$folder/venv/bin/python" - <<'PY'
import time
import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper


def milliseconds(shape, scalar):
    inputs = [helper.make_tensor_value_info(name, TensorProto.FLOAT, dims) for name, dims in (('x', shape), ('s', scalar))]
    output = helper.make_tensor_value_info('y', TensorProto.FLOAT, None)
    graph = helper.make_graph([helper.make_node('Mul', ['x', 's'], ['y'])], 'product', inputs, [output])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid('', 17)], ir_version=9)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=['CPUExecutionProvider'])
    x = np.random.default_rng(0).standard_normal(shape, np.float32)
    s = np.full(scalar, 0.9, np.float32)
    least = float('inf')
    for _ in range(30):
        start = time.process_time()
        y, = session.run(None, {'x': x, 's': s})
        least = min(least, time.process_time() - start)
    assert np.array_equal(y, x * np.float32(0.9))
    print(f'onnxruntime {onnxruntime.__version__}: {shape} times {scalar}: {1000 * least:.3f} ms')
    return least


flat = milliseconds((1280, 320), ())
slow = milliseconds((1280, 320, 1, 1), ())
full = milliseconds((1280, 320, 1, 1), (1, 1, 1, 1))
assert slow > 10 * flat and slow > 10 * full, 'a scalar is as fast for every shape now'
PY
