"""Least time in ms an image of a model of torchvision, or resnet20: forward, and forward + input gradient.

usage: gradients.py <model> <batch> <threads> <repetitions> <size>   (called by gradients.js)
       gradients.py export <folder>                                  (writes <folder>/resnet20 for gradients.js)
"""
import json
import os
import sys
import time

import torch
import torch.nn as nn
import torch.nn.functional as F
import torchvision


class Block(nn.Module):
    def __init__(self, before, channels):
        super().__init__()
        self.added = channels - before
        self.conv1 = nn.Conv2d(before, channels, 3, channels // before, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)

    def forward(self, x):
        y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
        if self.added:
            x = F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, self.added // 2, self.added // 2))
        return F.relu(y + x)


def resnet20():
    """The CIFAR network of He et al. 2015, section 4.2: shortcuts without parameters."""
    widths = [16] + [16] * 3 + [32] * 3 + [64] * 3
    blocks = [Block(before, channels) for before, channels in zip(widths, widths[1:])]
    stem = [nn.Conv2d(3, 16, 3, 1, 1, bias=False), nn.BatchNorm2d(16), nn.ReLU()]
    return nn.Sequential(*stem, *blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, 10))


def export(folder):
    target = os.path.join(folder, 'resnet20')
    os.makedirs(target, exist_ok=True)
    axes = {'input': {0: 'N'}, 'logits': {0: 'N'}}
    options = dict(opset_version=17, input_names=['input'], output_names=['logits'], dynamic_axes=axes)
    torch.onnx.export(resnet20().eval(), torch.randn(2, 3, 32, 32), os.path.join(target, 'model.onnx'), **options)
    meta = {'input_name': 'input', 'num_classes': 10, 'tensors': {'input': {'shape': [2, 3, 32, 32]}}}
    with open(os.path.join(target, 'meta.json'), 'w') as file:
        json.dump(meta, file)


if sys.argv[1] == 'export':
    export(sys.argv[2])
    sys.exit()

name, batch, threads, repetitions, size = sys.argv[1], *map(int, sys.argv[2:])
torch.set_num_threads(threads)
options = {'aux_logits': False, 'init_weights': False} if name in ('googlenet', 'inception_v3') else {}
model = resnet20() if name == 'resnet20' else getattr(torchvision.models, name)(weights=None, **options)
model.eval()
for p in model.parameters():
    p.requires_grad_(False)
x = torch.randn(batch, 3, size, size)
y = torch.full((batch,), 3)


def forward():
    with torch.no_grad():
        model(x)


def gradient():
    z = x.clone().requires_grad_(True)
    torch.autograd.grad(F.cross_entropy(model(z), y, reduction='sum'), z)


# The CPU time of several threads would count those that wait for others.
clock = time.process_time if threads == 1 else time.perf_counter
times = {'forward': [], 'gradient': []}
for job in (forward, gradient):
    job()
for _ in range(repetitions):
    for job in (forward, gradient):
        start = clock()
        job()
        times[job.__name__].append((clock() - start) * 1000 / batch)
print(json.dumps({k: min(v) for k, v in times.items()}))
