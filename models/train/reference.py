#!/usr/bin/python3
"""Writes what the saliency of a classifier must be, from PyTorch in float64, as one JSON file.

    /usr/bin/python3 reference.py small <folder>                    two small untrained classifiers, .onnx and .json
    /usr/bin/python3 reference.py cifar10 <images> --out <.json>    the trained one (../cifar10.pt) on its test images

The cotangent of the loss on the logits is its textbook formula in 200-digit decimals, since softmax(z) - y cancels even
in float64 for a confident classifier; autograd does the rest. Arrays are base64: `pixels` uint8 [N, H, W, 3], `gradient`
float32, each image divided by its largest magnitude, saliency maps float32, normalised.
"""
import argparse
import base64
import json
import pathlib
from decimal import Decimal, getcontext
import numpy as np
import torch
from torchvision.transforms import GaussianBlur
from network import Classifier

getcontext().prec = 200
SMALL = {'small-rgb': (3, 32), 'small-grey': (1, 28)}


def cotangents(logits, target, loss):
    """d loss / d logits, exact, each row divided by its largest magnitude: float64 [N, K]."""
    rows = []
    for z, y in zip(logits.tolist(), target.tolist()):
        z, y = [Decimal(v) for v in z], [Decimal(v) for v in y]
        e = [(v - max(z)).exp() for v in z]
        p = [v / sum(e) for v in e]
        if loss == 'ce':
            c = [a - b for a, b in zip(p, y)]
        else:
            q = [-b + (1 - b) * a / (1 - a) for a, b in zip(p, y)]
            c = [a - b * sum(q) for a, b in zip(q, p)]
        rows.append([float(v / max(map(abs, c))) for v in c])
    return torch.tensor(rows, dtype=torch.float64)


def reference(model, x, target, loss):
    """Input gradient (largest entry of an image 1) and normalised, blurred saliency map, float64."""
    x = x.clone().requires_grad_(True)
    logits = model(x)
    g, = torch.autograd.grad(logits, x, cotangents(logits.detach(), target, loss))
    g = g / g.abs().amax((1, 2, 3), keepdim=True)
    s = GaussianBlur(5, 1.0)(g.abs().mean(1, keepdim=True))
    return logits.detach(), g, (s / s.sum((1, 2, 3), keepdim=True))[:, 0]


def pack(array, dtype):
    return base64.b64encode(np.ascontiguousarray(array, dtype).tobytes()).decode()


def write(path, model, pixels, mean, std, labels):
    """pixels: uint8 [N, H, W, C]."""
    model = model.double().eval()
    wide = np.repeat(pixels, 3 // pixels.shape[3], 3)
    x = torch.from_numpy(((pixels / 255.0 - mean) / std).transpose(0, 3, 1, 2))
    hard = torch.eye(model.head.out_features, dtype=torch.float64)[labels]
    soft = 0.7 * hard + 0.3 * hard.roll(1, 1)
    record = dict(mean=list(mean), std=list(std), dims=list(wide.shape), pixels=pack(wide, 'u1'), cases=[])
    for scale in (1, 50):
        model.head.weight.data *= scale
        model.head.bias.data *= scale
        for loss in ('ce', 'bce'):
            for kind, target in (('hard', hard), ('soft', soft))[:2 if scale == 1 else 1]:
                logits, g, s = reference(model, x, target, loss)
                case = dict(scale=scale, loss=loss, labels=kind, target=target.tolist(), saliency=pack(s, '<f4'))
                if scale == 1 and kind == 'hard':
                    case.update(logits=logits.tolist(), gradient=pack(g, '<f4'))
                record['cases'].append(case)
    pathlib.Path(path).write_text(json.dumps(record) + '\n')


def small(folder):
    for name, (channels, size) in SMALL.items():
        torch.manual_seed(1)
        model = Classifier(channels, (8, 12, 16), 10, 2 * 4 * channels if channels == 1 else 12)
        for _ in range(20):
            model(torch.randn(32, channels, size, size))
        model.head.weight.data *= 8
        model.eval()
        pixels = np.random.default_rng(2).integers(0, 256, (2, size, size, channels), np.uint8)
        torch.onnx.export(model, torch.zeros(2, channels, size, size), f'{folder}/{name}.onnx', opset_version=17,
                          input_names=['input'], output_names=['logits'],
                          dynamic_axes={'input': {0: 'batch'}, 'logits': {0: 'batch'}})
        labels = [3, int(model(torch.from_numpy(((pixels[1:] / 255.0 - 0.5) / 0.25).transpose(0, 3, 1, 2)).float()).argmax())]
        write(f'{folder}/{name}.json', model, pixels, [0.5] * channels, [0.25] * channels, labels)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument('what', choices=['small', 'cifar10', 'fashion-mnist'])
    parser.add_argument('folder')
    parser.add_argument('--out')
    args = parser.parse_args()
    torch.set_num_threads(1)
    if args.what == 'small':
        return small(args.folder)
    from datasets import load
    from train import RECIPES
    (x, _), (tx, ty), classes = load(args.what, args.folder)
    mean = (x.mean((0, 2, 3), dtype=np.float64) / 255).round(4)
    std = (x.std((0, 2, 3), dtype=np.float64) / 255).round(4)
    recipe = RECIPES[args.what]
    model = Classifier(x.shape[1], recipe['widths'], len(classes), recipe['stem'])
    model.load_state_dict(torch.load(pathlib.Path(__file__).parent.parent / f'{args.what}.pt'))
    chosen = [0, len(tx) - 1]
    write(args.out, model, tx[chosen].transpose(0, 2, 3, 1), mean, std, ty[chosen])


if __name__ == '__main__':
    main()
