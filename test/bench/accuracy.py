"""CIFAR-10 from 5,000 pictures in PyTorch, for accuracy.js, which trains the same networks in ONNX.

usage: accuracy.py prepare <cifar> <folder> <seeds>    <cifar> holds train/<class>/* and test/<class>/*
       accuracy.py train <folder> <seed>               prints the loss of every step, then the accuracy
       accuracy.py losses <folder> <seed> <steps> <form>  prints the losses; form float64, nchw or nhwc (both float32)
Written to <folder>: pictures and labels, and for each seed the network as ONNX and the order of the pictures.
"""
import json
import math
import os
import sys
import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from training import three

LEARN, TEST, EPOCHS, BATCH, RATE, WARMUP, MOMENTUM, DECAY = 500, 200, 4, 64, 0.05, 0.05, 0.9, 5e-4
MEAN, STD = 127.5, 63.75


def pictures(folder, count):
    """The first `count` of each class, uint8 [N, 32, 32, 3], and their labels."""
    found, labels = [], []
    for label, name in enumerate(sorted(os.listdir(folder))):
        for file in sorted(os.listdir(os.path.join(folder, name)))[:count]:
            found.append(np.asarray(Image.open(os.path.join(folder, name, file)).convert('RGB')))
            labels.append(label)
    return np.stack(found), np.array(labels, np.uint8)


def prepare(cifar, folder, seeds):
    for part, count in (('train', LEARN), ('test', TEST)):
        pixels, labels = pictures(os.path.join(cifar, part), count)
        pixels.tofile(os.path.join(folder, f'{part}.pixels'))
        labels.tofile(os.path.join(folder, f'{part}.labels'))
    with open(os.path.join(folder, 'settings.json'), 'w') as file:
        json.dump(dict(epochs=EPOCHS, batch=BATCH, rate=RATE, warmup=WARMUP, momentum=MOMENTUM, decay=DECAY,
                       mean=MEAN, std=STD), file)
    for seed in range(seeds):
        torch.manual_seed(seed)
        model = three()
        torch.save(model.state_dict(), os.path.join(folder, f'{seed}.pt'))
        torch.onnx.export(model.eval(), (torch.randn(2, 3, 32, 32),), os.path.join(folder, f'{seed}.onnx'), opset_version=17,
                          dynamo=False, training=torch.onnx.TrainingMode.PRESERVE, do_constant_folding=False,
                          input_names=['input'], output_names=['logits'],
                          dynamic_axes={'input': {0: 'N'}, 'logits': {0: 'N'}})
        orders = [np.random.default_rng([seed, epoch]).permutation(10 * LEARN) for epoch in range(EPOCHS)]
        np.stack(orders).astype(np.uint32).tofile(os.path.join(folder, f'{seed}.order'))


def rate_at(step, steps, warmup):
    if step < warmup:
        return RATE * (step + 1) / warmup
    return RATE * 0.5 * (1 + math.cos(math.pi * (step - warmup) / max(1, steps - warmup)))


def train(folder, seed, limit=None, form='nchw'):
    torch.set_num_threads(1)
    layout = torch.channels_last if form == 'nhwc' else torch.contiguous_format
    dtype = torch.float64 if form == 'float64' else torch.float32

    def part(name):
        pixels = np.fromfile(os.path.join(folder, f'{name}.pixels'), np.uint8).reshape(-1, 32, 32, 3)
        x = torch.tensor(pixels).permute(0, 3, 1, 2).float()
        return (x - MEAN) / STD, torch.tensor(np.fromfile(os.path.join(folder, f'{name}.labels'), np.uint8)).long()

    x, y = part('train')
    order = torch.tensor(np.fromfile(os.path.join(folder, f'{seed}.order'), np.uint32).astype(np.int64)).reshape(EPOCHS, -1)
    model = three()
    model.load_state_dict(torch.load(os.path.join(folder, f'{seed}.pt')))
    model.to(dtype).to(memory_format=layout).train()
    x = x.to(dtype).contiguous(memory_format=layout)
    groups = [dict(params=[p for p in model.parameters() if p.dim() >= 2], weight_decay=DECAY),
              dict(params=[p for p in model.parameters() if p.dim() < 2], weight_decay=0)]
    optimizer = torch.optim.SGD(groups, lr=RATE, momentum=MOMENTUM)
    steps = len(x) // BATCH
    for step in range(limit or steps * EPOCHS):
        epoch, i = divmod(step, steps)
        batch = order[epoch, i * BATCH:(i + 1) * BATCH]
        for group in optimizer.param_groups:
            group['lr'] = rate_at(step, steps * EPOCHS, round(WARMUP * steps * EPOCHS))
        loss = F.cross_entropy(model(x[batch]), y[batch])
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        print(loss.item(), flush=True)
    if limit:
        return
    model.eval()
    x, y = part('test')
    with torch.no_grad():
        hits = sum((model(a).argmax(1) == b).sum().item() for a, b in zip(x.split(200), y.split(200)))
    print(hits / len(y))


if __name__ == '__main__':
    if sys.argv[1] == 'prepare':
        prepare(sys.argv[2], sys.argv[3], int(sys.argv[4]))
    elif sys.argv[1] == 'losses':
        train(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]), sys.argv[5])
    else:
        train(sys.argv[2], int(sys.argv[3]))
