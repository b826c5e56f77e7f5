"""Exports classifiers for models.js, by PyTorch's default exporter, with random weights and PyTorch's own gradient beside:
pip install torch==2.15.0 torchvision==0.29.2 timm==1.0.31 onnx==1.23.2 onnxscript==0.7.2 onnxruntime==1.32.0, then

    models.py <folder> fixed|dynamic <opset, or - for the exporter's> <model of timm, or tv:model of torchvision> ...
"""

import pathlib
import sys

import onnxruntime
import timm
import torch
import torchvision

folder, kind, opset, *names = sys.argv[1:]
folder = pathlib.Path(folder)
folder.mkdir(exist_ok=True)


def build(name):
    torch.manual_seed(0)
    if name.startswith("tv:"):
        model, size = torchvision.models.get_model(name[3:], weights=None), 224
    else:
        model = timm.create_model(name, pretrained=False)
        size = model.default_cfg["input_size"][-1]
    for parameter in model.parameters():
        if parameter.ndim <= 1:
            parameter.data += 0.05 * torch.randn_like(parameter)
    return model.eval(), size


def save(stem, model, size):
    x = torch.randn(2, 3, size, size, requires_grad=True)
    logits = model(x)
    cotangent = torch.randn_like(logits)
    (logits * cotangent).sum().backward()
    for key, tensor in dict(x=x, c=cotangent, l=logits, g=x.grad).items():
        tensor.detach().numpy().tofile(folder / f"{stem}.{key}.bin")


def optimise(path):
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_EXTENDED
    options.optimized_model_filepath = str(path.with_suffix(".ext.onnx"))
    onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])


for name in names:
    stem = f"{name.replace(':', '_')}.{kind}{'' if opset == '-' else opset}"
    model, size = build(name)
    settings = {} if opset == "-" else {"opset_version": int(opset)}
    if kind == "dynamic":
        settings["dynamic_shapes"] = ({0: torch.export.Dim("batch")},)
    try:
        example = torch.randn(2 if kind == "dynamic" else 1, 3, size, size)
        program = torch.onnx.export(model, (example,), None, dynamo=True, verbose=False, **settings)
    except Exception as problem:
        print(f"{stem}: not exported, {type(problem).__name__}", flush=True)
        continue
    program.save(folder / f"{stem}.onnx", external_data=False)
    save(stem, model, size)
    if kind == "dynamic":
        optimise(folder / f"{stem}.onnx")
        for key in "xclg":
            (folder / f"{stem}.ext.{key}.bin").write_bytes((folder / f"{stem}.{key}.bin").read_bytes())
