#!/usr/bin/env bash
# torch 2.15.0, torch.onnx.export (its default exporter): scaled_dot_product_attention is exported with four axes alone.
#
# Expected: what its documentation says of query, key and value: (N, ..., L, E), any number of axes before the last two.
# PyTorch computes it with three and with five. Windowed attention has five: batch, heads, windows, tokens, channels.
# Seen: AssertionError "only 4D query, key, and value are supported" for three and for five axes, at opset 20 and at 23,
# where ONNX has an operator for it. Hiera, NesT, Twins and SAM's encoder of timm 1.0.31 are such networks; they
# are exported after timm.layers.set_fused_attn(False).
#
# Prints what becomes of each; fails if others than four axes are exported.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q --disable-pip-version-check torch==2.15.0 onnx==1.23.2 onnxscript==0.7.2 numpy==2.4.6
"$folder/venv/bin/python" -W ignore - 2>/dev/null <<'PY'
import torch
from torch.nn.functional import scaled_dot_product_attention


class Attention(torch.nn.Module):
    def forward(self, x):
        return scaled_dot_product_attention(x, x, x)


def becomes(axes, opset):
    x = torch.randn((1, 3, 2, 9, 8)[-axes:])
    assert Attention()(x).shape == x.shape
    try:
        torch.onnx.export(Attention(), (x,), None, opset_version=opset, verbose=False)
    except Exception as problem:
        while problem.__cause__ is not None:
            problem = problem.__cause__
        return str(problem)
    return "exported"


found = {(axes, opset): becomes(axes, opset) for axes in (3, 4, 5) for opset in (20, 23)}
for (axes, opset), what in found.items():
    print(f"torch {torch.__version__}: {axes} axes, opset {opset}: {what}")
assert {axes for (axes, _), what in found.items() if what == "exported"} == {4}, "other axes are exported now"
PY
