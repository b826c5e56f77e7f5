#!/usr/bin/python3
"""Trains a bundled classifier on a CPU and exports it.

    /usr/bin/python3 train.py cifar10 <folder with train/ and test/ class folders> --out ../cifar10
    /usr/bin/python3 train.py fashion-mnist /usr/share/datasets/fashion-mnist --out ../fashion-mnist

Needs Debian's python3-torch and python3-pil. Writes <out>.onnx (opset 17, dynamic batch, float32) and <out>.pt (the
weights, for reference.py). SGD with Nesterov momentum, one triangular learning-rate cycle, flips, shifts and
label smoothing; the test split is only looked at for the log.
"""
import argparse
import time
import numpy as np
import torch
import torch.nn.functional as F
from datasets import load
from network import Classifier

RECIPES = {
    'cifar10': dict(widths=(40, 144, 160), stem=24, epochs=24, batch=256, peak=0.25, decay=5e-4, shift=3),
    'fashion-mnist': dict(widths=(24, 64, 128), stem=8, epochs=9, batch=256, peak=0.25, decay=5e-4, shift=2),
}


def augment(x, shift, generator):
    """Random flip and shift of a normalised batch [N, C, H, W], reflected at the edges."""
    n, _, h, w = x.shape
    flip = torch.rand(n, generator=generator) < 0.5
    x = torch.where(flip[:, None, None, None], x.flip(3), x)
    x = F.pad(x, (shift,) * 4, 'reflect')
    dy, dx = torch.randint(0, 2 * shift + 1, (2, n), generator=generator)
    rows = (dy[:, None] + torch.arange(h))[:, None, :, None]
    columns = (dx[:, None] + torch.arange(w))[:, None, None, :]
    return x[torch.arange(n)[:, None, None, None], torch.arange(x.shape[1])[None, :, None, None], rows, columns]


def accuracy(model, x, y):
    model.eval()
    with torch.no_grad():
        hits = sum((model(x[i:i + 500]).argmax(1) == y[i:i + 500]).sum().item() for i in range(0, len(x), 500))
    return hits / len(x)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('dataset', choices=RECIPES)
    parser.add_argument('folder')
    parser.add_argument('--out', required=True)
    parser.add_argument('--epochs', type=int)
    parser.add_argument('--start', help='weights (.pt) to go on from, in another learning-rate cycle')
    parser.add_argument('--peak', type=float, help='highest learning rate of the cycle')
    parser.add_argument('--seed', type=int, default=0)
    args = parser.parse_args()
    recipe = RECIPES[args.dataset]
    epochs = args.epochs or recipe['epochs']
    peak = args.peak or recipe['peak']
    torch.manual_seed(args.seed)
    torch.set_num_threads(2)
    generator = torch.Generator().manual_seed(args.seed)

    (x, y), (tx, ty), classes = load(args.dataset, args.folder)
    mean = (x.mean((0, 2, 3), dtype=np.float64) / 255).round(4).astype(np.float32)
    std = (x.std((0, 2, 3), dtype=np.float64) / 255).round(4).astype(np.float32)
    print('mean', mean.tolist(), 'std', std.tolist(), 'classes', classes, flush=True)
    scale = lambda u: torch.from_numpy((u / np.float32(255) - mean[:, None, None]) / std[:, None, None])
    x, tx, y, ty = scale(x), scale(tx), torch.from_numpy(y), torch.from_numpy(ty)

    model = Classifier(x.shape[1], recipe['widths'], len(classes), recipe['stem'])
    if args.start:
        model.load_state_dict(torch.load(args.start))
    else:
        model.whiten(x[:5000])
    model.stem.weight.requires_grad_(False)
    model.to(memory_format=torch.channels_last)
    steps_an_epoch = len(x) // recipe['batch']
    steps = epochs * steps_an_epoch
    optimizer = torch.optim.SGD([p for p in model.parameters() if p.requires_grad], lr=1, momentum=0.9,
                                nesterov=True, weight_decay=recipe['decay'])
    rate = lambda step: peak * min(step / (0.2 * steps), (steps - step) / (0.8 * steps)) + 1e-4
    schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, rate)
    started = time.time()
    for epoch in range(epochs):
        model.train()
        order = torch.randperm(len(x), generator=generator)
        for i in range(steps_an_epoch):
            batch = order[i * recipe['batch']:(i + 1) * recipe['batch']]
            inputs = augment(x[batch], recipe['shift'], generator).contiguous(memory_format=torch.channels_last)
            loss = F.cross_entropy(model(inputs), y[batch], label_smoothing=0.1)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            schedule.step()
        print(f'epoch {epoch + 1}/{epochs} {time.time() - started:.0f} s loss {loss.item():.3f} '
              f'test {accuracy(model, tx, ty):.4f}', flush=True)
        torch.save(model.state_dict(), f'{args.out}.pt')

    model.to(memory_format=torch.contiguous_format).eval()
    torch.onnx.export(model, x[:2].contiguous(), f'{args.out}.onnx', opset_version=17, input_names=['input'],
                      output_names=['logits'], dynamic_axes={'input': {0: 'batch'}, 'logits': {0: 'batch'}})


if __name__ == '__main__':
    main()
