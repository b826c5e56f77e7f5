"""Writes the ONNX standard's own node tests, which nodeTests.js differentiates: pip install onnx==1.23.2, then
node_tests.py <folder>."""

import os
import sys

import onnx
from onnx import numpy_helper
from onnx.backend.test.case.node import collect_testcases


def plain(value, info):
    """The bytes of a tensor, or None for a sequence or an optional."""
    if not info.type.HasField("tensor_type"):
        return None
    if not isinstance(value, onnx.TensorProto):
        value = numpy_helper.from_array(value, info.name)
    return value.SerializeToString()


def write(folder, case):
    inputs, _ = case.data_sets[0]
    tensors = [plain(v, i) for v, i in zip(inputs, case.model.graph.input)]
    if None in tensors:
        return
    os.makedirs(os.path.join(folder, case.name, "test_data_set_0"))
    with open(os.path.join(folder, case.name, "model.onnx"), "wb") as file:
        file.write(case.model.SerializeToString())
    for number, tensor in enumerate(tensors):
        with open(os.path.join(folder, case.name, "test_data_set_0", f"input_{number}.pb"), "wb") as file:
            file.write(tensor)


for case in collect_testcases():
    write(sys.argv[1], case)
