"""CPU time in ms an image of a torchvision model: forward, and forward + input gradient. Called by gradients.js.

usage: gradients.py <model> <batch> <threads> <repetitions> <size>
"""
import json
import sys
import time

import torch
import torch.nn.functional as F
import torchvision

name, batch, threads, repetitions, size = sys.argv[1], *map(int, sys.argv[2:])
torch.set_num_threads(threads)
options = {'aux_logits': False, 'init_weights': False} if name in ('googlenet', 'inception_v3') else {}
model = getattr(torchvision.models, name)(weights=None, **options).eval()
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


times = {'forward': [], 'gradient': []}
for job in (forward, gradient):
    job()
for _ in range(repetitions):
    for job in (forward, gradient):
        start = time.process_time()
        job()
        times[job.__name__].append((time.process_time() - start) * 1000 / batch)
print(json.dumps({k: sorted(v)[len(v) // 2] for k, v in times.items()}))
