"""Quantises a bundled classifier in the ways of onnxruntime: pip install onnx onnxruntime==1.32.0 pillow, then
quantised.py <model, without .onnx> <folder of pictures> <folder to write>. Every second picture calibrates; the others are
kept for quantised.js, which compares gradients. `moved` is the float model with its weights moved by chance as far as one
scale per channel or tensor rounds them."""

import json
import os
import sys

import numpy as np
import onnx
import onnxruntime
from onnx import numpy_helper
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_dynamic, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process
from PIL import Image

PICTURES = 48
WAYS = [(a, w, c) for a, w in [("QUInt8", "QUInt8"), ("QUInt8", "QInt8"), ("QInt8", "QInt8")] for c in [True, False]]


class Reader(CalibrationDataReader):
    def __init__(self, arrays):
        self.rest = iter(arrays)

    def get_next(self):
        return next(({"input": array[None]} for array in self.rest), None)


def files_in(folder):
    found = sorted(os.path.join(at, name) for at, _, names in os.walk(folder) for name in names)
    return found[:: max(1, len(found) // PICTURES)][:PICTURES]


def pixels(file, meta):
    size = (meta["width"], meta["height"])
    return np.asarray(Image.open(file).convert("RGB").resize(size, Image.BILINEAR))


def normalised(picture, meta):
    mean, std = np.float32(meta["mean"]), np.float32(meta["std"])
    return ((picture / np.float32(255 if meta.get("scale") != 1 else 1) - mean) / std).transpose(2, 0, 1)


def fixed(source, target, meta):
    """The model with its weights in float32 and the size of its pictures written into it."""
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.optimized_model_filepath = target
    onnxruntime.InferenceSession(source, options, providers=["CPUExecutionProvider"])
    model = onnx.load(target)
    sizes = model.graph.input[0].type.tensor_type.shape.dim
    sizes[2].dim_value, sizes[3].dim_value = meta["height"], meta["width"]
    onnx.save(model, target)


def moved(source, target, per_channel):
    model = onnx.load(source)
    random = np.random.default_rng(0)
    for tensor in model.graph.initializer:
        weight = numpy_helper.to_array(tensor)
        if weight.ndim < 2:
            continue
        axes = tuple(range(1, weight.ndim)) if per_channel else None
        step = np.abs(weight).max(axis=axes, keepdims=True) / 127
        noise = random.uniform(-0.5, 0.5, weight.shape) * step
        tensor.CopyFrom(numpy_helper.from_array((weight + noise).astype(np.float32), tensor.name))
    onnx.save(model, target)


name, folder, out = sys.argv[1:]
with open(f"{name}.json") as file:
    meta = json.load(file)
os.makedirs(out, exist_ok=True)
kept = [pixels(file, meta) for file in files_in(folder)]
np.stack(kept[::2]).tofile(f"{out}/pixels.u8")
with open(f"{out}/meta.json", "w") as file:
    json.dump(meta, file)
calibration = [normalised(picture, meta) for picture in kept[1::2]]
plain = f"{out}/float.onnx"
fixed(f"{name}.onnx", plain, meta)
quant_pre_process(plain, f"{out}/prepared")
for scales in ["channel", "tensor"]:
    moved(plain, f"{out}/moved {scales}.onnx", scales == "channel")
for form in ["QDQ", "QOperator"]:
    for activation, weight, per_channel in WAYS:
        label = f"{form} {activation[1:]} {weight[1:]} {'channel' if per_channel else 'tensor'}"
        quantize_static(
            f"{out}/prepared",
            f"{out}/{label}.onnx",
            Reader(calibration),
            quant_format=QuantFormat[form],
            per_channel=per_channel,
            activation_type=QuantType[activation],
            weight_type=QuantType[weight],
        )
for weight in ["QUInt8", "QInt8"]:
    for scales in ["channel", "tensor"]:
        label = f"dynamic {weight[1:]} {scales}"
        quantize_dynamic(
            f"{out}/prepared", f"{out}/{label}.onnx", weight_type=QuantType[weight], per_channel=scales == "channel"
        )
