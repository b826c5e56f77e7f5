"""The table of a trial once more, in PyTorch, from the files that `augment` wrote: do trainer and files agree?

usage: agreement.py <images> <validation> <folder> [seeds] [steps] [first seed]

<images> and <validation> have one folder per class; <folder>/<arm> is what `sage-augment <images> --method <arm> --epochs 10
--format png --out <folder>/<arm>` wrote. The net, optimiser, schedule, crops and the halves of a batch are those of
docs/trial.md; the order, the weights and the mixes are others. Prints a line of JSON for each arm and seed.
"""
import csv
import json
import math
import os
import sys
import time

import numpy as np
import torch
import torch.nn as nn
import torch.nn.functional as F
from PIL import Image

BATCH, RATE, DECAY, WARMUP = 32, 3e-3, 0.05, 0.05


def picture(file):
    with Image.open(file) as image:
        return np.asarray(image.convert('RGB'))


def folders(root):
    """Pictures [n, 3, H, W] uint8 and one-hot labels of class folders."""
    classes = sorted(name for name in os.listdir(root) if os.path.isdir(os.path.join(root, name)))
    pictures, labels = [], []
    for k, name in enumerate(classes):
        for file in sorted(os.listdir(os.path.join(root, name))):
            pictures.append(picture(os.path.join(root, name, file)))
            labels.append(k)
    return torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2), F.one_hot(torch.tensor(labels), len(classes)).float(), classes


def mixes(folder, classes):
    with open(os.path.join(folder, 'labels.csv'), newline='') as file:
        header, *rows = csv.reader(file)
    assert header[1:] == classes, (header, classes)
    pictures = np.stack([picture(os.path.join(folder, row[0])) for row in rows])
    return torch.from_numpy(pictures).permute(0, 3, 1, 2), torch.tensor([[float(x) for x in row[1:]] for row in rows])


def net(classes, side):
    layers = []
    for before, channels in ((3, 32), (32, 64), (64, 128)):
        layers += [nn.Conv2d(before, channels, 3, 1, 1), nn.InstanceNorm2d(channels, affine=True), nn.ReLU(), nn.MaxPool2d(2)]
    features = 128 * (side // 8) ** 2
    return initialised(nn.Sequential(*layers, nn.Flatten(), nn.Linear(features, classes)), features)


def initialised(model, features):
    for module in model:
        if isinstance(module, nn.Conv2d):
            nn.init.kaiming_normal_(module.weight, nonlinearity='relu')
            nn.init.zeros_(module.bias)
        if isinstance(module, nn.Linear):
            nn.init.normal_(module.weight, std=features ** -0.5)
            nn.init.zeros_(module.bias)
    return model


def views(pictures, random):
    """Moved by up to an eighth of the side, mirrored at the edge, and mirrored half of the time."""
    side = pictures.shape[-1]
    pad = side // 8
    padded = F.pad(pictures.float(), (pad,) * 4, mode='reflect')
    result = []
    for one in padded:
        dx, dy = (int(torch.randint(0, 2 * pad + 1, (), generator=random)) for _ in range(2))
        one = one[:, dy:dy + side, dx:dx + side]
        result.append(one.flip(2) if torch.rand((), generator=random) < 0.5 else one)
    return torch.stack(result)


def prepared(pictures):
    return (pictures.float() / 255 - 0.5) / 0.25


def endless(size, random):
    while True:
        yield from torch.randperm(size, generator=random).tolist()


def train(originals, mixed, exam, seed, steps):
    torch.manual_seed(seed)
    random = torch.Generator().manual_seed(seed)
    model = net(originals[1].shape[1], originals[0].shape[-1])
    filters = [p for p in model.parameters() if p.dim() > 1]
    others = [p for p in model.parameters() if p.dim() <= 1]
    optimizer = torch.optim.AdamW([{'params': filters, 'weight_decay': DECAY}, {'params': others, 'weight_decay': 0}], lr=RATE)
    order, other = endless(len(originals[0]), random), endless(len(mixed[0]), random)
    warmup = round(WARMUP * steps)
    model.train()
    for step in range(steps):
        share = (step + 1) / warmup if step < warmup else 0.5 * (1 + math.cos(math.pi * (step - warmup) / max(1, steps - warmup)))
        for group in optimizer.param_groups:
            group['lr'] = RATE * share
        a = [next(order) for _ in range(BATCH // 2)]
        b = [next(other) for _ in range(BATCH // 2)]
        x = views(torch.cat([mixed[0][b], originals[0][a]]), random)
        y = torch.cat([mixed[1][b], originals[1][a]])
        loss = -(y * F.log_softmax(model(prepared(x)), 1)).sum(1).mean()
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1)
        optimizer.step()
    model.eval()
    with torch.no_grad():
        logits = torch.cat([model(prepared(part)) for part in exam[0].split(256)])
    loss = -(exam[1] * F.log_softmax(logits, 1)).sum(1).mean()
    return (logits.argmax(1) == exam[1].argmax(1)).float().mean().item(), loss.item()


def main():
    images, validation, folder = sys.argv[1:4]
    seeds, steps, first = (int(value) for value in (sys.argv[4:] + ['5', '300', '0'][len(sys.argv) - 4:]))
    torch.set_num_threads(1)
    originals, exam = folders(images), folders(validation)
    arms = {'clean': originals[:2]}
    for arm in sorted(os.listdir(folder)):
        if os.path.isfile(os.path.join(folder, arm, 'labels.csv')):
            arms[arm] = mixes(os.path.join(folder, arm), originals[2])
    for seed in range(first, first + seeds):
        for arm, mixed in arms.items():
            started = time.process_time()
            accuracy, loss = train(originals, mixed, exam, seed, steps)
            line = {'arm': arm, 'seed': seed, 'accuracy': accuracy, 'logLoss': loss, 'cpuSeconds': time.process_time() - started}
            print(json.dumps(line), flush=True)


if __name__ == '__main__':
    main()
