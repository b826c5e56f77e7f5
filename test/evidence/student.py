"""What the small student of `trial` must be like to learn its pictures by heart: its last layer, in PyTorch.

usage: student.py <images> <validation> <head> <normalisation> <batch> <steps> <rate> <arm> [seed]

<head> is mean (of all positions), 2x2 (means of quarters) or all (cells); <normalisation> instance or batch; <arm> clean or mixup
(alpha 1, half of each batch, made anew in every step). Prints a line of JSON: accuracy and log loss on <validation>, and
accuracy and loss on <images> themselves, unmixed and unmoved.
"""
import json
import math
import sys
import time

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F

from agreement import DECAY, endless, folders, initialised, prepared, views, WARMUP

CELLS = {'mean': 1, '2x2': 2, 'all': 4}


def net(head, normalisation, classes):
    layers = []
    for before, channels in ((3, 32), (32, 64), (64, 128)):
        norm = nn.InstanceNorm2d(channels, affine=True) if normalisation == 'instance' else nn.BatchNorm2d(channels)
        layers += [nn.Conv2d(before, channels, 3, 1, 1), norm, nn.ReLU(), nn.MaxPool2d(2)]
    features = 128 * CELLS[head] ** 2
    pool = [] if head == 'all' else [nn.AdaptiveAvgPool2d(CELLS[head])]
    return initialised(nn.Sequential(*layers, *pool, nn.Flatten(), nn.Linear(features, classes)), features)


def main():
    images, validation, head, normalisation, batch, steps, rate, arm, *seed = sys.argv[1:]
    batch, steps, rate, seed = int(batch), int(steps), float(rate), int(seed[0] if seed else 0)
    torch.set_num_threads(1)
    x, y, _ = folders(images)
    exam, truth, _ = folders(validation)
    started = time.process_time()
    torch.manual_seed(seed)
    random, shares = torch.Generator().manual_seed(seed), np.random.default_rng(seed)
    model = net(head, normalisation, y.shape[1])
    groups = [{'params': [p for p in model.parameters() if p.dim() > 1], 'weight_decay': DECAY},
              {'params': [p for p in model.parameters() if p.dim() <= 1], 'weight_decay': 0}]
    optimizer = torch.optim.AdamW(groups, lr=rate)
    originals, samples, partners = (endless(len(x), random) for _ in range(3))
    warmup, mixed = round(WARMUP * steps), batch // 2
    model.train()
    for step in range(steps):
        share = (step + 1) / warmup if step < warmup else 0.5 * (1 + math.cos(math.pi * (step - warmup) / max(1, steps - warmup)))
        for group in optimizer.param_groups:
            group['lr'] = rate * share
        a, b, c = ([next(order) for _ in range(n)] for order, n in ((originals, batch - mixed), (samples, mixed), (partners, mixed)))
        m = torch.tensor(shares.beta(1, 1, size=mixed)).float() if arm == 'mixup' else torch.ones(mixed)
        mixes = x[b] * m[:, None, None, None] + x[c] * (1 - m)[:, None, None, None]
        target = torch.cat([y[b] * m[:, None] + y[c] * (1 - m)[:, None], y[a]])
        logits = model(prepared(views(torch.cat([mixes, x[a].float()]), random)))
        loss = -(target * F.log_softmax(logits, 1)).sum(1).mean()
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1)
        optimizer.step()
    model.eval()
    found = {}
    with torch.no_grad():
        for name, pictures, labels in (('validation', exam, truth), ('training', x, y)):
            logits = torch.cat([model(prepared(part)) for part in pictures.split(200)])
            found[f'{name} accuracy'] = (logits.argmax(1) == labels.argmax(1)).float().mean().item()
            found[f'{name} loss'] = F.cross_entropy(logits, labels).item()
    print(json.dumps({'head': head, 'arm': arm, **found, 'cpuSeconds': time.process_time() - started}), flush=True)


main()
