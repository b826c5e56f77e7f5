#!/usr/bin/env bash
# torch 2.15.0, torch.onnx.export (its default exporter): attention whose mask is computed from parameters is not exported.
#
# Expected: that a network in eval mode is exported whether or not its parameters still ask for gradients, which are of no
# use to the file. Masks like this are relative position biases: a table of parameters, from which each layer picks.
# Seen: ValueError "Cannot view a tensor with shape ... and strides ...", at the line that joins the heads again. The same
# network is exported after requires_grad_(False), and so it is if the parameter is the mask itself, or if there is none.
# BEiT, SAM's encoder, MaxViT with relative positions and vit_relpos of timm 1.0.31 are such networks.
#
# Prints what becomes of each; fails if the first is exported, or another is not.
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q --disable-pip-version-check torch==2.15.0 onnx==1.23.2 onnxscript==0.7.2 numpy==2.4.6
"$folder/venv/bin/python" -W ignore - 2>/dev/null <<'PY'
import torch
from torch.nn.functional import scaled_dot_product_attention

TOKENS, HEADS, WIDTH = 9, 2, 8


class Attention(torch.nn.Module):
    def __init__(self, mask):
        super().__init__()
        self.mask = mask
        self.qkv = torch.nn.Linear(HEADS * WIDTH, 3 * HEADS * WIDTH)
        self.bias = torch.nn.Parameter(torch.zeros(1, HEADS, TOKENS, TOKENS))

    def forward(self, x):
        heads = self.qkv(x).reshape(1, TOKENS, 3, HEADS, WIDTH).permute(2, 0, 3, 1, 4)
        mask = {"computed": 2 * self.bias, "itself": self.bias, "none": None}[self.mask]
        y = scaled_dot_product_attention(*heads.unbind(0), attn_mask=mask)
        return y.transpose(1, 2).reshape(1, TOKENS, HEADS * WIDTH)


def becomes(mask, asks):
    model = Attention(mask).eval().requires_grad_(asks)
    try:
        torch.onnx.export(model, (torch.randn(1, TOKENS, HEADS * WIDTH),), None, verbose=False)
    except Exception as problem:
        while problem.__cause__ is not None:
            problem = problem.__cause__
        return type(problem).__name__
    return "exported"


found = {(mask, asks): becomes(mask, asks) for mask in ("computed", "itself", "none") for asks in (True, False)}
for (mask, asks), what in found.items():
    print(f"torch {torch.__version__}: mask {mask}, parameters {'ask' if asks else 'do not ask'} for gradients: {what}")
refused = {key for key, what in found.items() if what != "exported"}
assert refused == {("computed", True)}, "the exporter takes other masks now"
PY
