"""Input gradients of float16 and bfloat16 exports beside those of the float32 export, by `sage-augment grad` and
onnxruntime: pip install torch==2.15.0 torchvision==0.29.2 onnx==1.23.2 onnxscript==0.7.2 onnxruntime==1.32.0,
npm run build, then half.py <folder to write>. Random weights, four pictures of random numbers, the logit of the class
that float32 predicts. Worst cosine and relative L2 distance, and distance from a float32 export of the rounded weights."""

import os
import subprocess
import sys

import numpy as np
import onnxruntime
import torch
import torchvision

MODELS = ["resnet18", "mobilenet_v3_small", "vit_b_16", "convnext_tiny"]
TYPES = [torch.float16, torch.bfloat16]
PROGRAM = os.path.join(os.path.dirname(__file__), "../../bin/sage-augment.js")


def network(name):
    torch.manual_seed(0)
    model = getattr(torchvision.models, name)(weights=None).eval()
    for parameter in model.parameters():
        # The head of a ViT starts as zeros, the scales of a ConvNeXt near it: no gradient would pass.
        if parameter.dim() > 1 and parameter.abs().max() < 1e-4:
            torch.nn.init.normal_(parameter, std=0.1)
    return model


def differentiated(model, folder):
    plain, out = (os.path.join(folder, name) for name in ["plain.onnx", "grad.onnx"])
    pictures = torch.zeros(2, 3, 224, 224, dtype=next(model.parameters()).dtype)
    batch = ({0: torch.export.Dim("batch")},)
    torch.onnx.export(
        model, (pictures,), plain, dynamo=True, dynamic_shapes=batch, external_data=False, verbose=False
    )
    subprocess.run(["node", PROGRAM, "grad", plain, "--out", out, "--loss", "logit"], check=True, capture_output=True)
    return onnxruntime.InferenceSession(out, providers=["CPUExecutionProvider"])


def run(session, pictures, target):
    feeds = dict(zip([i.name for i in session.get_inputs()], [pictures, target]))
    logits, gradient = session.run(["logits", "gradient"], feeds)
    return logits, gradient.reshape(4, -1).astype(np.float64)


def distance(a, b):
    return f"{(np.linalg.norm(a - b, axis=1) / np.linalg.norm(b, axis=1)).max():.1e}"


def cosine(a, b):
    return f"{((a * b).sum(1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)).min():.6f}"


def row(name, folder):
    pictures = np.random.default_rng(0).standard_normal((4, 3, 224, 224)).astype(np.float32)
    session = differentiated(network(name), folder)
    logits, _ = run(session, pictures, np.zeros((4, 1000), np.float32))
    target = np.eye(1000, dtype=np.float32)[logits.argmax(1)]
    _, expected = run(session, pictures, target)
    cells = []
    for kind in TYPES:
        _, found = run(differentiated(network(name).to(kind), folder), pictures, target)
        _, rounded = run(differentiated(network(name).to(kind).float(), folder), pictures, target)
        cells += [cosine(found, expected), distance(found, expected), distance(found, rounded)]
    return f"| {name} | {' | '.join(cells)} |"


print("| model | float16: cosine | distance | rounded | bfloat16: cosine | distance | rounded |")
print("|---|---|---|---|---|---|---|")
for name in MODELS:
    print(row(name, sys.argv[1]), flush=True)
