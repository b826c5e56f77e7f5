"""Gradients of a classifier's weights by PyTorch, for weights.js: for each name a folder with model.onnx, meta.json, x.bin,
and for `frozen` and `batch` statistics the gradients in float64 and in float32, all weights one after another.

usage: weights.py <folder> <name> ...     (PyTorch 2.15, torchvision 0.29, onnx)
"""
import copy
import json
import math
import os
import sys
import warnings
import torch
import torch.nn as nn
import torch.nn.functional as F
import torchvision.models as zoo

warnings.filterwarnings('ignore')
torch.set_num_threads(int(os.environ.get('THREADS', '2')))
BATCH = 3
# The smallest pictures that leave several positions in the last stage, to be quick; what is fixed at 224 stays so.
SIZES = {'inception_v3': 139, 'maxvit_t': 224, 'swin_t': 128, 'swin_v2_t': 128, 'vit_b_16': 64, 'alexnet': 224, 'vgg11': 224, 'vgg11_bn': 224}
OPTIONS = {
    'googlenet': dict(aux_logits=False, init_weights=False),
    'inception_v3': dict(aux_logits=False, init_weights=False),
    'vit_b_16': dict(image_size=64),
}


def build(name):
    torch.manual_seed(3)
    model = getattr(zoo, name)(weights=None, num_classes=20, **OPTIONS.get(name, {}))
    for module in model.modules():
        if isinstance(module, nn.Dropout):
            module.p = 0.0
        if hasattr(module, 'p') and type(module).__name__ == 'StochasticDepth':
            module.p = 0.0
        if isinstance(module, nn.MultiheadAttention):
            module.dropout = 0.0
    with torch.no_grad():
        for key, p in model.named_parameters():
            if float(p.abs().max()) == 0 or key.endswith(('norm.weight', 'bn.weight')):
                p.add_(torch.randn(p.shape) * (1 / math.sqrt(p[0].numel()) if p.dim() > 1 else 0.1))
            if 'layer_scale' in key:
                p.copy_(torch.rand(p.shape) * 0.5 + 0.3)
    size = SIZES.get(name, 96)
    norms = [m for m in model.modules() if isinstance(m, nn.BatchNorm2d)]
    momenta = [m.momentum for m in norms]
    for m in norms:
        m.momentum = None
    with torch.no_grad():
        model.train()(torch.randn(8, 3, size, size))
    for m, momentum in zip(norms, momenta):
        m.momentum = momentum
    return model, size


def gradients(model, x, y, batch, dtype):
    model = copy.deepcopy(model).to(dtype)
    # Nothing but normalisation by batches differs: whatever drops has a probability of 0.
    model.train(batch)
    F.cross_entropy(model(x.to(dtype)), y.to(dtype)).backward()
    return {key: p.grad if p.grad is not None else torch.zeros_like(p) for key, p in model.named_parameters()}


def write(folder, name):
    model, size = build(name)
    x = torch.randn(BATCH, 3, size, size)
    y = torch.randn(BATCH, 20).softmax(1)
    os.makedirs(folder, exist_ok=True)
    meta = dict(name=name, shape=list(x.shape), weights=[[k, list(p.shape)] for k, p in model.named_parameters()])
    x.numpy().tofile(os.path.join(folder, 'x.bin'))
    y.numpy().tofile(os.path.join(folder, 'y.bin'))
    for kind in ('frozen', 'batch'):
        for dtype in ('float64', 'float32'):
            found = gradients(model, x, y, kind == 'batch', getattr(torch, dtype))
            flat = torch.cat([g.flatten() for g in found.values()])
            flat.numpy().tofile(os.path.join(folder, f'{kind}.{dtype}.bin'))
    exported = copy.deepcopy(model).eval()
    for module in exported.modules():
        if isinstance(module, nn.MultiheadAttention):
            module.training = True  # or the fused form of inference is exported
    axes = {'input': {0: 'N'}, 'logits': {0: 'N'}}
    torch.onnx.export(exported, (x,), os.path.join(folder, 'model.onnx'), opset_version=17, dynamo=False,
                      training=torch.onnx.TrainingMode.PRESERVE, do_constant_folding=False, input_names=['input'],
                      output_names=['logits'], dynamic_axes=axes)
    with open(os.path.join(folder, 'meta.json'), 'w') as file:
        json.dump(meta, file)


if __name__ == '__main__':
    for name in sys.argv[2:]:
        try:
            write(os.path.join(sys.argv[1], name), name)
            print(name, flush=True)
        except Exception as error:
            print(name, 'failed:', str(error).split('\n')[0], flush=True)
